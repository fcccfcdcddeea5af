/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_value: what expressions are about, as Python has it.
 *
 * Values never change, a namespace excepted, and borrow from the program, the
 * conversation and the heap of one rendering.
 */
#ifndef INFERENCE_JINJA_VALUE_H
#define INFERENCE_JINJA_VALUE_H

#include <stdbool.h>

#include "inference/jinja_text.h"

#define JINJA_VALUE_ATTRIBUTES_MAX 32

enum jinja_value_kind {
	JINJA_VALUE_UNDEFINED,
	JINJA_VALUE_NONE,
	JINJA_VALUE_BOOLEAN,
	JINJA_VALUE_INTEGER,
	JINJA_VALUE_STRING,
	JINJA_VALUE_SAFE, /* a string that can only be printed */
	JINJA_VALUE_LIST,
	JINJA_VALUE_STREAM, /* a list that can be walked, and only once */
	JINJA_VALUE_DICT,
	JINJA_VALUE_NAMESPACE,
	JINJA_VALUE_LOOP,
	JINJA_VALUE_MACRO,
	JINJA_VALUE_FUNCTION,
};

struct jinja_value {
	enum jinja_value_kind kind;
	enum jinja_source source; /* of a number: what it was made of */
	union {
		int64_t number;		/* BOOLEAN, INTEGER; node of a MACRO */
		struct jinja_text text; /* STRING, SAFE */
		struct {
			const struct jinja_value *items;
			size_t count;
			bool *walked; /* STREAM */
		} list;
		struct {
			const struct jinja_pair *pairs;
			size_t count;
		} dict;
		struct jinja_namespace *space;
		const struct jinja_loop *loop;
	};
};

struct jinja_pair {
	struct jinja_value key;
	struct jinja_value value;
};

struct jinja_namespace {
	size_t count;
	struct jinja_attribute {
		uint32_t name; /* of the program's strings */
		struct jinja_value value;
	} attributes[JINJA_VALUE_ATTRIBUTES_MAX];
};

/* A loop on its way; at < count. */
struct jinja_loop {
	const struct jinja_value *items;
	size_t count;
	size_t at;
};

struct jinja_value jinja_value_boolean(bool truth);
struct jinja_value jinja_value_integer(size_t number, enum jinja_source source);
struct jinja_value jinja_value_string(struct jinja_text text);
struct jinja_value jinja_value_list(const struct jinja_value *items,
				    size_t count);

bool jinja_value_is_number(const struct jinja_value *value); /* or boolean */
bool jinja_value_is_key(const struct jinja_value *value);    /* or may be one */
bool jinja_value_truth(const struct jinja_value *value);

/* Whether they are equal; ERR_TOO_LARGE where that is too much work. */
MUST_CHECK enum err jinja_value_equal(struct jinja_heap *heap,
				      const struct jinja_value *a,
				      const struct jinja_value *b, bool *out);

/* Less than 0, 0 or more, as a < b; ERR_MALFORMED for what has no order. */
MUST_CHECK enum err jinja_value_order(const struct jinja_value *a,
				      const struct jinja_value *b, int *out);

/* The pair with that key, or NULL. */
const struct jinja_pair *jinja_value_at(const struct jinja_value *dict,
					const struct jinja_value *key);

/*
 * As a list of its items: characters of a string, keys of a dict.  What is
 * undefined has none; ERR_MALFORMED for what has no items, ERR_UNSUPPORTED for
 * a stream that was walked already.
 */
MUST_CHECK enum err jinja_value_items(struct jinja_heap *heap,
				      const struct jinja_value *value,
				      struct jinja_value *out);

/* A stream of those items. */
MUST_CHECK enum err jinja_value_stream(struct jinja_heap *heap,
				       const struct jinja_value *items,
				       size_t count, struct jinja_value *out);

/* As {{ }} prints it; ERR_UNSUPPORTED for lists and whatever is made of
 * values. */
MUST_CHECK enum err jinja_value_print(struct jinja_out *out,
				      const struct jinja_value *value);

/* The string that is printed. */
MUST_CHECK enum err jinja_value_as_text(struct jinja_heap *heap,
					struct jinja_out *out,
					const struct jinja_value *value,
					struct jinja_text *text);

#endif
