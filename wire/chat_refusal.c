/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat_refusal.h"

#include <stddef.h>

/* What the program makes of a reason, and what the client is told. */
struct entry {
	enum err err;
	struct chat_refusal refusal;
};

/* The request is at fault: sending it again is of no use. */
#define INVALID(err, status, code, text)                                  \
	{                                                                 \
		err,                                                      \
		{                                                         \
			status, "invalid_request_error", code, NULL, text \
		}                                                         \
	}

/* The node is at fault, or busy. */
#define FAILED(status, code, text)                               \
	{                                                        \
		ERR_UNAVAILABLE,                                 \
		{                                                \
			status, "server_error", code, NULL, text \
		}                                                \
	}

static const struct entry entries[] = {
	[CHAT_REFUSAL_NOT_JSON] = INVALID(ERR_MALFORMED, 400, "invalid_json",
					  "The body is not one JSON object."),
	[CHAT_REFUSAL_MISSING] =
		INVALID(ERR_MALFORMED, 400, "missing_required_parameter",
			"A required parameter is missing."),
	[CHAT_REFUSAL_WRONG_TYPE] = INVALID(ERR_MALFORMED, 400, "invalid_type",
					    "A parameter has the wrong type."),
	[CHAT_REFUSAL_OUT_OF_RANGE] =
		INVALID(ERR_MALFORMED, 400, "invalid_value",
			"A parameter is out of its range."),
	[CHAT_REFUSAL_UNSUPPORTED] =
		INVALID(ERR_UNSUPPORTED, 400, "unsupported_parameter",
			"The parameter is not supported."),
	[CHAT_REFUSAL_UNSUPPORTED_VALUE] =
		INVALID(ERR_UNSUPPORTED, 400, "unsupported_value",
			"The value is not supported."),
	[CHAT_REFUSAL_CONFLICT] =
		INVALID(ERR_MALFORMED, 400, "invalid_parameter_mix",
			"Two parameters contradict."),
	[CHAT_REFUSAL_TOO_LARGE] =
		INVALID(ERR_TOO_LARGE, 413, "request_too_large",
			"The request is too large."),
	[CHAT_REFUSAL_CONTEXT_LENGTH] =
		INVALID(ERR_TOO_LARGE, 400, "context_length_exceeded",
			"The request does not fit in the model's context."),
	[CHAT_REFUSAL_MODEL_NOT_FOUND] =
		INVALID(ERR_MALFORMED, 404, "model_not_found",
			"This node does not serve the model."),
	[CHAT_REFUSAL_NOT_FOUND] = INVALID(ERR_MALFORMED, 404, "not_found",
					   "There is nothing at this path."),
	[CHAT_REFUSAL_METHOD] =
		INVALID(ERR_MALFORMED, 405, "method_not_allowed",
			"The path does not know this method."),
	[CHAT_REFUSAL_CONTENT_TYPE] =
		INVALID(ERR_MALFORMED, 415, "unsupported_media_type",
			"The body must be application/json."),
	[CHAT_REFUSAL_BAD_HTTP] = INVALID(ERR_MALFORMED, 400, "invalid_http",
					  "The inner request is not valid."),
	[CHAT_REFUSAL_OVERLOADED] =
		FAILED(503, "overloaded", "The node is busy; try again."),
	[CHAT_REFUSAL_TIMEOUT] =
		FAILED(504, "timeout", "The request took too long."),
	[CHAT_REFUSAL_SERVER_ERROR] =
		FAILED(500, "server_error", "The node could not answer."),
};

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

struct chat_refusal chat_refusal_for(enum chat_refusal_reason reason,
				     const char *param)
{
	struct chat_refusal refusal;

	invariant((size_t)reason < ENTRIES);
	refusal = entries[reason].refusal;
	refusal.param = param;
	return refusal;
}

enum err chat_refusal_give(struct chat_refusal *out,
			   enum chat_refusal_reason reason, const char *param)
{
	*out = chat_refusal_for(reason, param);
	return entries[reason].err;
}

enum err chat_refusal_give_fault(struct chat_refusal *out,
				 enum json_fields_fault fault,
				 const char *param)
{
	switch (fault) {
	case JSON_FIELDS_MISSING:
		return chat_refusal_give(out, CHAT_REFUSAL_MISSING, param);
	case JSON_FIELDS_WRONG_KIND:
		return chat_refusal_give(out, CHAT_REFUSAL_WRONG_TYPE, param);
	case JSON_FIELDS_OUT_OF_RANGE:
	case JSON_FIELDS_FINE:
	default:
		return chat_refusal_give(out, CHAT_REFUSAL_OUT_OF_RANGE, param);
	}
}
