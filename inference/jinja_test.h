/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_test: what may stand after "is".
 *
 *     defined undefined none string mapping sequence iterable number integer
 *     boolean true false callable equalto in odd even divisibleby, and the
 *     comparisons by name
 */
#ifndef INFERENCE_JINJA_TEST_H
#define INFERENCE_JINJA_TEST_H

#include "inference/jinja_call.h"

/* ERR_UNSUPPORTED for other tests, ERR_MALFORMED where one cannot be made. */
MUST_CHECK enum err jinja_test_run(struct jinja_machine *machine,
				   struct bytes name,
				   const struct jinja_value *subject,
				   const struct jinja_arguments *arguments,
				   bool *out);

/* Whether a == b, a < b and so on; IN and NOT_IN too. */
MUST_CHECK enum err jinja_test_compare(struct jinja_heap *heap,
				       enum jinja_comparison comparison,
				       const struct jinja_value *a,
				       const struct jinja_value *b, bool *out);

#endif
