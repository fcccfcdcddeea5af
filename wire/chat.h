/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat: the requests of OpenAI's API that the node answers,
 *
 *     POST /v1/chat/completions    messages
 *     POST /v1/completions         prompt
 *
 * read from JSON into typed parameters.  Parameters that would change nothing
 * here (user, metadata, store, service_tier, ...) and unknown ones are passed
 * over; known ones that would change the answer, such as tools, are refused by
 * name unless they hold the value that asks for nothing.  null means absent.
 */
#ifndef WIRE_CHAT_H
#define WIRE_CHAT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "wire/chat_message.h"
#include "wire/chat_refusal.h"

enum chat_endpoint {
	CHAT_ENDPOINT_CHAT,	  /* /v1/chat/completions */
	CHAT_ENDPOINT_COMPLETION, /* /v1/completions */
};

/* Bits of chat_request.given; the fields of others hold what stands here. */
enum chat_given {
	CHAT_GIVEN_MODEL = 1u << 0,
	CHAT_GIVEN_STREAM = 1u << 1,
	CHAT_GIVEN_MAX_TOKENS = 1u << 2,
	CHAT_GIVEN_TEMPERATURE = 1u << 3,
	CHAT_GIVEN_TOP_P = 1u << 4,
	CHAT_GIVEN_TOP_K = 1u << 5,
	CHAT_GIVEN_SEED = 1u << 6,
	CHAT_GIVEN_STOP = 1u << 7,
	CHAT_GIVEN_USAGE = 1u << 8, /* stream_options.include_usage */
};

#define CHAT_STOPS_MAX 4 /* of the API */

/* Views live in the memory of wire/json.h, until json_wipe(). */
struct chat_request {
	enum chat_endpoint endpoint;
	uint32_t given; /* of enum chat_given */
	struct bytes model;
	const struct chat_message
		*messages; /* CHAT_ENDPOINT_CHAT; at least 1 */
	size_t message_count;
	struct bytes prompt; /* CHAT_ENDPOINT_COMPLETION */
	bool stream;	     /* else false */
	bool include_usage;  /* else false */
	uint32_t max_tokens; /* else limits.output_tokens; at least 1 */
	double temperature;  /* 0..2, else 1 */
	double top_p;	     /* 0..1, else 1 */
	uint32_t top_k;	     /* else 0: all tokens */
	int64_t seed;	     /* else 0 */
	struct bytes stops[CHAT_STOPS_MAX]; /* none is empty */
	size_t stop_count;
};

struct chat_limits {
	size_t json_depth;
	size_t messages;
	size_t stops;		/* at most CHAT_STOPS_MAX */
	size_t stop_bytes;	/* of one */
	uint32_t output_tokens; /* more asked for is lowered to this */
};

/*
 * Read a request body.  ERR_MALFORMED, ERR_UNSUPPORTED or ERR_TOO_LARGE with
 * *refusal filled; *refusal is untouched on ERR_OK.  Uses wire/json.h's memory
 * and recurses into nothing.
 */
MUST_CHECK enum err chat_request_parse(struct bytes body,
				       enum chat_endpoint endpoint,
				       const struct chat_limits *limits,
				       struct chat_request *out,
				       struct chat_refusal *refusal);

#endif
