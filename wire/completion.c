/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/completion.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/hex.h"
#include "wire/json_escape.h"

/* Room for what put_text_chunk() writes but for the model and the text. */
#define OVERHEAD_MAX 512

#define DECIMAL_MAX 21 /* digits of a uint64_t, and the end of the string */

/* What the API calls the documents of each kind. */
struct naming {
	const char *id_prefix;
	const char *whole;
	const char *chunk;
};

static const struct naming namings[] = {
	[COMPLETION_KIND_CHAT] = { "chatcmpl-", "chat.completion",
				   "chat.completion.chunk" },
	[COMPLETION_KIND_TEXT] = { "cmpl-", "text_completion",
				   "text_completion" },
};

static const char *const finishes[] = {
	[COMPLETION_FINISH_STOP] = "\"stop\"",
	[COMPLETION_FINISH_LENGTH] = "\"length\"",
};

/*
 * Each exported function writes through a copy of the writer, so that an error
 * half way leaves nothing behind.
 */
static enum err put(struct writer *out, const char *text)
{
	return bytes_put(out, bytes_of_string(text));
}

/* No locale has a say in whole numbers. */
static enum err put_number(struct writer *out, uint64_t value)
{
	char text[DECIMAL_MAX];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return put(out, text);
}

/* Up to the choices, which the caller writes and put_end() ends. */
static enum err put_begin(struct writer *out,
			  const struct completion *completion,
			  const char *object)
{
	TRY(put(out, "{\"id\":\""));
	TRY(put(out, namings[completion->kind].id_prefix));
	TRY(hex_put(out, BYTES_ARRAY(completion->random)));
	TRY(put(out, "\",\"object\":\""));
	TRY(put(out, object));
	TRY(put(out, "\",\"created\":"));
	TRY(put_number(out, completion->created));
	TRY(put(out, ",\"model\":"));
	TRY(json_escape_string(out, completion->model));
	return put(out, ",\"choices\":[");
}

static enum err put_begin_chunk(struct writer *out,
				const struct completion *completion)
{
	return put_begin(out, completion, namings[completion->kind].chunk);
}

static enum err put_usage(struct writer *out,
			  const struct completion_usage *usage)
{
	TRY(put(out, "],\"usage\":{\"prompt_tokens\":"));
	TRY(put_number(out, usage->prompt_tokens));
	TRY(put(out, ",\"completion_tokens\":"));
	TRY(put_number(out, usage->completion_tokens));
	TRY(put(out, ",\"total_tokens\":"));
	TRY(put_number(out, (uint64_t)usage->prompt_tokens +
				    usage->completion_tokens));
	return put(out, "}}");
}

/* The end of a chunk that is not the one with the usage. */
static enum err put_end_chunk(struct writer *out,
			      const struct completion *completion)
{
	return put(out, completion->include_usage ? "],\"usage\":null}" : "]}");
}

/* The only choice of a chunk; finish is JSON. */
static enum err put_chunk_choice(struct writer *out,
				 const struct completion *completion,
				 struct bytes text, const char *finish)
{
	bool is_chat = completion->kind == COMPLETION_KIND_CHAT;

	TRY(put(out, is_chat ? "{\"index\":0,\"delta\":{\"content\":"
			     : "{\"index\":0,\"text\":"));
	TRY(json_escape_string(out, text));
	TRY(put(out, is_chat ? "},\"finish_reason\":"
			     : ",\"logprobs\":null,\"finish_reason\":"));
	TRY(put(out, finish));
	return put(out, "}");
}

static enum err put_text_chunk(struct writer *out,
			       const struct completion *completion,
			       struct bytes text, const char *finish)
{
	struct writer trial = *out;

	TRY(put_begin_chunk(&trial, completion));
	TRY(put_chunk_choice(&trial, completion, text, finish));
	TRY(put_end_chunk(&trial, completion));
	out->len = trial.len;
	return ERR_OK;
}

enum err completion_put_role(struct writer *out,
			     const struct completion *completion)
{
	struct writer trial = *out;

	invariant(completion->kind == COMPLETION_KIND_CHAT);
	TRY(put_begin_chunk(&trial, completion));
	TRY(put(&trial, "{\"index\":0,\"delta\":{\"role\":\"assistant\","
			"\"content\":\"\"},\"finish_reason\":null}"));
	TRY(put_end_chunk(&trial, completion));
	out->len = trial.len;
	return ERR_OK;
}

enum err completion_put_text(struct writer *out,
			     const struct completion *completion,
			     struct bytes text)
{
	return put_text_chunk(out, completion, text, "null");
}

