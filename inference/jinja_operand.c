/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_operand.h"

#include "inference/jinja_expression.h"

static bool at_operator(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_OPERATOR, text);
}

static bool at_name(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_NAME, text);
}

static enum err expect_operator(struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_expect(cursor, JINJA_LEX_OPERATOR, text);
}

static void append(struct jinja_cursor *cursor, struct jinja_cursor_list *list,
		   uint32_t node)
{
	jinja_cursor_append(cursor, list, node);
}

static enum err add_number(struct jinja_cursor *cursor,
			   enum jinja_node_kind kind, int64_t number,
			   uint32_t *out)
{
	TRY(jinja_program_add(cursor->program, kind, JINJA_PROGRAM_NONE, out));
	cursor->program->nodes[*out].number = number;
	return ERR_OK;
}

/* Strings side by side are one. */
static enum err parse_string(struct jinja_cursor *cursor, uint32_t *out)
{
	struct writer *pool = &cursor->program->pool;
	size_t start = pool->len;
	uint32_t text;

	while (cursor->token.kind == JINJA_LEX_STRING) {
		TRY(jinja_lex_unescape(cursor->token.text, pool));
		TRY(jinja_cursor_step(cursor));
	}
	TRY(jinja_program_string(
		cursor->program,
		(struct bytes){ pool->data + start, pool->len - start },
		&text));
	return jinja_program_add_named(cursor->program, JINJA_STRING,
				       JINJA_PROGRAM_NONE, text, out);
}

static enum err parse_name(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct {
		const char *text;
		enum jinja_node_kind kind;
		int64_t number;
	} constants[] = {
		{ "true", JINJA_BOOLEAN, 1 },  { "True", JINJA_BOOLEAN, 1 },
		{ "false", JINJA_BOOLEAN, 0 }, { "False", JINJA_BOOLEAN, 0 },
		{ "none", JINJA_NONE, 0 },     { "None", JINJA_NONE, 0 },
	};
	uint32_t text;

	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (!at_name(cursor, constants[i].text))
			continue;
		TRY(jinja_cursor_step(cursor));
		return add_number(cursor, constants[i].kind,
				  constants[i].number, out);
	}
	TRY(jinja_cursor_name(cursor, &text));
	return jinja_program_add_named(cursor->program, JINJA_NAME,
				       JINJA_PROGRAM_NONE, text, out);
}

/* Elements up to a bracket, a comma between them and perhaps after them. */
static enum err parse_list(struct jinja_cursor *cursor, const char *end,
			   uint32_t *out)
{
	struct jinja_cursor_list items = JINJA_CURSOR_EMPTY;
	uint32_t node;

	while (!at_operator(cursor, end)) {
		if (items.first != JINJA_PROGRAM_NONE)
			TRY(expect_operator(cursor, ","));
		if (at_operator(cursor, end))
			break;
		TRY(jinja_expression_parse(cursor, &node));
		append(cursor, &items, node);
	}
	TRY(jinja_cursor_step(cursor));
	return jinja_program_add(cursor->program, JINJA_LIST, items.first, out);
}

static enum err parse_dict(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list items = JINJA_CURSOR_EMPTY;
	uint32_t node;

	while (!at_operator(cursor, "}")) {
		if (items.first != JINJA_PROGRAM_NONE)
			TRY(expect_operator(cursor, ","));
		if (at_operator(cursor, "}"))
			break;
		TRY(jinja_expression_parse(cursor, &node));
		append(cursor, &items, node);
		TRY(expect_operator(cursor, ":"));
		TRY(jinja_expression_parse(cursor, &node));
		append(cursor, &items, node);
	}
	TRY(jinja_cursor_step(cursor));
	return jinja_program_add(cursor->program, JINJA_DICT, items.first, out);
}

/* In brackets: an expression, or with a comma (or nothing) a list. */
static enum err parse_bracketed(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list items = JINJA_CURSOR_EMPTY;
	uint32_t node;

	if (at_operator(cursor, ")")) {
		TRY(jinja_cursor_step(cursor));
		return jinja_program_add(cursor->program, JINJA_LIST,
					 items.first, out);
	}
	TRY(jinja_expression_parse_tuple(cursor, &node));
	TRY(expect_operator(cursor, ")"));
	*out = node;
	return ERR_OK;
}

