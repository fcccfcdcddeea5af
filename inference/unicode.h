/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unicode: UTF-8 in and out, and what kind of character a code point is.
 */
#ifndef INFERENCE_UNICODE_H
#define INFERENCE_UNICODE_H

#include <stdbool.h>

#include "base/bytes.h"

#define UNICODE_REPLACEMENT 0xfffdu /* stands for bytes that are no text */
#define UNICODE_UTF8_MAX 4	    /* bytes of one code point */

enum unicode_kind {
	UNICODE_OTHER,
	UNICODE_LETTER, /* \p{L} */
	UNICODE_NUMBER, /* \p{N} */
	UNICODE_SPACE,	/* \s, that is White_Space */
};

enum unicode_kind unicode_kind_of(uint32_t code);

/* What case, and whether it has any, of letters and the marks on them. */
enum unicode_case {
	UNICODE_CASE_NONE,    /* neither a letter nor a mark */
	UNICODE_CASE_CAPITAL, /* \p{Lu}, \p{Lt} */
	UNICODE_CASE_SMALL,   /* \p{Ll} */
	UNICODE_CASE_EITHER,  /* \p{Lm}, \p{Lo}, \p{M}: fits beside both */
};

enum unicode_case unicode_case_of(uint32_t code);

/* The simple lower-case form, or code itself. */
uint32_t unicode_lower(uint32_t code);

/*
 * Take one code point from the front: ERR_MALFORMED where the bytes are not
 * UTF-8 (RFC 3629: no surrogates, no long forms), ERR_TRUNCATED where they may
 * become it with more bytes.  On an error nothing is taken.
 */
MUST_CHECK enum err unicode_take(struct bytes *in, uint32_t *code);

/*
 * As unicode_take(), but total: a byte that fits nowhere is taken alone, as
 * UNICODE_REPLACEMENT.  The input may not be empty.
 */
uint32_t unicode_take_lossy(struct bytes *in);

/* Writes the UTF-8 of a code point. */
MUST_CHECK enum err unicode_put(struct writer *out, uint32_t code);

#endif
