/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a generation, in the order in which it is taken:
 *
 *     generation | prompt tokens | sampler | stream | S
 *
 * S is first the prompt's text and what turning it into tokens needs, which
 * is wiped and given back, and then the session.
 */
#include "inference/generate.h"

#include <string.h>

#include "base/secret.h"
#include "inference/encode.h"
#include "inference/model.h"
#include "inference/reserve.h"
#include "inference/sampler.h"
#include "inference/stream.h"

/* Text that templates add, beside what users write: some say a page. */
#define TEXT_BESIDE 4096

struct generation {
	const struct model *model;
	struct session session;
	struct engine engine;
	struct sampler sampler;
	struct stream stream;
	struct encode_list prompt;
	size_t fed;	   /* tokens of the prompt that the session has */
	size_t last_row;   /* of what went in last */
	uint32_t latest;   /* token, drawn and not yet fed */
	uint32_t answered; /* tokens drawn */
	uint32_t answer_max;
	enum generate_state state;
};

static size_t text_max(uint32_t context)
{
	return (size_t)context * GENERATE_TEXT_PER_TOKEN + TEXT_BESIDE;
}

/* A message is at least two tokens in every template but those that leave some
 * out. */
static size_t messages_max(uint32_t context)
{
	return context / 2 + 1;
}

/* What turning a prompt into tokens takes, given back before the session. */
static size_t prompt_memory(const struct model *model, uint32_t context)
{
	return template_memory(messages_max(context), text_max(context)) +
	       encode_memory(&model->tokenizer, text_max(context));
}

/* Halves: a fourth of the memory of bytes would be saved, and some exactness
 * lost. */
static struct session_shape session_shape_of(uint32_t context)
{
	return (struct session_shape){ context, GENERATE_CHUNK, KERNEL_F16 };
}

static struct engine_shape engine_shape_of(uint32_t context,
					   enum generate_numerics numerics)
{
	return (struct engine_shape){
		.rows = GENERATE_CHUNK,
		.logits = 1,
		.context = context,
		.prompts = numerics == GENERATE_BF16_PROMPTS
				   ? ACTIVATION_BF16
				   : ACTIVATION_INTEGERS,
	};
}

size_t generate_memory(const struct model *model,
		       const struct generate_room *room)
{
	struct session_shape session = session_shape_of(room->context_max);
	struct engine_shape engine =
		engine_shape_of(room->context_max, room->numerics);
	size_t before = prompt_memory(model, room->context_max);
	size_t after = session_memory(&model->config, &session) +
		       engine_memory(&model->config, &engine, room->threads);

	return reserve_bytes(1, sizeof(struct generation)) +
	       reserve_bytes(room->context_max, sizeof(uint32_t)) +
	       sampler_memory(model->config.vocabulary) +
	       stream_memory(GENERATE_STOPS_MAX, GENERATE_STOP_BYTES_MAX,
			     model->tokenizer.vocabulary.longest) +
	       (before > after ? before : after);
}

/* What can be said before any memory is taken. */
static enum err check_options(const struct model *model,
			      const struct generate_options *options)
{
	if (options->context_max == 0 ||
	    options->context_max > model->config.context)
		return ERR_TOO_LARGE;
	if (options->stop_count > GENERATE_STOPS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < options->stop_count; i++)
		if (options->stops[i].len > GENERATE_STOP_BYTES_MAX)
			return ERR_TOO_LARGE;
	return ERR_OK;
}

/* Everything of a generation but its prompt and session. */
static enum err prepare(const struct model *model, struct arena *arena,
			const struct generate_options *options,
			struct generation **out)
{
	const struct stream_stops stops = { options->stops,
					    options->stop_count };
	struct sampler_options sampling = {
		options->temperature, options->top_p, options->top_k, { 0 }
	};
	struct generation *made;

	TRY(check_options(model, options));
	made = arena_alloc(arena, 1, sizeof(*made));
	if (made == NULL)
		return ERR_TOO_LARGE;
	made->model = model;
	made->prompt.max = options->context_max;
	made->prompt.tokens =
		arena_alloc(arena, options->context_max, sizeof(uint32_t));
	if (made->prompt.tokens == NULL)
		return ERR_TOO_LARGE;
	memcpy(sampling.seed, options->seed, sizeof(sampling.seed));
	TRY(sampler_init(&made->sampler, &sampling, model->kernel,
			 model->config.vocabulary, arena));
	TRY(stream_init(&made->stream, &stops,
			model->tokenizer.vocabulary.longest, arena));
	*out = made;
	return ERR_OK;
}

/* Wipe and give back all of the arena from a mark on. */
static void give_back(struct arena *arena, size_t mark)
{
	secret_wipe(arena->base + mark, arena->used - mark);
	arena->used = mark;
}

static enum err encode_part(struct generation *generation,
			    const struct template_part *part,
			    struct arena *arena)
{
	if (part->token != VOCABULARY_NONE)
		return encode_token(&generation->prompt, part->token);
	return encode_text(&generation->model->tokenizer, part->text, arena,
			   &generation->prompt);
}

static enum err encode_parts(struct generation *generation,
			     const struct template_prompt *prompt,
			     struct arena *arena)
{
	for (size_t i = 0; i < prompt->count; i++)
		TRY(encode_part(generation, &prompt->parts[i], arena));
	return ERR_OK;
}

static enum err encode_chat(struct generation *generation,
			    const struct generate_chat *chat,
			    struct arena *arena)
{
	uint32_t context = (uint32_t)generation->prompt.max;
	struct template_prompt prompt;