static enum err parse_primary(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_lex_token token = cursor->token;

	if (token.kind == JINJA_LEX_NAME)
		return parse_name(cursor, out);
	if (token.kind == JINJA_LEX_STRING)
		return parse_string(cursor, out);
	if (token.kind == JINJA_LEX_NUMBER) {
		TRY(jinja_cursor_step(cursor));
		return add_number(cursor, JINJA_INTEGER, token.number, out);
	}
	if (token.kind != JINJA_LEX_OPERATOR)
		return ERR_MALFORMED;
	TRY(jinja_cursor_step(cursor));
	switch (token.text.data[0]) {
	case '(':
		return parse_bracketed(cursor, out);
	case '[':
		return parse_list(cursor, "]", out);
	case '{':
		return parse_dict(cursor, out);
	default:
		return ERR_MALFORMED;
	}
}

/* name=value, or a value. */
static enum err parse_argument(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t text, value;

	/* What stands for several arguments is not served. */
	if (at_operator(cursor, "*") || at_operator(cursor, "**"))
		return ERR_UNSUPPORTED;
	if (cursor->token.kind != JINJA_LEX_NAME ||
	    !jinja_cursor_before(cursor, "="))
		return jinja_expression_parse(cursor, out);
	TRY(jinja_cursor_name(cursor, &text));
	TRY(jinja_cursor_step(cursor));
	TRY(jinja_expression_parse(cursor, &value));
	return jinja_program_add_named(cursor->program, JINJA_KEYWORD, value,
				       text, out);
}

/* From "(" through ")". */
static enum err parse_arguments(struct jinja_cursor *cursor,
				struct jinja_cursor_list *list)
{
	const char *before = "(";
	uint32_t node;

	do {
		TRY(expect_operator(cursor, before));
		if (at_operator(cursor, ")"))
			break;
		TRY(parse_argument(cursor, &node));
		append(cursor, list, node);
		before = ",";
	} while (!at_operator(cursor, ")"));
	return jinja_cursor_step(cursor);
}

/* A bound of a slice, or NOTHING. */
static enum err parse_bound(struct jinja_cursor *cursor,
			    struct jinja_cursor_list *list)
{
	uint32_t node;

	if (at_operator(cursor, ":") || at_operator(cursor, "]")) {
		TRY(jinja_program_add(cursor->program, JINJA_NOTHING,
				      JINJA_PROGRAM_NONE, &node));
	} else {
		TRY(jinja_expression_parse(cursor, &node));
	}
	append(cursor, list, node);
	return ERR_OK;
}

/* After "[": a key, or start:stop:step. */
static enum err parse_subscript(struct jinja_cursor *cursor, uint32_t object,
				uint32_t *out)
{
	struct jinja_cursor_list list = { object, object };
	size_t colons = 0;

	TRY(parse_bound(cursor, &list));
	for (; colons < 2 && at_operator(cursor, ":"); colons++) {
		TRY(jinja_cursor_step(cursor));
		TRY(parse_bound(cursor, &list));
	}
	TRY(expect_operator(cursor, "]"));
	if (colons == 0 &&
	    cursor->program->nodes[list.last].kind == JINJA_NOTHING)
		return ERR_MALFORMED;
	return jinja_program_add(cursor->program,
				 colons == 0 ? JINJA_ITEM : JINJA_SLICE,
				 list.first, out);
}

/* After ".": an attribute, a method's call, or an index. */
static enum err parse_attribute(struct jinja_cursor *cursor, uint32_t object,
				uint32_t *out)
{
	struct jinja_cursor_list list = { object, object };
	uint32_t text, node;

	if (cursor->token.kind == JINJA_LEX_NUMBER) {
		TRY(parse_primary(cursor, &node));
		append(cursor, &list, node);
		return jinja_program_add(cursor->program, JINJA_ITEM,
					 list.first, out);
	}
	TRY(jinja_cursor_name(cursor, &text));
	if (!at_operator(cursor, "("))
		return jinja_program_add_named(cursor->program, JINJA_ATTRIBUTE,
					       object, text, out);
	TRY(parse_arguments(cursor, &list));
	return jinja_program_add_named(cursor->program, JINJA_METHOD,
				       list.first, text, out);
}

static enum err parse_call(struct jinja_cursor *cursor, uint32_t callee,
			   uint32_t *out)
{
	struct jinja_cursor_list list = { callee, callee };

	TRY(parse_arguments(cursor, &list));
	return jinja_program_add(cursor->program, JINJA_CALL, list.first, out);
}

