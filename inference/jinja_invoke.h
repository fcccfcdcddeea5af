/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_invoke: the expressions that call: functions and macros, methods,
 * filters and tests.  Each takes the node and gives its value, as
 * jinja_evaluate() does for all.
 */
#ifndef INFERENCE_JINJA_INVOKE_H
#define INFERENCE_JINJA_INVOKE_H

#include "inference/jinja_machine.h"

MUST_CHECK enum err jinja_invoke_call(struct jinja_machine *machine,
				      const struct jinja_node *node,
				      struct jinja_value *out);
MUST_CHECK enum err jinja_invoke_method(struct jinja_machine *machine,
					const struct jinja_node *node,
					struct jinja_value *out);
MUST_CHECK enum err jinja_invoke_filter(struct jinja_machine *machine,
					const struct jinja_node *node,
					struct jinja_value *out);
MUST_CHECK enum err jinja_invoke_test(struct jinja_machine *machine,
				      const struct jinja_node *node,
				      struct jinja_value *out);

#endif