	TRY(template_prompt_init(&prompt, messages_max(context),
				 text_max(context), arena));
	TRY(template_render(&generation->model->template, chat, &prompt));
	return encode_parts(generation, &prompt, arena);
}

/* A raw text is continued as it stands, after what every text begins with. */
static enum err encode_plain(struct generation *generation, struct bytes text,
			     struct arena *arena)
{
	const struct tokenizer *tokenizer = &generation->model->tokenizer;

	if (text.len > text_max((uint32_t)generation->prompt.max))
		return ERR_TOO_LARGE;
	if (tokenizer->begins_with_bos == TOKENIZER_ON)
		TRY(encode_token(&generation->prompt, tokenizer->bos));
	return encode_text(tokenizer, text, arena, &generation->prompt);
}

/* The prompt is in tokens: make room for the answer, and for the session. */
static enum err begin(struct generation *generation, struct arena *arena,
		      const struct generate_options *options)
{
	const struct work_model model = model_for_engine(generation->model);
	struct session_shape session = session_shape_of(options->context_max);
	struct engine_shape engine =
		engine_shape_of(options->context_max, options->numerics);
	size_t room = options->context_max - generation->prompt.count;

	if (generation->prompt.count == 0)
		return ERR_MALFORMED;
	if (room == 0)
		return ERR_TOO_LARGE;
	generation->answer_max = options->tokens_max;
	if (options->tokens_max == 0 || options->tokens_max > room)
		generation->answer_max = (uint32_t)room;
	TRY(session_open(&generation->session, model.config, &session, arena));
	return engine_open(&generation->engine, &model, &engine, options->team,
			   arena);
}

enum err generate_start_chat(const struct model *model, struct arena *arena,
			     const struct generate_chat *chat,
			     const struct generate_options *options,
			     struct generation **out)
{
	struct generation *made;
	size_t mark;
	enum err err;

	TRY(prepare(model, arena, options, &made));
	mark = arena->used;
	err = encode_chat(made, chat, arena);
	give_back(arena, mark);
	if (err != ERR_OK)
		return err;
	TRY(begin(made, arena, options));
	*out = made;
	return ERR_OK;
}

enum err generate_start_text(const struct model *model, struct arena *arena,
			     struct bytes text,
			     const struct generate_options *options,
			     struct generation **out)
{
	struct generation *made;

	TRY(prepare(model, arena, options, &made));
	TRY(encode_plain(made, text, arena));
	TRY(begin(made, arena, options));
	*out = made;
	return ERR_OK;
}

static enum err advance(struct generation *generation, enum engine_rows rows,
			const uint32_t *tokens, size_t count)
{
	const struct engine_input input = { &generation->session, tokens,
					    count };

	TRY(engine_advance(&generation->engine, rows, &input, 1));
	generation->last_row = count - 1;
	return ERR_OK;
}

/* The next chunk of the prompt. */
static enum err feed_prompt(struct generation *generation)
{
	size_t left = generation->prompt.count - generation->fed;
	size_t count = left < GENERATE_CHUNK ? left : GENERATE_CHUNK;

	TRY(advance(generation, ENGINE_PROMPT,
		    generation->prompt.tokens + generation->fed, count));
	generation->fed += count;
	return ERR_OK;
}

/* A control token that is none of these is passed over: it has no text. */
static bool ends_answer(const struct model *model, uint32_t token)
{
	return token == model->tokenizer.eos || token == model->tokenizer.eot ||
	       token == model->template.end;
}

/* Let the model look at the last token, if it has not, and draw the next. */
static enum err draw(struct generation *generation, uint32_t *token)
{
	const float *logits;

	if (generation->answered > 0)
		TRY(advance(generation, ENGINE_ANSWER, &generation->latest, 1));
	TRY(engine_logits(&generation->engine, &generation->last_row, 1,
			  &logits));
	*token = sampler_pick(&generation->sampler, logits);
	return ERR_OK;
}

/* One token further: what it adds to the text, and whether it is the last. */
static enum err answer(struct generation *generation, struct bytes *text)
{
	struct bytes piece = { 0 };
	enum generate_state state = GENERATE_RUNNING;
	enum stream_more more;
	uint32_t token;

	TRY(draw(generation, &token));
	generation->latest = token;
	generation->answered++;
	if (ends_answer(generation->model, token)) {
		state = GENERATE_STOP;
	} else {
		piece = tokenizer_text(&generation->model->tokenizer, token);
		if (generation->answered == generation->answer_max)
			state = GENERATE_LENGTH;
	}
	more = state == GENERATE_RUNNING ? STREAM_MORE : STREAM_LAST;
	if (stream_push(&generation->stream, piece, more, text) ==
	    STREAM_STOPPED)
		state = GENERATE_STOP;
	generation->state = state;
	return ERR_OK;
}

enum err generate_step(struct generation *generation, struct bytes *text,
		       enum generate_state *state)
{
	struct bytes given = { 0 };

	if (generation->state == GENERATE_RUNNING) {
		if (generation->fed < generation->prompt.count)
			TRY(feed_prompt(generation));
		else
			TRY(answer(generation, &given));
	}
	*text = given;
	*state = generation->state;
	return ERR_OK;
}

struct generate_usage generate_usage(const struct generation *generation)
{
	return (struct generate_usage){
		.prompt_tokens = (uint32_t)generation->prompt.count,
		.answer_tokens = generation->answered,
	};
}
