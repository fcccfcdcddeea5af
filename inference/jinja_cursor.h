/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_cursor: what both halves of the parser share: a token to look at, and
 * the program that they add to.
 */
#ifndef INFERENCE_JINJA_CURSOR_H
#define INFERENCE_JINJA_CURSOR_H

#include <stdbool.h>

#include "inference/jinja_lex.h"
#include "inference/jinja_program.h"

#define JINJA_CURSOR_DEPTH_MAX 96 /* of tags and expressions, one in another */

struct jinja_cursor {
	struct jinja_program *program;
	struct jinja_lex lex;
	struct jinja_lex_token token; /* not yet taken */
	size_t depth;
};

/* Children, in the order in which they are added. */
struct jinja_cursor_list {
	uint32_t first;
	uint32_t last;
};

#define JINJA_CURSOR_EMPTY \
	((struct jinja_cursor_list){ JINJA_PROGRAM_NONE, JINJA_PROGRAM_NONE })

/* Pass over the token that is looked at. */
MUST_CHECK enum err jinja_cursor_step(struct jinja_cursor *cursor);

/* Whether the token is that name, or that operator. */
bool jinja_cursor_at(const struct jinja_cursor *cursor,
		     enum jinja_lex_kind kind, const char *text);

/* Whether the token after this one is that operator. */
bool jinja_cursor_before(const struct jinja_cursor *cursor, const char *text);

/* Pass over it; anything else is ERR_MALFORMED. */
MUST_CHECK enum err jinja_cursor_expect(struct jinja_cursor *cursor,
					enum jinja_lex_kind kind,
					const char *text);

/* Take a name: the number of its string. */
MUST_CHECK enum err jinja_cursor_name(struct jinja_cursor *cursor,
				      uint32_t *text);

void jinja_cursor_append(struct jinja_cursor *cursor,
			 struct jinja_cursor_list *list, uint32_t node);

/* A node that goes one level deeper is ERR_TOO_LARGE beyond DEPTH_MAX. */
MUST_CHECK enum err jinja_cursor_enter(struct jinja_cursor *cursor);
void jinja_cursor_leave(struct jinja_cursor *cursor);

#endif
