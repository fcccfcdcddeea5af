/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_text: strings that know whose each of their bytes is.
 *
 *     data   <|user|>\nHi<|end|>
 *     marks  TTTTTTTTT UUTTTTTTT     T the template's, U a user's
 *
 * Whatever a template does to strings, a byte keeps its mark, and only bytes
 * of the template may become special tokens (specials.h).  A text that is all
 * one source has no marks.
 *
 * jinja_out is where texts are made: the rendered prompt so far, and behind it
 * the text in the making.
 */
#ifndef INFERENCE_JINJA_TEXT_H
#define INFERENCE_JINJA_TEXT_H

#include "inference/jinja_heap.h"

enum jinja_source {
	JINJA_TEMPLATE,
	JINJA_USER,
};

struct jinja_text {
	const uint8_t *data;
	const uint8_t *marks; /* [len] of enum jinja_source, or NULL */
	size_t len;
	enum jinja_source source; /* of all, where there are no marks */
};

/* Invariant: len <= max. */
struct jinja_out {
	uint8_t *data;
	uint8_t *marks;
	size_t len;
	size_t max;
};

#define JINJA_TEXT_NOWHERE SIZE_MAX

struct jinja_text jinja_text_of(struct bytes bytes, enum jinja_source source);
struct bytes jinja_text_bytes(struct jinja_text text);

/* What lies from `start` on; both must be inside. */
struct jinja_text jinja_text_part(struct jinja_text text, size_t start,
				  size_t len);

/* Where a text first holds another, from `start` on, or NOWHERE. */
size_t jinja_text_find(struct jinja_text text, struct bytes wanted,
		       size_t start);

/* Take one character from the front; its mark is the user's if a byte of it
 * is.  The text may not be empty. */
struct jinja_text jinja_text_take(struct jinja_text *text, uint32_t *code);

/* Characters, not bytes. */
size_t jinja_text_length(struct jinja_text text);

enum jinja_text_side {
	JINJA_TEXT_LEFT = 1,
	JINJA_TEXT_RIGHT = 2,
	JINJA_TEXT_BOTH = 3,
};

/* Without the characters of a set at its ends; without blanks for NULL. */
struct jinja_text jinja_text_strip(struct jinja_text text,
				   enum jinja_text_side side,
				   const struct bytes *set);

/* ERR_TOO_LARGE, with nothing written, where `out` is full. */
MUST_CHECK enum err jinja_text_put(struct jinja_out *out,
				   struct jinja_text text);
MUST_CHECK enum err jinja_text_put_string(struct jinja_out *out,
					  const char *text);
MUST_CHECK enum err jinja_text_put_code(struct jinja_out *out, uint32_t code,
					enum jinja_source source);
MUST_CHECK enum err jinja_text_put_number(struct jinja_out *out, int64_t number,
					  enum jinja_source source);

/* Take back from `out` all from `start` on, as a text of its own. */
MUST_CHECK enum err jinja_text_finish(struct jinja_out *out, size_t start,
				      struct jinja_heap *heap,
				      struct jinja_text *text);

#endif
