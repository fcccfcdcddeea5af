/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_execute: statements, which print and give names values.
 *
 * Loops, macros, blocks that are set and generation tags have names of their
 * own; an "if" has not.
 */
#ifndef INFERENCE_JINJA_EXECUTE_H
#define INFERENCE_JINJA_EXECUTE_H

#include "inference/jinja_call.h"

/* Errors as of jinja_evaluate(). */
MUST_CHECK enum err jinja_execute(struct jinja_machine *machine, uint32_t node);

/* Call the macro that a node defines; what it prints is its value. */
MUST_CHECK enum err jinja_execute_macro(struct jinja_machine *machine,
					uint32_t macro,
					const struct jinja_arguments *arguments,
					struct jinja_value *out);

#endif
