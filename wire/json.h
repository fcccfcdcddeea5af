/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: strict JSON (RFC 8259) in memory that the caller gives.
 *
 * The one place that knows the JSON library.  What it adds: nesting is bounded
 * before the library sees a byte, names do not repeat, strings are UTF-8
 * without NUL, and every byte ever allocated lies in one piece of memory, which
 * one call wipes.  After json_warm() nothing here makes a system call.
 *
 * The memory belongs to the thread, as a request belongs to a thread: there is
 * one of it, and documents share it until json_wipe().
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>

#include "base/bytes.h"

/* A value of a document; lives until json_wipe(). */
struct json;

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOLEAN,
	JSON_KIND_INTEGER, /* without fraction or exponent, in int64_t */
	JSON_KIND_REAL,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT,
};

/*
 * Memory that surely holds a document of so many bytes that is mostly strings,
 * as chats are.  One made of empty objects takes 260 bytes for each, and is
 * refused where that does not fit.
 */
#define JSON_MEMORY_FOR(len) (((size_t)64 << 10) + 8 * (size_t)(len))

#define JSON_ALIGNMENT 16

/*
 * Once in each thread that parses, before any jail closes: use this memory,
 * which is the caller's and aligned, for good.  seed, not zero, keeps strangers
 * from choosing names that collide; the first one given serves the process.
 */
void json_warm(void *memory, size_t size, uint32_t seed);

/* Forget every document: all memory that was touched reads zero again. */
void json_wipe(void);

/* count * size bytes of the same memory, zeroed, aligned; NULL when full. */
void *json_take(size_t count, size_t size);

/*
 * Parse a whole document, at most depth_max arrays and objects deep (one deep
 * is []).  ERR_MALFORMED when it is not JSON, names repeat, a string holds NUL,
 * or a number has no double or int64_t; ERR_TOO_LARGE for depth or memory.
 */
MUST_CHECK enum err json_parse(struct bytes text, size_t depth_max,
			       const struct json **out);

enum json_kind json_kind_of(const struct json *value);

/* The member of an object; NULL when it is not there. */
const struct json *json_member(const struct json *object, const char *name);

/* Members of an object or elements of an array; 0 for anything else. */
size_t json_count(const struct json *value);

/* Whether value is "", [] or {}. */
bool json_is_empty(const struct json *value);

/* index < json_count(array). */
const struct json *json_element(const struct json *array, size_t index);

/*
 * The member at index < json_count(object), in the order of the document, and
 * its name.  It takes a step for each one before it.
 */
const struct json *json_entry(const struct json *object, size_t index,
			      struct bytes *name);

/* ERR_MALFORMED when the value is of another kind. */
MUST_CHECK enum err json_as_string(const struct json *value, struct bytes *out);
MUST_CHECK enum err json_as_integer(const struct json *value, int64_t *out);
MUST_CHECK enum err json_as_number(const struct json *value, double *out);
MUST_CHECK enum err json_as_boolean(const struct json *value, bool *out);

/* Whether value is this string. */
bool json_equals_text(const struct json *value, const char *text);

#endif
