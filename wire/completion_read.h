/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion_read: what one JSON document of wire/completion.h says, be it a
 * whole answer or a chunk of a stream, of a chat or of a text.
 *
 *     choices[0].delta.content | .message.content | .text     the text
 *     choices[0].finish_reason                                 the end
 */
#ifndef WIRE_COMPLETION_READ_H
#define WIRE_COMPLETION_READ_H

#include "base/bytes.h"

/* Views in the memory of wire/json.h, until json_wipe(); empty: not there. */
struct completion_read {
	struct bytes text;
	struct bytes finish; /* "stop" or "length" */
};

/*
 * ERR_UNAVAILABLE for a document that holds an error, ERR_MALFORMED or
 * ERR_TOO_LARGE for what is no JSON or has a text that is none.
 */
MUST_CHECK enum err completion_read(struct bytes document, size_t depth_max,
				    struct completion_read *out);

#endif
