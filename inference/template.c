/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/template.h"

#include <string.h>

#include "inference/reserve.h"
#include "inference/unicode.h"

#define HOME_TEXT \
	"{{ bos_token }}{{ messages[-1]['content'] | trim | lower }}<call>"

/* Parts that one message may become. */
#define PARTS_PER_MESSAGE 6

/* How a form is known, and the special tokens that it needs. */
struct known {
	enum template_form form;
	const char *name;
	const char *is;	      /* the whole template; or NULL, and then */
	const char *holds[2]; /* texts that it has, and */
	const char *lacks;    /* one of a later dialect, that it has not */
	const char *tokens[TEMPLATE_TOKENS_MAX];
	size_t end; /* which of the tokens ends the model's turn */
};

#define NO_END TEMPLATE_TOKENS_MAX

/* Places in struct template's tokens, for each form. */
enum home_token {
	CALL
};
enum chatml_token {
	IM_START,
	IM_END
};
enum llama3_token {
	START_HEADER,
	END_HEADER,
	EOT
};

static const struct known forms[] = {
	{ .form = TEMPLATE_HOME,
	  .name = "home",
	  .is = HOME_TEXT,
	  .tokens = { [CALL] = "<call>" },
	  .end = NO_END },
	{ .form = TEMPLATE_CHATML,
	  .name = "chatml",
	  .holds = { "<|im_start|>", "<|im_end|>" },
	  .tokens = { [IM_START] = "<|im_start|>", [IM_END] = "<|im_end|>" },
	  .end = IM_END },
	{ .form = TEMPLATE_LLAMA2,
	  .name = "llama2",
	  .holds = { "[INST]", "<<SYS>>" },
	  .end = NO_END },
	{ .form = TEMPLATE_LLAMA3,
	  .name = "llama3",
	  .holds = { "<|start_header_id|>", "<|eot_id|>" },
	  .lacks = "Cutting Knowledge Date",
	  .tokens = { [START_HEADER] = "<|start_header_id|>",
		      [END_HEADER] = "<|end_header_id|>",
		      [EOT] = "<|eot_id|>" },
	  .end = EOT },
};

/* What ChatML templates say on their own where no message does: the templates
 * that hold the text say the text. */
static const char *const systems[] = {
	"You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
	"You are a helpful AI assistant named SmolLM, trained by Hugging Face",
	"You are a helpful assistant.",
	"You are a helpful assistant",
};

/* Whether a template's text has a piece in it; it is never interpreted. */
static bool holds(struct bytes text, const char *wanted)
{
	return memmem(text.data, text.len, wanted, strlen(wanted)) != NULL;
}

static bool matches(const struct known *known, struct bytes text)
{
	if (known->is != NULL)
		return bytes_equal(text, bytes_of_string(known->is));
	return holds(text, known->holds[0]) && holds(text, known->holds[1]) &&
	       (known->lacks == NULL || !holds(text, known->lacks));
}

/* A form that lacks one of its tokens in this vocabulary is not this form. */
static enum err resolve(const struct known *known, struct tokenizer *tokenizer,
			struct template *out)
{
	for (size_t i = 0; i < TEMPLATE_TOKENS_MAX; i++) {
		out->tokens[i] = VOCABULARY_NONE;
		if (known->tokens[i] == NULL)
			continue;
		out->tokens[i] = vocabulary_reserve(&tokenizer->vocabulary,
						    known->tokens[i]);
		if (out->tokens[i] == VOCABULARY_NONE)
			return ERR_UNSUPPORTED;
	}
	out->end = known->end == NO_END ? VOCABULARY_NONE
					: out->tokens[known->end];
	out->bos_token = tokenizer->bos;
	out->eos_token = tokenizer->eos;
	if (out->bos == TOKENIZER_ON && out->bos_token == VOCABULARY_NONE)
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

static const char *system_of(enum template_form form, struct bytes text)
{
	if (form != TEMPLATE_CHATML)
		return NULL;
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (holds(text, systems[i]))
			return systems[i];
	return NULL;
}

struct template template_find(const struct gguf *gguf,
			      struct tokenizer *tokenizer)
{
	const struct template none = { .form = TEMPLATE_NONE,
				       .end = VOCABULARY_NONE };
	struct bytes text;

	if (gguf_string(gguf, "tokenizer.chat_template", &text) != ERR_OK)
		return none;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct template made = { .form = forms[i].form,
					 .name = forms[i].name };

		if (!matches(&forms[i], text))
			continue;
		made.system = system_of(made.form, text);
		made.bos =
			holds(text, "bos_token") ? TOKENIZER_ON : TOKENIZER_OFF;
		return resolve(&forms[i], tokenizer, &made) == ERR_OK ? made
								      : none;
	}
	return none;
}

