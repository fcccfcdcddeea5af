/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse: server-sent events (WHATWG HTML, section 9.2), written and read.
 *
 *     data: {"object":...}\n\n      an event
 *     : ....................\n\n    a comment: padding that readers skip
 *     data: [DONE]\n\n              how OpenAI's streams end
 */
#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include <stdbool.h>

#include "base/bytes.h"

/* One event; each line of data gets its own "data: ".  No CR, else MALFORMED.
 */
MUST_CHECK enum err sse_put_data(struct writer *out, struct bytes data);

/* Around data of one line: begin, the data itself, end. */
#define SSE_DATA_OVERHEAD 8
MUST_CHECK enum err sse_put_data_begin(struct writer *out);
MUST_CHECK enum err sse_put_data_end(struct writer *out);

/* The event that says that nothing follows. */
MUST_CHECK enum err sse_put_done(struct writer *out);

/*
 * Exactly len bytes that mean nothing, to stand between events: from
 * SSE_COMMENT_MIN on a comment, below that empty lines, so every len can be
 * had.
 */
#define SSE_COMMENT_MIN 3
MUST_CHECK enum err sse_put_padding(struct writer *out, size_t len);

#define SSE_TYPE_MAX 64

/* Fields are private to sse.c. */
struct sse {
	struct writer memory; /* data of the event, then the line under way */
	size_t data_len;
	size_t data_lines;
	char type[SSE_TYPE_MAX];
	size_t type_len;
	unsigned int line; /* what the line under way is */
	bool is_first_line;
	bool after_cr;
	bool given; /* the event in memory was given out: forget it */
	enum err failed;
};

enum sse_event_kind {
	SSE_EVENT_MORE, /* the input is used up: give more */
	SSE_EVENT_DATA,
};

/* Views of the parser's memory, good until the next call. */
struct sse_event {
	enum sse_event_kind kind;
	struct bytes type; /* "message" unless the stream said otherwise */
	struct bytes data;
};

/*
 * memory is the caller's and bounds an event: its data with the line that is
 * being read.  Comments need none of it, however long.  The caller wipes it.
 */
void sse_init(struct sse *parser, struct writer memory);

/*
 * Take from the front of *in up to the next event with data.  SSE_EVENT_MORE
 * is given only with *in empty.  ERR_TOO_LARGE when an event does not fit in
 * memory, or a type in SSE_TYPE_MAX; then every later call fails too.  What
 * the stream's end cuts off is not an event.  id and retry are passed over.
 */
MUST_CHECK enum err sse_next(struct sse *parser, struct bytes *in,
			     struct sse_event *event);

/* Whether these are the data of sse_put_done(). */
bool sse_is_done(struct bytes data);

#endif
