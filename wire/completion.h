/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion: the JSON that OpenAI's API answers with.
 *
 *                   CHAT                       TEXT
 *     whole         chat.completion            text_completion
 *     streamed      chat.completion.chunk:     text_completion:
 *                   role, text*, finish,       text*, finish,
 *                   usage if asked for         usage if asked for
 *
 * Each function writes one JSON document without white space; wire/sse.h frames
 * those of a stream.  ERR_TOO_LARGE leaves the writer as it was.
 */
#ifndef WIRE_COMPLETION_H
#define WIRE_COMPLETION_H

#include <stdbool.h>

#include "base/bytes.h"
#include "wire/chat_refusal.h"

enum completion_kind {
	COMPLETION_KIND_CHAT,
	COMPLETION_KIND_TEXT,
};

enum completion_finish {
	COMPLETION_FINISH_STOP,
	COMPLETION_FINISH_LENGTH,
};

#define COMPLETION_RANDOM_BYTES 16

/* What every document of one answer has in common. */
struct completion {
	enum completion_kind kind;
	uint8_t random[COMPLETION_RANDOM_BYTES]; /* id: "chatcmpl-" + hex */
	uint64_t created;			 /* Unix seconds */
	struct bytes model;
	bool include_usage; /* chunks before the last then have usage null */
};

struct completion_usage {
	uint32_t prompt_tokens;
	uint32_t completion_tokens;
};

/*
 * Chunks of a stream.  Text is whole characters (see utf8_complete()): what is
 * not UTF-8 becomes U+FFFD.  completion_put_role() is for CHAT alone.
 */
MUST_CHECK enum err completion_put_role(struct writer *out,
					const struct completion *completion);
MUST_CHECK enum err completion_put_text(struct writer *out,
					const struct completion *completion,
					struct bytes text);
MUST_CHECK enum err completion_put_finish(struct writer *out,
					  const struct completion *completion,
					  enum completion_finish finish);
MUST_CHECK enum err completion_put_usage(struct writer *out,
					 const struct completion *completion,
					 const struct completion_usage *usage);

/* Bytes that completion_put_text() writes around the escaped text. */
size_t completion_text_overhead(const struct completion *completion);

/* A whole answer. */
struct completion_answer {
	struct bytes text;
	enum completion_finish finish;
	struct completion_usage usage;
};
MUST_CHECK enum err
completion_put_whole(struct writer *out, const struct completion *completion,
		     const struct completion_answer *answer);

/* {"error":{...}} */
MUST_CHECK enum err completion_put_error(struct writer *out,
					 const struct chat_refusal *refusal);

struct completion_model {
	struct bytes id;
	struct bytes owned_by;
	uint64_t created; /* Unix seconds */
};

/* GET /v1/models and GET /v1/models/{id} */
MUST_CHECK enum err
completion_put_model_list(struct writer *out,
			  const struct completion_model *models, size_t count);
MUST_CHECK enum err completion_put_model(struct writer *out,
					 const struct completion_model *model);

#endif