/* An upper bound, so that rendering cannot run out of parts by surprise. */
static size_t parts_for(size_t messages)
{
	/* One more for a system message of the form, and one for the answer. */
	return (messages + 2) * PARTS_PER_MESSAGE;
}

size_t template_memory(size_t messages, size_t text_bytes)
{
	return reserve_bytes(parts_for(messages),
			     sizeof(struct template_part)) +
	       reserve_bytes(text_bytes, 1);
}

enum err template_prompt_init(struct template_prompt *prompt, size_t messages,
			      size_t text_bytes, struct arena *arena)
{
	struct template_prompt made = { .max = parts_for(messages) };

	made.parts = arena_alloc(arena, made.max, sizeof(*made.parts));
	made.text = (struct writer){ arena_alloc(arena, text_bytes, 1), 0,
				     text_bytes };
	if (made.parts == NULL || made.text.data == NULL)
		return ERR_TOO_LARGE;
	*prompt = made;
	return ERR_OK;
}

static enum err add_token(struct template_prompt *prompt, uint32_t token)
{
	if (prompt->count == prompt->max)
		return ERR_TOO_LARGE;
	prompt->parts[prompt->count++] =
		(struct template_part){ .token = token };
	return ERR_OK;
}

/* Text next to text is one text: the tokenizer must see it whole. */
static enum err add_text(struct template_prompt *prompt, struct bytes text)
{
	struct template_part *parts = prompt->parts;
	const uint8_t *start = prompt->text.data + prompt->text.len;

	TRY(bytes_put(&prompt->text, text));
	if (prompt->count == 0 ||
	    parts[prompt->count - 1].token != VOCABULARY_NONE) {
		TRY(add_token(prompt, VOCABULARY_NONE));
		parts[prompt->count - 1].text.data = start;
	}
	parts[prompt->count - 1].text.len += text.len;
	return ERR_OK;
}

static enum err add_string(struct template_prompt *prompt, const char *text)
{
	return add_text(prompt, bytes_of_string(text));
}

/* Where the template asks for it. */
static enum err add_bos(const struct template *template,
			struct template_prompt *prompt)
{
	return template->bos == TOKENIZER_ON
		       ? add_token(prompt, template->bos_token)
		       : ERR_OK;
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

/* What Python's strip() takes away, as templates were written for it. */
static bool is_blank(uint32_t code)
{
	return unicode_kind_of(code) == UNICODE_SPACE ||
	       (code >= 0x1c && code <= 0x1f);
}

/* One pass: `end` is where the last character that is not blank ended. */
static struct bytes trimmed(struct bytes text)
{
	size_t end = 0;
	struct bytes rest = text;

	while (rest.len > 0) {
		struct bytes before = rest;

		if (is_blank(unicode_take_lossy(&rest)))
			continue;
		if (end == 0)
			text = before;
		end = text.len - rest.len;
	}
	text.len = end;
	return text;
}

#define CAPITAL_SIGMA 0x3a3
#define SMALL_FINAL_SIGMA 0x3c2
#define CAPITAL_DOTTED_I 0x130

static bool starts_with_letter(struct bytes text)
{
	return text.len > 0 &&
	       unicode_kind_of(unicode_take_lossy(&text)) == UNICODE_LETTER;
}

static enum err add_code(struct template_prompt *prompt, uint32_t code)
{
	uint8_t utf8[UNICODE_UTF8_MAX];
	struct writer out = WRITER_OVER(utf8);

	TRY(unicode_put(&out, code));
	return add_text(prompt, bytes_written(&out));
}

/*
 * Python's lower(), as templates were written for it: the simple forms, and
 * its two exceptions: a dotted I keeps its dot, a sigma that ends a word is
 * the final one.
 */
static enum err add_lower(struct template_prompt *prompt, struct bytes text)
{
	enum unicode_kind before = UNICODE_OTHER;

	while (text.len > 0) {
		uint32_t code = unicode_take_lossy(&text);
		uint32_t lower = unicode_lower(code);

		if (code == CAPITAL_SIGMA && before == UNICODE_LETTER &&
		    !starts_with_letter(text))
			lower = SMALL_FINAL_SIGMA;
		if (code == CAPITAL_DOTTED_I)
			TRY(add_string(prompt, "i\xcc\x87"));
		else
			TRY(add_code(prompt, lower));
		before = unicode_kind_of(code);
	}
	return ERR_OK;
}

/* Only the request counts: the model was trained on single ones. */
static enum err render_home(const struct template *template,
			    const struct generate_chat *chat,
			    struct template_prompt *prompt)
{
	struct bytes content = chat->messages[chat->count - 1].content;

