/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_choose: the filters that ask something of every item of a list.
 *
 *     select(test)            reject(test)             test: that it is true
 *     selectattr(name, test)  rejectattr(name, test)
 *     map(filter)             map(attribute=name, default=value)
 */
#ifndef INFERENCE_JINJA_CHOOSE_H
#define INFERENCE_JINJA_CHOOSE_H

#include "inference/jinja_call.h"

enum jinja_choose_kind {
	JINJA_CHOOSE_SELECT,
	JINJA_CHOOSE_REJECT,
	JINJA_CHOOSE_SELECT_ATTRIBUTE,
	JINJA_CHOOSE_REJECT_ATTRIBUTE,
	JINJA_CHOOSE_MAP,
};

/* Whether a filter is one of these. */
bool jinja_choose_find(struct bytes name, enum jinja_choose_kind *kind);

/* A stream of what was chosen. */
MUST_CHECK enum err jinja_choose_run(struct jinja_machine *machine,
				     enum jinja_choose_kind kind,
				     const struct jinja_value *subject,
				     const struct jinja_arguments *arguments,
				     struct jinja_value *out);

#endif
