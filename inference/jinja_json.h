/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_json: values as JSON, spelt as Python's json.dumps() spells it.
 */
#ifndef INFERENCE_JINJA_JSON_H
#define INFERENCE_JINJA_JSON_H

#include "inference/jinja_value.h"

enum jinja_json_characters {
	JINJA_JSON_UTF8,
	JINJA_JSON_ASCII, /* others as \uXXXX */
};

struct jinja_json_style {
	enum jinja_json_characters characters;
	int64_t indent;		   /* spaces a level; below 0, one line */
	struct jinja_text between; /* items, usually a comma and a space */
	struct jinja_text after;   /* a key, usually a colon and a space */
};

/*
 * Append it.  A user's characters stay a user's, escaped or not.
 * ERR_MALFORMED for values that JSON cannot say.
 */
MUST_CHECK enum err jinja_json_put(struct jinja_heap *heap,
				   struct jinja_out *out,
				   const struct jinja_json_style *style,
				   const struct jinja_value *value);

#endif
