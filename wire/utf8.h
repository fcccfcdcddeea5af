/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: where characters begin and end in bytes (RFC 3629).
 */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include <stdbool.h>

#include "base/bytes.h"

#define UTF8_BYTES_MAX 4

enum utf8_shape {
	UTF8_WHOLE,   /* a character */
	UTF8_BROKEN,  /* cannot become one, whatever follows */
	UTF8_PARTIAL, /* the front of one: the text ends too early */
};

struct utf8_step {
	enum utf8_shape shape;
	size_t len; /* bytes of the character, or of the maximal broken part */
};

/* What stands at the front of text, which is not empty. */
struct utf8_step utf8_front(struct bytes text);

bool utf8_is_valid(struct bytes text);

/*
 * Text without the front of a character at its very end, if there is one: what
 * a stream may send now while it waits for the rest.
 */
struct bytes utf8_complete(struct bytes text);

#endif
