/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_expression: expressions, from tokens to nodes.  From loose to tight:
 *
 *     then if condition else otherwise      or      and      not
 *     == != < <= > >= in, not in            + -     ~     * / // %
 *     **      - (negation)      .name [key] (arguments)      |filter is test
 */
#ifndef INFERENCE_JINJA_EXPRESSION_H
#define INFERENCE_JINJA_EXPRESSION_H

#include "inference/jinja_cursor.h"

/* ERR_MALFORMED where there is none, ERR_TOO_LARGE where it nests too deep. */
MUST_CHECK enum err jinja_expression_parse(struct jinja_cursor *cursor,
					   uint32_t *out);

/* The same, with commas: several are a list. */
MUST_CHECK enum err jinja_expression_parse_tuple(struct jinja_cursor *cursor,
						 uint32_t *out);

/* Without "if": what a loop runs over, before its condition. */
MUST_CHECK enum err jinja_expression_parse_plain(struct jinja_cursor *cursor,
						 uint32_t *out);

#endif