	TRY(add_bos(template, prompt));
	TRY(add_lower(prompt, trimmed(content)));
	return add_token(prompt, template->tokens[CALL]);
}

/* <|im_start|>role\n content <|im_end|>\n */
static enum err add_chatml_turn(const struct template *template,
				enum generate_role role, struct bytes content,
				struct template_prompt *prompt)
{
	TRY(add_token(prompt, template->tokens[IM_START]));
	TRY(add_string(prompt, role_name(role)));
	TRY(add_string(prompt, "\n"));
	TRY(add_text(prompt, content));
	TRY(add_token(prompt, template->tokens[IM_END]));
	return add_string(prompt, "\n");
}

/* Contents as they are; the template does not trim. */
static enum err render_chatml(const struct template *template,
			      const struct generate_chat *chat,
			      struct template_prompt *prompt)
{
	TRY(add_bos(template, prompt));
	if (template->system != NULL &&
	    chat->messages[0].role != GENERATE_SYSTEM)
		TRY(add_chatml_turn(template, GENERATE_SYSTEM,
				    bytes_of_string(template->system), prompt));
	for (size_t i = 0; i < chat->count; i++)
		TRY(add_chatml_turn(template, chat->messages[i].role,
				    chat->messages[i].content, prompt));
	TRY(add_token(prompt, template->tokens[IM_START]));
	return add_string(prompt, "assistant\n");
}

/* <bos>[INST] content [/INST], the system's words inside the first. */
static enum err add_instruction(const struct template *template,
				struct bytes content,
				const struct generate_message *system,
				struct template_prompt *prompt)
{
	TRY(add_bos(template, prompt));
	TRY(add_string(prompt, "[INST] "));
	if (system != NULL) {
		TRY(add_string(prompt, "<<SYS>>\n"));
		TRY(add_text(prompt, system->content));
		TRY(add_string(prompt, "\n<</SYS>>\n\n"));
	}
	TRY(add_text(prompt, content));
	return add_string(prompt, " [/INST]");
}

/* What the assistant said, and the token by which it ended. */
static enum err add_answer(const struct template *template,
			   struct bytes content, struct template_prompt *prompt)
{
	TRY(add_string(prompt, " "));
	TRY(add_text(prompt, content));
	TRY(add_string(prompt, " "));
	return add_token(prompt, template->eos_token);
}

/* Users and assistants take turns, a user first and last. */
static enum err render_llama2(const struct template *template,
			      const struct generate_chat *chat,
			      struct template_prompt *prompt)
{
	static const enum generate_role turns[] = { GENERATE_USER,
						    GENERATE_ASSISTANT };
	const struct generate_message *system = NULL;
	size_t first = 0;

	if (template->eos_token == VOCABULARY_NONE)
		return ERR_UNSUPPORTED;
	if (chat->messages[0].role == GENERATE_SYSTEM) {
		system = &chat->messages[0];
		first = 1;
	}
	if ((chat->count - first) % 2 != 1)
		return ERR_MALFORMED;
	for (size_t i = first; i < chat->count; i++) {
		const struct generate_message *message = &chat->messages[i];
		struct bytes content = trimmed(message->content);

		if (message->role != turns[(i - first) % 2])
			return ERR_MALFORMED;
		if (message->role == GENERATE_ASSISTANT)
			TRY(add_answer(template, content, prompt));
		else
			TRY(add_instruction(template, content, system, prompt));
		system = NULL;
	}
	return ERR_OK;
}

/* <|start_header_id|>role<|end_header_id|>\n\n */
static enum err add_header(const struct template *template,
			   enum generate_role role,
			   struct template_prompt *prompt)
{
	TRY(add_token(prompt, template->tokens[START_HEADER]));
	TRY(add_string(prompt, role_name(role)));
	TRY(add_token(prompt, template->tokens[END_HEADER]));
	return add_string(prompt, "\n\n");
}

/* Contents trimmed; the end of the prompt opens the assistant's turn. */
static enum err render_llama3(const struct template *template,
			      const struct generate_chat *chat,
			      struct template_prompt *prompt)
{
	TRY(add_bos(template, prompt));
	for (size_t i = 0; i < chat->count; i++) {
		TRY(add_header(template, chat->messages[i].role, prompt));
		TRY(add_text(prompt, trimmed(chat->messages[i].content)));
		TRY(add_token(prompt, template->tokens[EOT]));
	}
	return add_header(template, GENERATE_ASSISTANT, prompt);
}

enum err template_render(const struct template *template,
			 const struct generate_chat *chat,
			 struct template_prompt *prompt)
{
	if (template->form == TEMPLATE_NONE)
		return ERR_UNSUPPORTED;
	if (chat->count == 0)
		return ERR_MALFORMED;
	switch (template->form) {
	case TEMPLATE_HOME:
		return render_home(template, chat, prompt);
	case TEMPLATE_CHATML:
		return render_chatml(template, chat, prompt);
	case TEMPLATE_LLAMA2:
		return render_llama2(template, chat, prompt);
	case TEMPLATE_LLAMA3:
		return render_llama3(template, chat, prompt);
	case TEMPLATE_NONE:
		break;
	}
	return ERR_UNSUPPORTED;
}