enum err completion_put_finish(struct writer *out,
			       const struct completion *completion,
			       enum completion_finish finish)
{
	struct writer trial = *out;

	if (completion->kind == COMPLETION_KIND_TEXT)
		return put_text_chunk(out, completion, BYTES_LITERAL(""),
				      finishes[finish]);
	TRY(put_begin_chunk(&trial, completion));
	TRY(put(&trial, "{\"index\":0,\"delta\":{},\"finish_reason\":"));
	TRY(put(&trial, finishes[finish]));
	TRY(put(&trial, "}"));
	TRY(put_end_chunk(&trial, completion));
	out->len = trial.len;
	return ERR_OK;
}

enum err completion_put_usage(struct writer *out,
			      const struct completion *completion,
			      const struct completion_usage *usage)
{
	struct writer trial = *out;

	TRY(put_begin_chunk(&trial, completion));
	TRY(put_usage(&trial, usage));
	out->len = trial.len;
	return ERR_OK;
}

size_t completion_text_overhead(const struct completion *completion)
{
	uint8_t memory[OVERHEAD_MAX];
	struct writer out = WRITER_OVER(memory);
	struct completion nameless = *completion;
	enum err err;

	nameless.model = BYTES_LITERAL("");
	err = completion_put_text(&out, &nameless, BYTES_LITERAL(""));
	invariant(err == ERR_OK);
	return out.len + json_escape_size(completion->model);
}

/* Every member that the API's schema requires, null where nothing is known. */
static enum err put_whole_choice(struct writer *out,
				 const struct completion *completion,
				 const struct completion_answer *answer)
{
	bool is_chat = completion->kind == COMPLETION_KIND_CHAT;

	TRY(put(out, is_chat ? "{\"index\":0,\"message\":{"
			       "\"role\":\"assistant\",\"content\":"
			     : "{\"index\":0,\"text\":"));
	TRY(json_escape_string(out, answer->text));
	TRY(put(out, is_chat ? ",\"refusal\":null}" : ""));
	TRY(put(out, ",\"logprobs\":null,\"finish_reason\":"));
	TRY(put(out, finishes[answer->finish]));
	return put(out, "}");
}

enum err completion_put_whole(struct writer *out,
			      const struct completion *completion,
			      const struct completion_answer *answer)
{
	struct writer trial = *out;

	TRY(put_begin(&trial, completion, namings[completion->kind].whole));
	TRY(put_whole_choice(&trial, completion, answer));
	TRY(put_usage(&trial, &answer->usage));
	out->len = trial.len;
	return ERR_OK;
}

static enum err put_text_or_null(struct writer *out, const char *text)
{
	if (text == NULL)
		return put(out, "null");
	return json_escape_string(out, bytes_of_string(text));
}

enum err completion_put_error(struct writer *out,
			      const struct chat_refusal *refusal)
{
	struct writer trial = *out;

	TRY(put(&trial, "{\"error\":{\"message\":"));
	TRY(put_text_or_null(&trial, refusal->message));
	TRY(put(&trial, ",\"type\":"));
	TRY(put_text_or_null(&trial, refusal->type));
	TRY(put(&trial, ",\"param\":"));
	TRY(put_text_or_null(&trial, refusal->param));
	TRY(put(&trial, ",\"code\":"));
	TRY(put_text_or_null(&trial, refusal->code));
	TRY(put(&trial, "}}"));
	out->len = trial.len;
	return ERR_OK;
}

enum err completion_put_model(struct writer *out,
			      const struct completion_model *model)
{
	struct writer trial = *out;

	TRY(put(&trial, "{\"id\":"));
	TRY(json_escape_string(&trial, model->id));
	TRY(put(&trial, ",\"object\":\"model\",\"created\":"));
	TRY(put_number(&trial, model->created));
	TRY(put(&trial, ",\"owned_by\":"));
	TRY(json_escape_string(&trial, model->owned_by));
	TRY(put(&trial, "}"));
	out->len = trial.len;
	return ERR_OK;
}

enum err completion_put_model_list(struct writer *out,
				   const struct completion_model *models,
				   size_t count)
{
	struct writer trial = *out;

	TRY(put(&trial, "{\"object\":\"list\",\"data\":["));
	for (size_t i = 0; i < count; i++) {
		TRY(put(&trial, i > 0 ? "," : ""));
		TRY(completion_put_model(&trial, &models[i]));
	}
	TRY(put(&trial, "]}"));
	out->len = trial.len;
	return ERR_OK;
}
