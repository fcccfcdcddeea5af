/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_filter: what may stand after "|".
 *
 *     trim upper lower title capitalize replace string safe tojson int
 *     length count list first last join items dictsort reverse default
 *     map select reject selectattr rejectattr
 */
#ifndef INFERENCE_JINJA_FILTER_H
#define INFERENCE_JINJA_FILTER_H

#include "inference/jinja_call.h"

/* ERR_UNSUPPORTED for other filters, ERR_MALFORMED for a wrong subject. */
MUST_CHECK enum err jinja_filter_run(struct jinja_machine *machine,
				     struct bytes name,
				     const struct jinja_value *subject,
				     const struct jinja_arguments *arguments,
				     struct jinja_value *out);

#endif
