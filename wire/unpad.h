/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpad: the body of a response without the padding that a node puts in it.
 *
 *     JSON     spaces before it and behind it
 *     events   comments, and blank lines but the one that ends an event
 *
 * What is left is what was said, the same however it was cut into frames: it is
 * what a receipt commits to.  Works on pieces as they come, and keeps none.
 */
#ifndef WIRE_UNPAD_H
#define WIRE_UNPAD_H

#include <stdbool.h>

#include "base/bytes.h"

enum unpad_body {
	UNPAD_JSON,
	UNPAD_EVENTS, /* text/event-stream */
};

/* Fields are private to unpad.c. */
struct unpad {
	enum unpad_body body;
	bool has_begun;	 /* JSON: something was said */
	uint64_t spaces; /* JSON: seen since, and said if more follows */
	bool in_line;
	bool in_comment;
	bool has_lines; /* events: said since the last blank line */
};

void unpad_init(struct unpad *unpad, enum unpad_body body);

/*
 * Take from the front of *in up to the next run of what was said, a view of
 * *in or of spaces.  False when *in is used up.
 */
bool unpad_next(struct unpad *unpad, struct bytes *in, struct bytes *out);

#endif
