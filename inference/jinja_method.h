/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_method: what may be called on a value.
 *
 *     strings  strip lstrip rstrip startswith endswith split replace upper
 *              lower title capitalize find count format
 *     dicts    get items keys values
 *
 * What would change a list or a dict is refused, as the reference refuses it.
 */
#ifndef INFERENCE_JINJA_METHOD_H
#define INFERENCE_JINJA_METHOD_H

#include "inference/jinja_call.h"

/* ERR_UNSUPPORTED for other methods, ERR_MALFORMED for what has none. */
MUST_CHECK enum err jinja_method_run(struct jinja_machine *machine,
				     struct bytes name,
				     const struct jinja_value *subject,
				     const struct jinja_arguments *arguments,
				     struct jinja_value *out);

/* Whether a value's attribute of that name is a method. */
bool jinja_method_is(const struct jinja_value *subject, struct bytes name);

/* The keys and values of a dict, as lists of two. */
MUST_CHECK enum err jinja_method_items(struct jinja_heap *heap,
				       const struct jinja_value *dict,
				       struct jinja_value *out);

#endif
