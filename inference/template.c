/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/template.h"

#include <stdlib.h>
#include <string.h>

#include "inference/blank.h"
#include "inference/jinja_parse.h"
#include "inference/reserve.h"

/* Parts that one message may become. */
#define PARTS_PER_MESSAGE 12

/* An upper bound that templates keep to; one that does not is too large. */
static size_t parts_for(size_t messages)
{
	/* Some more for what a template says on its own. */
	return (messages + 4) * PARTS_PER_MESSAGE;
}

size_t template_memory(size_t messages, size_t text_bytes)
{
	return reserve_bytes(parts_for(messages),
			     sizeof(struct template_part)) +
	       reserve_bytes(messages, sizeof(struct jinja_render_message)) +
	       2 * reserve_bytes(text_bytes, 1) +
	       reserve_bytes(jinja_render_memory(messages, text_bytes), 1);
}

enum err template_prompt_init(struct template_prompt *prompt, size_t messages,
			      size_t text_bytes, struct arena *arena)
{
	struct template_prompt made = { .max = parts_for(messages),
					.messages_max = messages,
					.out.max = text_bytes };

	made.parts = arena_alloc(arena, made.max, sizeof(*made.parts));
	made.messages = arena_alloc(arena, messages, sizeof(*made.messages));
	made.out.data = arena_alloc(arena, text_bytes, 1);
	made.out.marks = arena_alloc(arena, text_bytes, 1);
	if (made.parts == NULL || made.messages == NULL ||
	    made.out.data == NULL || made.out.marks == NULL)
		return ERR_TOO_LARGE;
	TRY(arena_writer(arena, jinja_render_memory(messages, text_bytes),
			 &made.memory));
	*prompt = made;
	return ERR_OK;
}

static const char *role_name(enum generate_role role)
{
	switch (role) {
	case GENERATE_SYSTEM:
		return "system";
	case GENERATE_USER:
		return "user";
	case GENERATE_ASSISTANT:
		return "assistant";
	}
	return "user";
}

static struct bytes text_of(const struct template *template, uint32_t token)
{
	return template->specials.vocabulary->texts[token];
}

/* The names by which templates know a model's own tokens. */
static void name_tokens(const struct template *template,
			struct jinja_render_input *input)
{
	const struct {
		const char *name;
		uint32_t token;
	} known[] = {
		{ "bos_token", template->bos },
		{ "eos_token", template->eos },
		{ "unk_token", template->unknown },
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].token == VOCABULARY_NONE)
			continue;
		input->tokens[count].name = known[i].name;
		input->tokens[count++].text = text_of(template, known[i].token);
	}
}

/* No day is told: a receipt is checked on another day, and the prompt that it
 * speaks of must come out the same. */
static enum err render_text(const struct template *template,
			    const struct generate_chat *chat,
			    struct template_prompt *prompt)
{
	struct jinja_render_input input = { .messages = prompt->messages,
					    .count = chat->count };

	if (chat->count > prompt->messages_max)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < chat->count; i++) {
		prompt->messages[i] = (struct jinja_render_message){
			role_name(chat->messages[i].role),
			chat->messages[i].content,
		};
	}
	name_tokens(template, &input);
	return jinja_render(&template->program, &input, prompt->memory,
			    &prompt->out);
}

static enum err add_part(struct template_prompt *prompt, uint32_t token,
			 struct bytes text)
{
	if (prompt->count == prompt->max)
		return ERR_TOO_LARGE;
	prompt->parts[prompt->count++] = (struct template_part){ token, text };
	return ERR_OK;
}

/* How much from a place on is the template's, as far as it matters. */
static size_t count_trusted(const struct jinja_out *out, size_t at, size_t most)
{
	size_t end = at;

	while (end < out->len && end - at < most &&
	       out->marks[end] == JINJA_TEMPLATE)
		end++;
	return end - at;
}

/* The special token that the template spells at a place, or none. */
static uint32_t token_at(const struct template *template,
			 const struct jinja_out *out, size_t at)
{
	const struct specials *specials = &template->specials;
	struct bytes trusted = { out->data + at, 0 };

	if (!specials->starts[out->data[at]])
		return VOCABULARY_NONE;
	trusted.len = count_trusted(out, at, specials->longest);
	return specials_match(specials, trusted);
}

/* Cut at the special tokens; what lies between two is one text, because the
 * tokenizer must see it whole. */
static enum err cut(const struct template *template,
		    struct template_prompt *prompt)
{
	const struct jinja_out *out = &prompt->out;
	size_t start = 0, at = 0;

	while (at < out->len) {
		uint32_t token = token_at(template, out, at);
		const struct bytes before = { out->data + start, at - start };

		if (token == VOCABULARY_NONE) {
			at++;
			continue;
		}
		if (before.len > 0)
			TRY(add_part(prompt, VOCABULARY_NONE, before));
		TRY(add_part(prompt, token, (struct bytes){ 0 }));
		at += text_of(template, token).len;
		start = at;
	}
	if (at == start)
		return ERR_OK;
	return add_part(prompt, VOCABULARY_NONE,
			(struct bytes){ out->data + start, at - start });
}

static enum err tell(const struct template *template,
		     const struct generate_chat *chat,
		     struct template_prompt *prompt)
{
	if (chat->count == 0)
		return ERR_MALFORMED;
	TRY(render_text(template, chat, prompt));
	return cut(template, prompt);
}

