/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_call: the arguments of what a template calls, and tables of what it
 * may call: filters, tests, methods and functions.
 *
 * What is not in a table is refused when it is called, and not before: the
 * tool parts of templates use much that no chat without tools comes to.
 */
#ifndef INFERENCE_JINJA_CALL_H
#define INFERENCE_JINJA_CALL_H

#include "inference/jinja_machine.h"

#define JINJA_CALL_PARAMETERS_MAX 4

struct jinja_argument {
	struct bytes name; /* empty where the place says which */
	uint32_t symbol;   /* of the name */
	struct jinja_value value;
};

struct jinja_arguments {
	const struct jinja_argument *items;
	size_t count;
};

/* Arguments in the order of the parameters, undefined where none is given. */
struct jinja_call {
	struct jinja_machine *machine;
	const struct jinja_value *subject; /* NULL for functions */
	struct jinja_value values[JINJA_CALL_PARAMETERS_MAX];
	size_t count; /* up to the last that is given */
};

typedef enum err jinja_call_function(const struct jinja_call *call,
				     struct jinja_value *out);

struct jinja_callable {
	const char *name;
	const char *parameters; /* their names, a space after each */
	jinja_call_function *function;
};

/* The row of that name, or NULL; the table ends with a NULL name. */
const struct jinja_callable *jinja_call_find(const struct jinja_callable *table,
					     struct bytes name);

/* Call it.  ERR_UNSUPPORTED for NULL, and for arguments without a parameter. */
MUST_CHECK enum err jinja_call_run(const struct jinja_callable *callable,
				   struct jinja_machine *machine,
				   const struct jinja_value *subject,
				   const struct jinja_arguments *arguments,
				   struct jinja_value *out);

/* The arguments from the n-th on. */
struct jinja_arguments jinja_call_rest(const struct jinja_arguments *arguments,
				       size_t from);

#endif
