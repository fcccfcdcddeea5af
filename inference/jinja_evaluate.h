/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_evaluate: the value of an expression.
 */
#ifndef INFERENCE_JINJA_EVALUATE_H
#define INFERENCE_JINJA_EVALUATE_H

#include "inference/jinja_call.h"

/*
 * ERR_MALFORMED where the reference stops with an error (what is undefined has
 * no parts, a string and a number no sum), ERR_UNSUPPORTED for what is not
 * served, ERR_TOO_LARGE when memory, work or depth are used up.
 */
MUST_CHECK enum err jinja_evaluate(struct jinja_machine *machine, uint32_t node,
				   struct jinja_value *out);

/* Whether it is true; what that took is given back. */
MUST_CHECK enum err jinja_evaluate_truth(struct jinja_machine *machine,
					 uint32_t node, bool *out);

#endif
