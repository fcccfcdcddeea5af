/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_lex: a chat template's text, cut into tokens.
 *
 *     text {{- name . name -}} text {%- name ... %} text {# never seen #}
 *
 * Blanks around tags go as chat templates expect: a minus takes all of them,
 * a tag or comment alone on its line takes its indentation and its newline
 * (the settings trim_blocks and lstrip_blocks), a plus keeps them.
 */
#ifndef INFERENCE_JINJA_LEX_H
#define INFERENCE_JINJA_LEX_H

#include "base/bytes.h"

#define JINJA_LEX_BRACKETS_MAX 32

enum jinja_lex_kind {
	JINJA_LEX_END, /* of the template */
	JINJA_LEX_TEXT,
	JINJA_LEX_TAG,	     /* {% */
	JINJA_LEX_TAG_END,   /* %} */
	JINJA_LEX_PRINT,     /* {{ */
	JINJA_LEX_PRINT_END, /* }} */
	JINJA_LEX_NAME,
	JINJA_LEX_STRING, /* between the quotes, escapes as they were written */
	JINJA_LEX_NUMBER,
	JINJA_LEX_OPERATOR,
};

struct jinja_lex_token {
	enum jinja_lex_kind kind;
	struct bytes text; /* borrowed from the template */
	int64_t number;
};

struct jinja_lex {
	struct bytes rest;
	enum jinja_lex_kind inside; /* TEXT, TAG or PRINT */
	enum jinja_lex_kind next;   /* a tag that follows a text just given */
	enum {
		JINJA_LEX_MIDDLE,
		JINJA_LEX_LINE_START,
	} place;
	size_t depth;
	uint8_t closing[JINJA_LEX_BRACKETS_MAX]; /* what brackets wait for */
};

/* Start on a template whose line ends are newlines. */
struct jinja_lex jinja_lex_start(struct bytes template);

/*
 * The next token.  ERR_MALFORMED where no token begins or an end is missing,
 * ERR_UNSUPPORTED for floating point and names beyond ASCII, ERR_TOO_LARGE for
 * brackets in more brackets than JINJA_LEX_BRACKETS_MAX.
 */
MUST_CHECK enum err jinja_lex_next(struct jinja_lex *lex,
				   struct jinja_lex_token *out);

/*
 * Append what a string token stands for; no longer than the token.
 * ERR_UNSUPPORTED for characters by name and for halves of a surrogate pair.
 */
MUST_CHECK enum err jinja_lex_unescape(struct bytes raw, struct writer *out);

#endif
