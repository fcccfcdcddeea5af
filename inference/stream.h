/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: tokens' bytes in, text that may be sent out.
 *
 * A token may end in the middle of a character, or of a stop string.  What may
 * yet become part of either is held back; what is given is UTF-8, and never a
 * byte of a stop string or after it.
 */
#ifndef INFERENCE_STREAM_H
#define INFERENCE_STREAM_H

#include "base/arena.h"
#include "base/bytes.h"

enum stream_state {
	STREAM_OPEN,
	STREAM_STOPPED, /* by a stop string */
};

enum stream_more {
	STREAM_MORE,
	STREAM_LAST, /* no token follows */
};

struct stream_stops {
	const struct bytes *stops; /* UTF-8, none empty */
	size_t count;
};

struct stream {
	struct bytes *stops; /* [stop_count], copies */
	size_t stop_count;
	struct writer raw;  /* the start of a character, then the new bytes */
	struct writer held; /* characters not given yet */
	size_t given;	    /* of `held`, by the last call */
};

/* Arena for those stops and for pieces of up to piece_max bytes. */
size_t stream_memory(size_t stop_count, size_t stop_bytes, size_t piece_max);

/* ERR_MALFORMED for a stop that is empty or not UTF-8, ERR_TOO_LARGE when the
 * arena is full. */
MUST_CHECK enum err stream_init(struct stream *stream,
				const struct stream_stops *stops,
				size_t piece_max, struct arena *arena);

/*
 * Add a token's bytes; *text, borrowed until the next call, is what may be
 * sent.  Bytes that are no character become U+FFFD.  With STREAM_LAST nothing
 * is held back.
 */
enum stream_state stream_push(struct stream *stream, struct bytes piece,
			      enum stream_more more, struct bytes *text);

#endif