/* Whether one of three operators is next. */
static bool at_any(const struct jinja_cursor *cursor, const char *const any[3])
{
	return at_operator(cursor, any[0]) || at_operator(cursor, any[1]) ||
	       at_operator(cursor, any[2]);
}

static enum err parse_postfix(struct jinja_cursor *cursor, uint32_t *node)
{
	while (at_any(cursor, (const char *const[]){ ".", "[", "(" })) {
		uint8_t which = cursor->token.text.data[0];

		if (which != '(')
			TRY(jinja_cursor_step(cursor));
		TRY(which == '.'   ? parse_attribute(cursor, *node, node)
		    : which == '[' ? parse_subscript(cursor, *node, node)
				   : parse_call(cursor, *node, node));
	}
	return ERR_OK;
}

/* After "|". */
static enum err parse_filter(struct jinja_cursor *cursor, uint32_t *node)
{
	struct jinja_cursor_list list = { *node, *node };
	uint32_t text;

	TRY(jinja_cursor_name(cursor, &text));
	if (at_operator(cursor, "("))
		TRY(parse_arguments(cursor, &list));
	return jinja_program_add_named(cursor->program, JINJA_FILTER,
				       list.first, text, node);
}

/* Whether a test's one argument stands here without brackets. */
static bool at_bare_argument(const struct jinja_cursor *cursor)
{
	enum jinja_lex_kind kind = cursor->token.kind;

	if (kind == JINJA_LEX_NAME)
		return !at_name(cursor, "else") && !at_name(cursor, "or") &&
		       !at_name(cursor, "and") && !at_name(cursor, "if");
	return kind == JINJA_LEX_STRING || kind == JINJA_LEX_NUMBER ||
	       at_operator(cursor, "[") || at_operator(cursor, "{");
}

/* After "is". */
static enum err parse_test(struct jinja_cursor *cursor, uint32_t *node)
{
	struct jinja_cursor_list list = { *node, *node };
	bool negated = at_name(cursor, "not");
	uint32_t text, argument;

	if (negated)
		TRY(jinja_cursor_step(cursor));
	TRY(jinja_cursor_name(cursor, &text));
	if (at_operator(cursor, "(")) {
		TRY(parse_arguments(cursor, &list));
	} else if (at_bare_argument(cursor)) {
		if (at_name(cursor, "is"))
			return ERR_MALFORMED;
		TRY(parse_primary(cursor, &argument));
		TRY(parse_postfix(cursor, &argument));
		append(cursor, &list, argument);
	}
	TRY(jinja_program_add_named(cursor->program, JINJA_TEST, list.first,
				    text, node));
	if (negated)
		TRY(jinja_program_add(cursor->program, JINJA_NOT, *node, node));
	return ERR_OK;
}

static enum err parse_filters(struct jinja_cursor *cursor, uint32_t *node)
{
	bool is;

	while ((is = at_name(cursor, "is")) ||
	       at_any(cursor, (const char *const[]){ "|", "(", "(" })) {
		bool calls = at_operator(cursor, "(");

		if (!calls)
			TRY(jinja_cursor_step(cursor));
		TRY(is	    ? parse_test(cursor, node)
		    : calls ? parse_call(cursor, *node, node)
			    : parse_filter(cursor, node));
	}
	return ERR_OK;
}

/* A sign binds tighter than a filter, and a call tighter than a sign. */
static enum err parse_signed(struct jinja_cursor *cursor, uint32_t *out)
{
	if (at_operator(cursor, "+"))
		return ERR_UNSUPPORTED;
	if (!at_operator(cursor, "-")) {
		TRY(parse_primary(cursor, out));
		return parse_postfix(cursor, out);
	}
	TRY(jinja_cursor_step(cursor));
	TRY(jinja_cursor_enter(cursor));
	TRY(parse_signed(cursor, out));
	jinja_cursor_leave(cursor);
	TRY(jinja_program_add(cursor->program, JINJA_NEGATE, *out, out));
	return parse_postfix(cursor, out);
}

enum err jinja_operand_parse(struct jinja_cursor *cursor, uint32_t *out)
{
	TRY(parse_signed(cursor, out));
	return parse_filters(cursor, out);
}
