/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_function: what templates may call by name.
 *
 *     namespace(name=value)   raise_exception(text)   range(start, stop, step)
 *     strftime_now(format)    where the rendering has a date
 *
 * There is no clock here.  A prompt must come out the same whenever it is told
 * again, so a date is an input; without one, templates that ask whether
 * strftime_now is defined are told that it is not.
 */
#ifndef INFERENCE_JINJA_FUNCTION_H
#define INFERENCE_JINJA_FUNCTION_H

#include "inference/jinja_call.h"

/* Give the functions their names. */
MUST_CHECK enum err jinja_function_define(struct jinja_machine *machine);

/*
 * Call the function that a value is.  ERR_MALFORMED where the template raises
 * an exception, ERR_UNSUPPORTED for formats and arguments that are not served.
 */
MUST_CHECK enum err jinja_function_run(struct jinja_machine *machine,
				       const struct jinja_value *function,
				       const struct jinja_arguments *arguments,
				       struct jinja_value *out);

#endif
