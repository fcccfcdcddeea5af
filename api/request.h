/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request: an opened request, from Binary HTTP to what the engine is asked.
 *
 * Everything here is a view of the worker's own memory and is wiped with it.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "base/arena.h"
#include "wire/chat.h"

enum request_route {
	REQUEST_CHAT,	    /* POST /v1/chat/completions */
	REQUEST_COMPLETION, /* POST /v1/completions */
	REQUEST_MODELS,	    /* GET /v1/models, or one of them by name */
};

struct request {
	enum request_route route;
	struct bytes content; /* the body; empty for REQUEST_MODELS */
	struct bytes model;   /* the name after /v1/models/, or empty */
};

/*
 * Read one whole BHTTP request.  Its content is joined in the arena where the
 * message has it in pieces.  ERR_OK with the request, ERR_MALFORMED,
 * ERR_TRUNCATED or ERR_TOO_LARGE for bytes that are none, ERR_UNSUPPORTED for a
 * path that this node does not serve, ERR_DENIED for another method than its.
 */
MUST_CHECK enum err request_parse(struct bytes message, struct arena *arena,
				  struct request *out);

#endif
