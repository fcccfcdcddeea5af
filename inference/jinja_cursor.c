/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_cursor.h"

enum err jinja_cursor_step(struct jinja_cursor *cursor)
{
	return jinja_lex_next(&cursor->lex, &cursor->token);
}

bool jinja_cursor_at(const struct jinja_cursor *cursor,
		     enum jinja_lex_kind kind, const char *text)
{
	return cursor->token.kind == kind &&
	       (text == NULL ||
		bytes_equal(cursor->token.text, bytes_of_string(text)));
}

bool jinja_cursor_before(const struct jinja_cursor *cursor, const char *text)
{
	struct jinja_cursor ahead = *cursor;

	return jinja_cursor_step(&ahead) == ERR_OK &&
	       jinja_cursor_at(&ahead, JINJA_LEX_OPERATOR, text);
}

enum err jinja_cursor_expect(struct jinja_cursor *cursor,
			     enum jinja_lex_kind kind, const char *text)
{
	if (!jinja_cursor_at(cursor, kind, text))
		return ERR_MALFORMED;
	return jinja_cursor_step(cursor);
}

enum err jinja_cursor_name(struct jinja_cursor *cursor, uint32_t *text)
{
	uint32_t found;

	if (cursor->token.kind != JINJA_LEX_NAME)
		return ERR_MALFORMED;
	TRY(jinja_program_string(cursor->program, cursor->token.text, &found));
	TRY(jinja_cursor_step(cursor));
	*text = found;
	return ERR_OK;
}

void jinja_cursor_append(struct jinja_cursor *cursor,
			 struct jinja_cursor_list *list, uint32_t node)
{
	if (list->first == JINJA_PROGRAM_NONE)
		list->first = node;
	else
		cursor->program->nodes[list->last].next = node;
	list->last = node;
}

enum err jinja_cursor_enter(struct jinja_cursor *cursor)
{
	if (cursor->depth == JINJA_CURSOR_DEPTH_MAX)
		return ERR_TOO_LARGE;
	cursor->depth++;
	return ERR_OK;
}

void jinja_cursor_leave(struct jinja_cursor *cursor)
{
	cursor->depth--;
}