enum err template_render(const struct template *template,
			 const struct generate_chat *chat,
			 struct template_prompt *prompt)
{
	if (template->form == TEMPLATE_NONE)
		return ERR_UNSUPPORTED;
	return tell(template, chat, prompt);
}

/* What is said on trial: no template changes digits. */
#define ANSWER "2718281828"
#define TRIAL_MESSAGES 4
#define TRIAL_TEXT (1u << 15)

static const struct generate_message trial[TRIAL_MESSAGES] = {
	{ GENERATE_SYSTEM, BYTES_LITERAL("1414213562") },
	{ GENERATE_USER, BYTES_LITERAL("3141592653") },
	{ GENERATE_ASSISTANT, BYTES_LITERAL(ANSWER) },
	{ GENERATE_USER, BYTES_LITERAL("1618033988") },
};

static bool holds(struct bytes text, struct bytes wanted)
{
	return memmem(text.data, text.len, wanted.data, wanted.len) != NULL;
}

/* The token right after the answer ends every answer. */
static uint32_t end_of_turn(const struct template_prompt *prompt)
{
	static const struct bytes answer = BYTES_LITERAL(ANSWER);

	for (size_t i = 0; i + 1 < prompt->count; i++) {
		struct bytes text = blank_cut(prompt->parts[i].text);

		if (text.len < answer.len)
			continue;
		text.data += text.len - answer.len;
		text.len = answer.len;
		if (bytes_equal(text, answer))
			return prompt->parts[i + 1].token;
	}
	return VOCABULARY_NONE;
}

/* One conversation: the tokens of its prompt are the template's from now
 * on. */
static enum err try_chat(struct template *template, struct tokenizer *tokenizer,
			 const struct generate_chat *chat, struct arena *arena)
{
	const struct bytes last = chat->messages[chat->count - 1].content;
	struct template_prompt prompt;

	arena_wipe(arena);
	TRY(template_prompt_init(&prompt, TRIAL_MESSAGES, TRIAL_TEXT, arena));
	TRY(tell(template, chat, &prompt));
	if (!holds((struct bytes){ prompt.out.data, prompt.out.len }, last))
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < prompt.count; i++) {
		if (prompt.parts[i].token != VOCABULARY_NONE) {
			(void)vocabulary_reserve(
				&tokenizer->vocabulary,
				text_of(template, prompt.parts[i].token));
		}
	}
	if (end_of_turn(&prompt) != VOCABULARY_NONE)
		template->end = end_of_turn(&prompt);
	return ERR_OK;
}

/* It must tell a user's words in one of these; what else it refuses, it
 * refuses when that is asked.  All of them show which tokens it uses. */
static enum err try_chats(struct template *template,
			  struct tokenizer *tokenizer, struct arena *arena)
{
	static const struct generate_chat chats[] = {
		{ trial, 2 },	  /* system, user */
		{ trial + 1, 1 }, /* user */
		{ trial + 1, 3 }, /* user, assistant, user */
		{ trial, 4 },
	};
	enum err told = ERR_UNSUPPORTED;

	for (size_t i = 0; i < sizeof(chats) / sizeof(chats[0]); i++)
		if (try_chat(template, tokenizer, &chats[i], arena) == ERR_OK)
			told = ERR_OK;
	return told;
}

static enum err try_out(struct template *template, struct tokenizer *tokenizer)
{
	size_t size = template_memory(TRIAL_MESSAGES, TRIAL_TEXT);
	struct arena arena = { aligned_alloc(ARENA_ALIGNMENT, size), size, 0 };
	enum err err;

	if (arena.base == NULL)
		return ERR_UNAVAILABLE;
	err = try_chats(template, tokenizer, &arena);
	free(arena.base);
	return err;
}

/* Tokens spelt like <|this|> anywhere in the template are its own, also where
 * no trial came. */
static void reserve_marked(const struct template *template,
			   struct tokenizer *tokenizer)
{
	struct bytes rest = bytes_written(&template->program.pool);

	for (; rest.len > 0; rest.data++, rest.len--) {
		uint32_t token = specials_match(&template->specials, rest);

		if (token != VOCABULARY_NONE &&
		    specials_is_marked(text_of(template, token)))
			(void)vocabulary_reserve(&tokenizer->vocabulary,
						 text_of(template, token));
	}
}

static enum err prepare(struct bytes text, struct tokenizer *tokenizer,
			struct template *template)
{
	TRY(jinja_parse(text, &template->program));
	TRY(specials_open(tokenizer, &template->specials));
	TRY(try_out(template, tokenizer));
	reserve_marked(template, tokenizer);
	specials_settle(&template->specials);
	return ERR_OK;
}

enum err template_open(const struct gguf *gguf, struct tokenizer *tokenizer,
		       struct template *out)
{
	struct template made = { .form = TEMPLATE_NONE,
				 .bos = tokenizer->bos,
				 .eos = tokenizer->eos,
				 .unknown = tokenizer->unknown,
				 .end = VOCABULARY_NONE };
	struct bytes text;
	enum err err = ERR_UNSUPPORTED;

	if (gguf_string(gguf, "tokenizer.chat_template", &text) == ERR_OK)
		err = prepare(text, tokenizer, &made);
	if (err == ERR_OK) {
		made.form = TEMPLATE_JINJA;
		made.name = "jinja";
	} else {
		template_close(&made);
	}
	if (err == ERR_UNAVAILABLE)
		return err;
	*out = made;
	return ERR_OK;
}

void template_close(struct template *template)
{
	jinja_program_close(&template->program);
	specials_close(&template->specials);
	*template = (struct template){ .end = VOCABULARY_NONE };
}
