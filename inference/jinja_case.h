/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_case: small and capital letters, as Python has them.
 *
 * Capitals are known for ASCII only: what would need others is
 * ERR_UNSUPPORTED, not guessed at.
 */
#ifndef INFERENCE_JINJA_CASE_H
#define INFERENCE_JINJA_CASE_H

#include "inference/jinja_text.h"

enum jinja_case {
	JINJA_CASE_LOWER,
	JINJA_CASE_UPPER,
	JINJA_CASE_CAPITALIZE, /* the first letter of all */
	JINJA_CASE_TITLE,      /* the first letter of every run of letters */
	JINJA_CASE_WORDS,      /* that after blanks and opening brackets */
};

/* Append the text in that case; every character keeps its mark. */
MUST_CHECK enum err jinja_case_put(struct jinja_out *out, enum jinja_case to,
				   struct jinja_text text);

#endif
