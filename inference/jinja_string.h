/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_string: what filters and methods alike do to a string.
 */
#ifndef INFERENCE_JINJA_STRING_H
#define INFERENCE_JINJA_STRING_H

#include "inference/jinja_case.h"
#include "inference/jinja_machine.h"

#define JINJA_STRING_ALL SIZE_MAX /* as many times as it occurs */

MUST_CHECK enum err jinja_string_case(struct jinja_machine *machine,
				      enum jinja_case to,
				      struct jinja_text text,
				      struct jinja_value *out);

/* `set` is a string of characters, or none for blanks. */
MUST_CHECK enum err jinja_string_strip(struct jinja_machine *machine,
				       enum jinja_text_side side,
				       struct jinja_text text,
				       const struct jinja_value *set,
				       struct jinja_value *out);

/* The first `most` places of `old` become `with`. */
struct jinja_string_change {
	struct jinja_text old;
	struct jinja_text with;
	size_t most;
};
MUST_CHECK enum err
jinja_string_replace(struct jinja_machine *machine, struct jinja_text text,
		     const struct jinja_string_change *change,
		     struct jinja_value *out);

/* Into a list: at `separator`, or between blanks for NULL; `most` cuts. */
MUST_CHECK enum err jinja_string_split(struct jinja_machine *machine,
				       struct jinja_text text,
				       const struct bytes *separator,
				       size_t most, struct jinja_value *out);

/* As Python's int(); ERR_DENIED for what is no number. */
MUST_CHECK enum err jinja_string_integer(struct jinja_text text, int64_t *out);

#endif
