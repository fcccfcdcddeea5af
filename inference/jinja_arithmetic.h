/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_arithmetic: operators on values, of which all are known.
 */
#ifndef INFERENCE_JINJA_ARITHMETIC_H
#define INFERENCE_JINJA_ARITHMETIC_H

#include "inference/jinja_machine.h"

/* Values from the left: strings, numbers or lists, ERR_MALFORMED for a mix. */
MUST_CHECK enum err jinja_arithmetic_add(struct jinja_machine *machine,
					 const struct jinja_value *values,
					 size_t count, struct jinja_value *out);

/* Whatever they are, as one string. */
MUST_CHECK enum err jinja_arithmetic_concat(struct jinja_machine *machine,
					    const struct jinja_value *values,
					    size_t count,
					    struct jinja_value *out);

/*
 * The operators of two whole numbers, and a string times a number.
 * ERR_UNSUPPORTED for what makes fractions, formats or grows past 64 bits.
 */
MUST_CHECK enum err jinja_arithmetic_combine(struct jinja_machine *machine,
					     enum jinja_node_kind operation,
					     const struct jinja_value values[2],
					     struct jinja_value *out);

MUST_CHECK enum err jinja_arithmetic_negate(const struct jinja_value *value,
					    struct jinja_value *out);

#endif
