/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conversation: what a request asks of a model, and with which numbers.
 *
 * From the JSON of a request to a generation that is ready to step.  It is all
 * that decides which tokens come, so who has the request, the model and the
 * numbers here gets the same answer again, on any machine.
 */
#ifndef API_CONVERSATION_H
#define API_CONVERSATION_H

#include "api/request.h"
#include "inference/generate.h"
#include "wire/chat_refusal.h"

/* What a node, or who repeats its work, brings along. */
struct conversation_setup {
	const struct model *model;
	struct arena *arena;
	struct team *team;    /* as in struct generate_options */
	uint32_t context_max; /* tokens */
	uint32_t tokens_max;  /* of an answer, whatever was asked for */
	enum generate_numerics numerics;
	const uint8_t *seed; /* 32 bytes, for a request that names none */
};

/* options.stops are views of request. */
struct conversation {
	struct chat_request request;
	struct generate_options options;
	struct generation *generation;
};

/*
 * Read what is asked, in the memory of wire/json.h.  Errors are those of
 * chat_request_parse(), and fill *refusal.
 */
MUST_CHECK enum err conversation_read(const struct request *request,
				      struct conversation *out,
				      struct chat_refusal *refusal);

/*
 * Choose the numbers and start the answer.  Errors are those of
 * generate_start_chat(); options are filled in any case.
 */
MUST_CHECK enum err conversation_start(struct conversation *conversation,
				       const struct conversation_setup *setup);

#endif
