/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "wire/json_memory.h"

_Static_assert(JSON_ALIGNMENT == JSON_MEMORY_ALIGNMENT,
	       "the caller aligns as the allocator needs");

/* struct json is never defined: it is the library's value by another name. */
static const json_t *library(const struct json *value)
{
	return (const json_t *)value;
}

static const struct json *ours(const json_t *value)
{
	return (const struct json *)value;
}

/* For the whole process; which memory it is, each thread has said. */
static void use_our_memory(void)
{
	json_set_alloc_funcs(json_memory_alloc, json_memory_free);
}

void json_warm(void *memory, size_t size, uint32_t seed)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int failed = pthread_once(&once, use_our_memory);

	invariant(failed == 0 && seed != 0);
	json_memory_give(memory, size);
	/* Without a seed the library would read one when it first hashes. */
	json_object_seed(seed);
}

void json_wipe(void)
{
	json_memory_wipe();
}

void *json_take(size_t count, size_t size)
{
	size_t wanted;
	void *taken;

	if (__builtin_mul_overflow(count, size, &wanted))
		return NULL;
	taken = json_memory_alloc(wanted);
	if (taken != NULL)
		memset(taken, 0, wanted);
	return taken;
}

/* The place of the quote that ends the string begun before `at`. */
static size_t string_end(struct bytes text, size_t at)
{
	while (at < text.len && text.data[at] != '"')
		at += text.data[at] == '\\' ? 2 : 1;
	return at;
}

/*
 * The library recurses for each level, and loses a NUL that follows a number.
 * Up to the first error in the text this scan and the library agree on what is
 * a string and what a bracket, and the library reads no further than that.
 */
static enum err prescan(struct bytes text, size_t depth_max)
{
	size_t depth = 0;

	if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL)
		return ERR_MALFORMED;
	for (size_t i = 0; i < text.len; i++) {
		switch (text.data[i]) {
		case '"':
			i = string_end(text, i + 1);
			break;
		case '[':
		case '{':
			if (depth++ == depth_max)
				return ERR_TOO_LARGE;
			break;
		case ']':
		case '}':
			if (depth > 0)
				depth--;
			break;
		default:
			break;
		}
	}
	return ERR_OK;
}

enum err json_parse(struct bytes text, size_t depth_max,
		    const struct json **out)
{
	const json_t *root;

	invariant(json_memory_is_given());
	TRY(prescan(text, depth_max));
	/* No json_error_t: it would hold a piece of the text. */
	root = json_loadb((const char *)text.data, text.len,
			  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (root == NULL)
		return json_memory_was_full() ? ERR_TOO_LARGE : ERR_MALFORMED;
	*out = ours(root);
	return ERR_OK;
}

enum json_kind json_kind_of(const struct json *value)
{
	switch (json_typeof(library(value))) {
	case JSON_OBJECT:
		return JSON_KIND_OBJECT;
	case JSON_ARRAY:
		return JSON_KIND_ARRAY;
	case JSON_STRING:
		return JSON_KIND_STRING;
	case JSON_INTEGER:
		return JSON_KIND_INTEGER;
	case JSON_REAL:
		return JSON_KIND_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_KIND_BOOLEAN;
	case JSON_NULL:
	default:
		return JSON_KIND_NULL;
	}
}

const struct json *json_member(const struct json *object, const char *name)
{
	return ours(json_object_get(library(object), name));
}

size_t json_count(const struct json *value)
{
	/* Each of the two is zero for anything but its own kind. */
	return json_array_size(library(value)) +
	       json_object_size(library(value));
}

bool json_is_empty(const struct json *value)
{
	switch (json_kind_of(value)) {
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		return json_count(value) == 0;
	case JSON_KIND_STRING:
		return json_string_length(library(value)) == 0;
	case JSON_KIND_NULL:
	case JSON_KIND_BOOLEAN:
	case JSON_KIND_INTEGER:
	case JSON_KIND_REAL:
	default:
		return false;
	}
}

const struct json *json_element(const struct json *array, size_t index)
{
	const json_t *element = json_array_get(library(array), index);

	invariant(element != NULL);
	return ours(element);
}

const struct json *json_entry(const struct json *object, size_t index,
			      struct bytes *name)
{
	/* Jansson's iterators take objects that they may change, and do not. */
	json_t *members = (json_t *)(uintptr_t)library(object);
	void *at = json_object_iter(members);

	for (size_t i = 0; i < index && at != NULL; i++)
		at = json_object_iter_next(members, at);
	invariant(at != NULL);
	*name = bytes_of_string(json_object_iter_key(at));
	return ours(json_object_iter_value(at));
}

enum err json_as_string(const struct json *value, struct bytes *out)
{
	if (!json_is_string(library(value)))
		return ERR_MALFORMED;
	out->data = (const uint8_t *)json_string_value(library(value));
	out->len = json_string_length(library(value));
	return ERR_OK;
}

enum err json_as_integer(const struct json *value, int64_t *out)
{
	if (!json_is_integer(library(value)))
		return ERR_MALFORMED;
	*out = json_integer_value(library(value));
	return ERR_OK;
}

enum err json_as_number(const struct json *value, double *out)
{
	if (!json_is_number(library(value)))
		return ERR_MALFORMED;
	*out = json_number_value(library(value));
	return ERR_OK;
}

enum err json_as_boolean(const struct json *value, bool *out)
{
	if (!json_is_boolean(library(value)))
		return ERR_MALFORMED;
	*out = json_is_true(library(value));
	return ERR_OK;
}

bool json_equals_text(const struct json *value, const char *text)
{
	struct bytes string;

	return json_as_string(value, &string) == ERR_OK &&
	       bytes_equal(string, bytes_of_string(text));
}
