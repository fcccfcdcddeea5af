/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_operand: what stands between two operators of an expression: a
 * constant, a name or brackets, then what is asked of it.
 *
 *     -messages[1:] . name (argument, name=value) |filter(argument) is test
 */
#ifndef INFERENCE_JINJA_OPERAND_H
#define INFERENCE_JINJA_OPERAND_H

#include "inference/jinja_cursor.h"

/* ERR_UNSUPPORTED for arguments given as a list and for a plus sign. */
MUST_CHECK enum err jinja_operand_parse(struct jinja_cursor *cursor,
					uint32_t *out);

#endif
