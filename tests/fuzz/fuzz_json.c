/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is accepted is UTF-8, writes to a document that reads as the same, and
 * leaves no byte behind when wiped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "wire/json.h"
#include "wire/json_escape.h"
#include "wire/json_memory.h"
#include "wire/utf8.h"

#define DEPTH 16
#define INPUT_MAX 4096

static _Alignas(JSON_ALIGNMENT) uint8_t memory[1 << 20];
static uint8_t first[1 << 20];
static uint8_t second[1 << 20];

static void put(struct writer *out, const char *text)
{
	invariant(bytes_put(out, bytes_of_string(text)) == ERR_OK);
}

static void put_number(struct writer *out, const struct json *value)
{
	char text[64];
	int64_t integer;
	double real;

	if (json_as_integer(value, &integer) == ERR_OK) {
		snprintf(text, sizeof(text), "%" PRId64, integer);
	} else {
		invariant(json_as_number(value, &real) == ERR_OK);
		snprintf(text, sizeof(text), "%.17e", real);
	}
	put(out, text);
}

/* Objects are written as the count of their members: no call lists names. */
static void put_value(struct writer *out, const struct json *value,
		      size_t depth)
{
	struct bytes text;
	bool truth = false;

	invariant(depth <= DEPTH);
	switch (json_kind_of(value)) {
	case JSON_KIND_NULL:
		put(out, "null");
		break;
	case JSON_KIND_BOOLEAN:
		invariant(json_as_boolean(value, &truth) == ERR_OK);
		put(out, truth ? "true" : "false");
		break;
	case JSON_KIND_STRING:
		invariant(json_as_string(value, &text) == ERR_OK);
		invariant(utf8_is_valid(text));
		invariant(text.len == 0 ||
			  memchr(text.data, '\0', text.len) == NULL);
		invariant(json_escape_string(out, text) == ERR_OK);
		break;
	case JSON_KIND_ARRAY:
		put(out, "[");
		for (size_t i = 0; i < json_count(value); i++) {
			put(out, i > 0 ? "," : "");
			put_value(out, json_element(value, i), depth + 1);
		}
		put(out, "]");
		break;
	case JSON_KIND_OBJECT:
		put(out, json_is_empty(value) ? "{}" : "{\"\":0}");
		break;
	case JSON_KIND_INTEGER:
	case JSON_KIND_REAL:
	default:
		put_number(out, value);
		break;
	}
}

static enum err rewrite(struct bytes text, struct writer *out)
{
	const struct json *root;

	TRY(json_parse(text, DEPTH, &root));
	put_value(out, root, 0);
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = { data, len };
	struct writer once = WRITER_OVER(first);
	struct writer twice = WRITER_OVER(second);
	size_t used;

	if (len > INPUT_MAX)
		return 0;
	json_warm(memory, sizeof(memory), 7);
	if (rewrite(text, &once) == ERR_OK) {
		invariant(utf8_is_valid(text));
		json_wipe();
		invariant(rewrite(bytes_written(&once), &twice) == ERR_OK);
		invariant(bytes_equal(bytes_written(&once),
				      bytes_written(&twice)));
	}
	used = json_memory_used();
	json_wipe();
	invariant(secret_is_zero(memory, used));
	return 0;
}
