/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_program: a chat template as a tree, ready to be rendered.
 *
 * Nodes are numbered; the children of a node are a list from `child` through
 * `next`, in this order (? may be a NOTHING, * any number):
 *
 *   BODY statement*                  LIST expression*
 *   TEXT `text`, as STRING           DICT (key value)*
 *   PRINT expression                 ATTRIBUTE object .text
 *   IF (condition BODY)* BODY        ITEM object key
 *   FOR target list filter?          SLICE object start? stop? step?
 *       BODY BODY?                   CALL callee argument*
 *   SET `text` = expression          METHOD object .text argument*
 *   SET_ATTRIBUTE object             FILTER subject |text argument*
 *       .text = expression           TEST subject is text argument*
 *   SET_BLOCK `text` BODY            KEYWORD text = value
 *   MACRO `text` PARAMETER* BODY     COMPARE first COMPARISON*
 *   PARAMETER `text` default?        COMPARISON `number` expression
 *   SCOPE BODY                       CHOOSE condition then else?
 *
 * Made once on the heap; never changed after that.
 */
#ifndef INFERENCE_JINJA_PROGRAM_H
#define INFERENCE_JINJA_PROGRAM_H

#include "base/bytes.h"

#define JINJA_PROGRAM_TEMPLATE_MAX (1u << 17) /* bytes */
#define JINJA_PROGRAM_NODES_MAX (1u << 16)
#define JINJA_PROGRAM_STRINGS_MAX (1u << 13)
#define JINJA_PROGRAM_NONE UINT32_MAX

enum jinja_node_kind {
	JINJA_NOTHING,
	JINJA_BODY,
	JINJA_TEXT,
	JINJA_PRINT,
	JINJA_IF,
	JINJA_FOR,
	JINJA_SET,
	JINJA_SET_ATTRIBUTE,
	JINJA_SET_BLOCK,
	JINJA_MACRO,
	JINJA_PARAMETER,
	JINJA_SCOPE,
	JINJA_BREAK,
	JINJA_CONTINUE,
	JINJA_STRING,
	JINJA_INTEGER,
	JINJA_BOOLEAN,
	JINJA_NONE,
	JINJA_NAME,
	JINJA_LIST,
	JINJA_DICT,
	JINJA_ATTRIBUTE,
	JINJA_ITEM,
	JINJA_SLICE,
	JINJA_CALL,
	JINJA_METHOD,
	JINJA_FILTER,
	JINJA_TEST,
	JINJA_KEYWORD,
	JINJA_COMPARE,
	JINJA_COMPARISON,
	JINJA_CHOOSE,
	JINJA_NOT,
	JINJA_AND,
	JINJA_OR,
	JINJA_NEGATE,
	JINJA_ADD,	/* two or more */
	JINJA_CONCAT,	/* two or more, as strings */
	JINJA_SUBTRACT, /* of two, and so on */
	JINJA_MULTIPLY,
	JINJA_DIVIDE,
	JINJA_FLOOR_DIVIDE,
	JINJA_MODULO,
	JINJA_POWER,
};

enum jinja_comparison {
	JINJA_EQUAL,
	JINJA_UNEQUAL,
	JINJA_LESS,
	JINJA_LESS_OR_EQUAL,
	JINJA_GREATER,
	JINJA_GREATER_OR_EQUAL,
	JINJA_IN,
	JINJA_NOT_IN,
};

struct jinja_node {
	enum jinja_node_kind kind;
	uint32_t text;	/* of the strings, or NONE */
	uint32_t child; /* the first, or NONE */
	uint32_t next;	/* of its siblings, or NONE */
	int64_t number;
};

struct jinja_program {
	struct jinja_node *nodes;
	size_t count;
	struct bytes *strings; /* no two are equal */
	size_t string_count;
	struct writer pool; /* the template, then what its escapes became */
	uint32_t body;
};

/* A program of nothing but the template, its line ends made newlines.
 * ERR_TOO_LARGE beyond the limits, ERR_MALFORMED where it is not UTF-8. */
MUST_CHECK enum err jinja_program_open(struct bytes template,
				       struct jinja_program *out);

void jinja_program_close(struct jinja_program *program);

/* A new node without siblings; `child` may be NONE. */
MUST_CHECK enum err jinja_program_add(struct jinja_program *program,
				      enum jinja_node_kind kind, uint32_t child,
				      uint32_t *out);

/* The same, of a node that has a text: the number of a string. */
MUST_CHECK enum err jinja_program_add_named(struct jinja_program *program,
					    enum jinja_node_kind kind,
					    uint32_t child, uint32_t text,
					    uint32_t *out);

/* The number of a string, which must lie in the pool. */
MUST_CHECK enum err jinja_program_string(struct jinja_program *program,
					 struct bytes text, uint32_t *out);

#endif
