/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By recursive descent.  Only brackets, "not", a sign and the branches of an
 * "if" recurse, and each of those counts towards the cursor's depth; a long
 * chain of operators is a loop here.
 */
#include "inference/jinja_expression.h"

#include "inference/jinja_operand.h"

typedef enum err parse_function(struct jinja_cursor *cursor, uint32_t *out);

/* An operator of two operands, by its spelling. */
struct operator
{
	const char *text;
	enum jinja_node_kind kind;
};

static bool at_operator(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_OPERATOR, text);
}

static bool at_name(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_NAME, text);
}

/* The operator at the cursor, or NULL; the table ends with a NULL text. */
static const struct operator* find_operator(const struct jinja_cursor *cursor,
					    const struct operator* table)
{
	for (; table->text != NULL; table++)
		if (at_operator(cursor, table->text))
			return table;
	return NULL;
}

/* Past an operator to its right side; *out was the left one.  Those of + and
 * of ~ make one node, which joins strings in one go. */
static enum err parse_right(struct jinja_cursor *cursor,
			    const struct operator* found,
			    parse_function *tighter, uint32_t *out)
{
	struct jinja_cursor_list list = { *out, *out };
	bool joins = found->kind == JINJA_ADD || found->kind == JINJA_CONCAT;
	uint32_t node;

	do {
		TRY(jinja_cursor_step(cursor));
		TRY(tighter(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
	} while (joins && at_operator(cursor, found->text));
	return jinja_program_add(cursor->program, found->kind, list.first, out);
}

/* Operands of one level, from the left. */
static enum err parse_level(struct jinja_cursor *cursor,
			    const struct operator* table,
			    parse_function *tighter, uint32_t *out)
{
	const struct operator* found;

	TRY(tighter(cursor, out));
	while ((found = find_operator(cursor, table)) != NULL)
		TRY(parse_right(cursor, found, tighter, out));
	return ERR_OK;
}

static enum err parse_power(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct operator table[] = { { "**", JINJA_POWER },
						 { NULL, 0 } };

	return parse_level(cursor, table, jinja_operand_parse, out);
}

static enum err parse_product(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct operator table[] = { { "*", JINJA_MULTIPLY },
						 { "/", JINJA_DIVIDE },
						 { "//", JINJA_FLOOR_DIVIDE },
						 { "%", JINJA_MODULO },
						 { NULL, 0 } };

	return parse_level(cursor, table, parse_power, out);
}

static enum err parse_concat(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct operator table[] = { { "~", JINJA_CONCAT },
						 { NULL, 0 } };

	return parse_level(cursor, table, parse_product, out);
}

static enum err parse_sum(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct operator table[] = { { "+", JINJA_ADD },
						 { "-", JINJA_SUBTRACT },
						 { NULL, 0 } };

	return parse_level(cursor, table, parse_concat, out);
}

/* The comparison at the cursor, passed over; ERR_DENIED if there is none. */
static enum err take_comparison(struct jinja_cursor *cursor, int64_t *out)
{
	static const struct {
		const char *text;
		enum jinja_comparison comparison;
	} table[] = {
		{ "==", JINJA_EQUAL },
		{ "!=", JINJA_UNEQUAL },
		{ "<=", JINJA_LESS_OR_EQUAL },
		{ "<", JINJA_LESS },
		{ ">=", JINJA_GREATER_OR_EQUAL },
		{ ">", JINJA_GREATER },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!at_operator(cursor, table[i].text))
			continue;
		*out = table[i].comparison;
		return jinja_cursor_step(cursor);
	}
	*out = JINJA_IN;
	if (at_name(cursor, "not")) {
		TRY(jinja_cursor_step(cursor));
		*out = JINJA_NOT_IN;
	} else if (!at_name(cursor, "in")) {
		return ERR_DENIED;
	}
	return jinja_cursor_expect(cursor, JINJA_LEX_NAME, "in");
}

static enum err parse_comparison(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list list;
	int64_t comparison;
	uint32_t node;
	enum err err;

	TRY(parse_sum(cursor, out));
	list = (struct jinja_cursor_list){ *out, *out };
	while ((err = take_comparison(cursor, &comparison)) == ERR_OK) {
		TRY(parse_sum(cursor, &node));
		TRY(jinja_program_add(cursor->program, JINJA_COMPARISON, node,
				      &node));
		cursor->program->nodes[node].number = comparison;
		jinja_cursor_append(cursor, &list, node);
	}
	if (err != ERR_DENIED)
		return err;
	if (list.first == list.last)
		return ERR_OK;
	return jinja_program_add(cursor->program, JINJA_COMPARE, list.first,
				 out);
}

static enum err parse_not(struct jinja_cursor *cursor, uint32_t *out)
{
	if (!at_name(cursor, "not"))
		return parse_comparison(cursor, out);
	TRY(jinja_cursor_step(cursor));
	TRY(jinja_cursor_enter(cursor));
	TRY(parse_not(cursor, out));
	jinja_cursor_leave(cursor);
	return jinja_program_add(cursor->program, JINJA_NOT, *out, out);
}

/* A chain of "and" or of "or" is one node. */
static enum err parse_chain(struct jinja_cursor *cursor, const char *word,
			    enum jinja_node_kind kind, parse_function *tighter,
			    uint32_t *out)
{
	struct jinja_cursor_list list;
	uint32_t node;

	TRY(tighter(cursor, out));
	list = (struct jinja_cursor_list){ *out, *out };
	while (at_name(cursor, word)) {
		TRY(jinja_cursor_step(cursor));
		TRY(tighter(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	if (list.first == list.last)
		return ERR_OK;
	return jinja_program_add(cursor->program, kind, list.first, out);
}

static enum err parse_and(struct jinja_cursor *cursor, uint32_t *out)
{
	return parse_chain(cursor, "and", JINJA_AND, parse_not, out);
}

enum err jinja_expression_parse_plain(struct jinja_cursor *cursor,
				      uint32_t *out)
{
	TRY(jinja_cursor_enter(cursor));
	TRY(parse_chain(cursor, "or", JINJA_OR, parse_and, out));
	jinja_cursor_leave(cursor);
	return ERR_OK;
}

/* After a value: "if condition", and perhaps "else" another. */
static enum err parse_choice(struct jinja_cursor *cursor, uint32_t *then)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	uint32_t node;

	TRY(jinja_cursor_step(cursor));
	TRY(jinja_expression_parse_plain(cursor, &node));
	jinja_cursor_append(cursor, &list, node);
	jinja_cursor_append(cursor, &list, *then);
	if (at_name(cursor, "else")) {
		TRY(jinja_cursor_step(cursor));
		TRY(jinja_expression_parse(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	return jinja_program_add(cursor->program, JINJA_CHOOSE, list.first,
				 then);
}

enum err jinja_expression_parse(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t then;

	TRY(jinja_cursor_enter(cursor));
	TRY(jinja_expression_parse_plain(cursor, &then));
	while (at_name(cursor, "if"))
		TRY(parse_choice(cursor, &then));
	jinja_cursor_leave(cursor);
	*out = then;
	return ERR_OK;
}

/* Whether nothing of a tuple can follow. */
static bool at_end(const struct jinja_cursor *cursor)
{
	return cursor->token.kind == JINJA_LEX_TAG_END ||
	       cursor->token.kind == JINJA_LEX_PRINT_END ||
	       at_operator(cursor, ")");
}

enum err jinja_expression_parse_tuple(struct jinja_cursor *cursor,
				      uint32_t *out)
{
	struct jinja_cursor_list list;
	uint32_t node;

	TRY(jinja_expression_parse(cursor, &node));
	*out = node;
	if (!at_operator(cursor, ","))
		return ERR_OK;
	list = (struct jinja_cursor_list){ node, node };
	while (at_operator(cursor, ",")) {
		TRY(jinja_cursor_step(cursor));
		if (at_end(cursor))
			break;
		TRY(jinja_expression_parse(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	return jinja_program_add(cursor->program, JINJA_LIST, list.first, out);
}
