/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_parse.h"

#include "inference/jinja_expression.h"

/* The tags that may end a body; NULL ends them. */
typedef const char *const enders[4];

static enum err parse_body(struct jinja_cursor *cursor, enders ends,
			   uint32_t *out);

static bool at_name(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_NAME, text);
}

static bool at_operator(const struct jinja_cursor *cursor, const char *text)
{
	return jinja_cursor_at(cursor, JINJA_LEX_OPERATOR, text);
}

static enum err expect_end(struct jinja_cursor *cursor)
{
	return jinja_cursor_expect(cursor, JINJA_LEX_TAG_END, NULL);
}

/* The body of a tag through its closing tag. */
static enum err parse_block(struct jinja_cursor *cursor, const char *end,
			    uint32_t *out)
{
	TRY(expect_end(cursor));
	TRY(parse_body(cursor, (enders){ end }, out));
	TRY(jinja_cursor_step(cursor));
	return expect_end(cursor);
}

/* if condition BODY (elif condition BODY)* (else BODY)? endif */
static enum err parse_if(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	uint32_t node;

	do {
		TRY(jinja_cursor_step(cursor));
		TRY(jinja_expression_parse_tuple(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
		TRY(expect_end(cursor));
		TRY(parse_body(cursor, (enders){ "elif", "else", "endif" },
			       &node));
		jinja_cursor_append(cursor, &list, node);
	} while (at_name(cursor, "elif"));
	if (at_name(cursor, "else")) {
		TRY(jinja_cursor_step(cursor));
		TRY(expect_end(cursor));
		TRY(parse_body(cursor, (enders){ "endif" }, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	TRY(jinja_cursor_step(cursor));
	TRY(expect_end(cursor));
	return jinja_program_add(cursor->program, JINJA_IF, list.first, out);
}

static enum err parse_target_name(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t text;

	TRY(jinja_cursor_name(cursor, &text));
	return jinja_program_add_named(cursor->program, JINJA_NAME,
				       JINJA_PROGRAM_NONE, text, out);
}

/* A name, or a list of names to unpack into. */
static enum err parse_target(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list list;
	uint32_t node;
	bool bracket = at_operator(cursor, "(");

	if (bracket)
		TRY(jinja_cursor_step(cursor));
	TRY(parse_target_name(cursor, &node));
	*out = node;
	list = (struct jinja_cursor_list){ node, node };
	while (at_operator(cursor, ",")) {
		TRY(jinja_cursor_step(cursor));
		TRY(parse_target_name(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	if (bracket)
		TRY(jinja_cursor_expect(cursor, JINJA_LEX_OPERATOR, ")"));
	if (list.first == list.last)
		return ERR_OK;
	return jinja_program_add(cursor->program, JINJA_LIST, list.first, out);
}

/* What a loop runs over, and its condition or NOTHING. */
static enum err parse_source(struct jinja_cursor *cursor,
			     struct jinja_cursor_list *list)
{
	uint32_t node;

	TRY(jinja_expression_parse_plain(cursor, &node));
	jinja_cursor_append(cursor, list, node);
	if (at_name(cursor, "if")) {
		TRY(jinja_cursor_step(cursor));
		TRY(jinja_expression_parse(cursor, &node));
	} else {
		TRY(jinja_program_add(cursor->program, JINJA_NOTHING,
				      JINJA_PROGRAM_NONE, &node));
	}
	jinja_cursor_append(cursor, list, node);
	return at_name(cursor, "recursive") || at_operator(cursor, ",")
		       ? ERR_UNSUPPORTED
		       : expect_end(cursor);
}

/* for target in list (if condition)? BODY (else BODY)? endfor */
static enum err parse_for(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	uint32_t node;

	TRY(jinja_cursor_step(cursor));
	TRY(parse_target(cursor, &node));
	jinja_cursor_append(cursor, &list, node);
	TRY(jinja_cursor_expect(cursor, JINJA_LEX_NAME, "in"));
	TRY(parse_source(cursor, &list));
	TRY(parse_body(cursor, (enders){ "else", "endfor" }, &node));
	jinja_cursor_append(cursor, &list, node);
	if (at_name(cursor, "else")) {
		TRY(jinja_cursor_step(cursor));
		TRY(expect_end(cursor));
		TRY(parse_body(cursor, (enders){ "endfor" }, &node));
		jinja_cursor_append(cursor, &list, node);
	}
	TRY(jinja_cursor_step(cursor));
	TRY(expect_end(cursor));
	return jinja_program_add(cursor->program, JINJA_FOR, list.first, out);
}

/* After "name.": attribute = expression */
static enum err parse_set_attribute(struct jinja_cursor *cursor, uint32_t name,
				    uint32_t *out)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	uint32_t attribute, node;

	TRY(jinja_program_add_named(cursor->program, JINJA_NAME,
				    JINJA_PROGRAM_NONE, name, &node));
	jinja_cursor_append(cursor, &list, node);
	TRY(jinja_cursor_name(cursor, &attribute));
	if (!at_operator(cursor, "="))
		return ERR_UNSUPPORTED;
	TRY(jinja_cursor_step(cursor));
	TRY(jinja_expression_parse_tuple(cursor, &node));
	jinja_cursor_append(cursor, &list, node);
	TRY(expect_end(cursor));
	return jinja_program_add_named(cursor->program, JINJA_SET_ATTRIBUTE,
				       list.first, attribute, out);
}

/* set name = expression, set name.attribute = expression, set name BODY */
static enum err parse_set(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t name, node;

	TRY(jinja_cursor_step(cursor));
	TRY(jinja_cursor_name(cursor, &name));
	if (at_operator(cursor, ".")) {
		TRY(jinja_cursor_step(cursor));
		return parse_set_attribute(cursor, name, out);
	}
	if (at_operator(cursor, "=")) {
		TRY(jinja_cursor_step(cursor));
		TRY(jinja_expression_parse_tuple(cursor, &node));
		TRY(expect_end(cursor));
		return jinja_program_add_named(cursor->program, JINJA_SET, node,
					       name, out);
	}
	/* Several names, or a filter over the block. */
	if (cursor->token.kind != JINJA_LEX_TAG_END)
		return ERR_UNSUPPORTED;
	TRY(parse_block(cursor, "endset", &node));
	return jinja_program_add_named(cursor->program, JINJA_SET_BLOCK, node,
				       name, out);
}

static enum err parse_parameter(struct jinja_cursor *cursor,
				struct jinja_cursor_list *list)
{
	uint32_t name, node = JINJA_PROGRAM_NONE;

	TRY(jinja_cursor_name(cursor, &name));
	if (at_operator(cursor, "=")) {
		TRY(jinja_cursor_step(cursor));
		TRY(jinja_expression_parse(cursor, &node));
	}
	TRY(jinja_program_add_named(cursor->program, JINJA_PARAMETER, node,
				    name, &node));
	jinja_cursor_append(cursor, list, node);
	return ERR_OK;
}

/* macro name(parameter, parameter=default) BODY endmacro */
static enum err parse_macro(struct jinja_cursor *cursor, uint32_t *out)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	uint32_t name, node;

	TRY(jinja_cursor_step(cursor));
	TRY(jinja_cursor_name(cursor, &name));
	TRY(jinja_cursor_expect(cursor, JINJA_LEX_OPERATOR, "("));
	while (!at_operator(cursor, ")")) {
		if (list.first != JINJA_PROGRAM_NONE)
			TRY(jinja_cursor_expect(cursor, JINJA_LEX_OPERATOR,
						","));
		TRY(parse_parameter(cursor, &list));
	}
	TRY(jinja_cursor_step(cursor));
	TRY(parse_block(cursor, "endmacro", &node));
	jinja_cursor_append(cursor, &list, node);
	return jinja_program_add_named(cursor->program, JINJA_MACRO, list.first,
				       name, out);
}

/* generation BODY endgeneration: marks for training, nothing here. */
static enum err parse_scope(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t node;

	TRY(jinja_cursor_step(cursor));
	TRY(parse_block(cursor, "endgeneration", &node));
	return jinja_program_add(cursor->program, JINJA_SCOPE, node, out);
}

static enum err parse_leave(struct jinja_cursor *cursor, uint32_t *out)
{
	enum jinja_node_kind kind =
		at_name(cursor, "break") ? JINJA_BREAK : JINJA_CONTINUE;

	TRY(jinja_cursor_step(cursor));
	TRY(expect_end(cursor));
	return jinja_program_add(cursor->program, kind, JINJA_PROGRAM_NONE,
				 out);
}

static enum err parse_tag(struct jinja_cursor *cursor, uint32_t *out)
{
	static const struct {
		const char *name;
		enum err (*parse)(struct jinja_cursor *cursor, uint32_t *out);
	} tags[] = {
		{ "if", parse_if },
		{ "for", parse_for },
		{ "set", parse_set },
		{ "macro", parse_macro },
		{ "break", parse_leave },
		{ "continue", parse_leave },
		{ "generation", parse_scope },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (!at_name(cursor, tags[i].name))
			continue;
		TRY(jinja_cursor_enter(cursor));
		TRY(tags[i].parse(cursor, out));
		jinja_cursor_leave(cursor);
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static enum err parse_text(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t text;

	TRY(jinja_program_string(cursor->program, cursor->token.text, &text));
	TRY(jinja_cursor_step(cursor));
	return jinja_program_add_named(cursor->program, JINJA_TEXT,
				       JINJA_PROGRAM_NONE, text, out);
}

static enum err parse_print(struct jinja_cursor *cursor, uint32_t *out)
{
	uint32_t node;

	TRY(jinja_cursor_step(cursor));
	TRY(jinja_expression_parse_tuple(cursor, &node));
	TRY(jinja_cursor_expect(cursor, JINJA_LEX_PRINT_END, NULL));
	return jinja_program_add(cursor->program, JINJA_PRINT, node, out);
}

static bool at_ender(const struct jinja_cursor *cursor, enders ends)
{
	for (size_t i = 0; i < 4 && ends[i] != NULL; i++)
		if (at_name(cursor, ends[i]))
			return true;
	return false;
}

/* Into a tag's name, or to the end: whether that ends the body. */
static enum err look_for_end(struct jinja_cursor *cursor, enders ends,
			     bool *ended)
{
	*ended = cursor->token.kind == JINJA_LEX_END;
	if (*ended)
		return ends[0] == NULL ? ERR_OK : ERR_MALFORMED;
	if (cursor->token.kind != JINJA_LEX_TAG)
		return ERR_OK;
	TRY(jinja_cursor_step(cursor));
	*ended = at_ender(cursor, ends);
	return ERR_OK;
}

static enum err parse_statement(struct jinja_cursor *cursor, uint32_t *out)
{
	if (cursor->token.kind == JINJA_LEX_TEXT)
		return parse_text(cursor, out);
	if (cursor->token.kind == JINJA_LEX_PRINT)
		return parse_print(cursor, out);
	return parse_tag(cursor, out);
}

/* Up to the name of a tag that ends it; with no such tag, to the end. */
static enum err parse_body(struct jinja_cursor *cursor, enders ends,
			   uint32_t *out)
{
	struct jinja_cursor_list list = JINJA_CURSOR_EMPTY;
	bool ended;

	TRY(look_for_end(cursor, ends, &ended));
	while (!ended) {
		uint32_t node;

		TRY(parse_statement(cursor, &node));
		jinja_cursor_append(cursor, &list, node);
		TRY(look_for_end(cursor, ends, &ended));
	}
	return jinja_program_add(cursor->program, JINJA_BODY, list.first, out);
}

enum err jinja_parse(struct bytes template, struct jinja_program *out)
{
	struct jinja_program made;
	struct jinja_cursor cursor = { .program = &made };
	enum err err;

	TRY(jinja_program_open(template, &made));
	cursor.lex = jinja_lex_start(bytes_written(&made.pool));
	err = jinja_cursor_step(&cursor);
	if (err == ERR_OK)
		err = parse_body(&cursor, (enders){ NULL }, &made.body);
	if (err != ERR_OK) {
		jinja_program_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}
