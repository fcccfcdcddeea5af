/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf: fields of a message, one after the other.
 *
 *     varint number << 3 | kind, then by kind
 *         0: varint    1: 8 bytes    2: varint length, bytes    5: 4 bytes
 */
#ifndef MODEL_PROTOBUF_H
#define MODEL_PROTOBUF_H

#include "base/bytes.h"

struct protobuf_field {
	uint64_t number;
	uint64_t value;	    /* kind 0 */
	struct bytes bytes; /* of the others, borrowed */
};

/* ERR_TRUNCATED, or ERR_MALFORMED for other kinds and longer varints. */
MUST_CHECK enum err protobuf_take(struct bytes *message,
				  struct protobuf_field *out);

#endif
