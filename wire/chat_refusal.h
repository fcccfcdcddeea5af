/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat_refusal: what the API answers when it does not answer.
 *
 * Every text is a constant of this program, so no error can carry a byte of a
 * prompt.  Types and codes are those that OpenAI's clients know.
 */
#ifndef WIRE_CHAT_REFUSAL_H
#define WIRE_CHAT_REFUSAL_H

#include <stdint.h>

#include "base/err.h"
#include "wire/json_fields.h"

struct chat_refusal {
	uint16_t status;     /* of HTTP */
	const char *type;    /* never NULL */
	const char *code;    /* NULL where there is none */
	const char *param;   /* the parameter at fault, or NULL */
	const char *message; /* for people; never NULL */
};

enum chat_refusal_reason {
	CHAT_REFUSAL_NOT_JSON,
	CHAT_REFUSAL_MISSING,		/* a required parameter */
	CHAT_REFUSAL_WRONG_TYPE,	/* of a parameter */
	CHAT_REFUSAL_OUT_OF_RANGE,	/* a parameter */
	CHAT_REFUSAL_UNSUPPORTED,	/* a parameter at all */
	CHAT_REFUSAL_UNSUPPORTED_VALUE, /* of a parameter */
	CHAT_REFUSAL_CONFLICT,		/* with another parameter */
	CHAT_REFUSAL_TOO_LARGE,		/* the request */
	CHAT_REFUSAL_CONTEXT_LENGTH,
	CHAT_REFUSAL_MODEL_NOT_FOUND,
	CHAT_REFUSAL_NOT_FOUND, /* the path */
	CHAT_REFUSAL_METHOD,	/* not for this path */
	CHAT_REFUSAL_CONTENT_TYPE,
	CHAT_REFUSAL_BAD_HTTP, /* the inner request does not parse */
	CHAT_REFUSAL_OVERLOADED,
	CHAT_REFUSAL_TIMEOUT,
	CHAT_REFUSAL_SERVER_ERROR,
};

/* param is a constant of the caller's, or NULL. */
struct chat_refusal chat_refusal_for(enum chat_refusal_reason reason,
				     const char *param);

/* Fill *out and return the error that goes with the reason, never ERR_OK. */
MUST_CHECK enum err chat_refusal_give(struct chat_refusal *out,
				      enum chat_refusal_reason reason,
				      const char *param);

/* The same for what a read of JSON members ran into. */
MUST_CHECK enum err chat_refusal_give_fault(struct chat_refusal *out,
					    enum json_fields_fault fault,
					    const char *param);

#endif
