/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/gguf_edit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 128
#define ROOM (1u << 20)

static const struct gguf_limits limits = { .values = 256,
					   .tensors = 1024,
					   .array_count = 1u << 16,
					   .string_bytes = 1u << 16 };

/* A name of the file, with an end. */
static const char *name_of(struct bytes name, char out[NAME_MAX_BYTES])
{
	cr_assert_lt(name.len, NAME_MAX_BYTES);
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
	return out;
}

static bool is_named(struct bytes name, const char *other)
{
	return other != NULL && bytes_equal(name, bytes_of_string(other));
}

static void put(struct writer *out, const void *data, size_t len)
{
	cr_assert_eq(bytes_put(out, (struct bytes){ data, len }), ERR_OK);
}

/* Strings and arrays have their lengths before them in the file. */
static void copy_value(struct gguf_builder *builder,
		       const struct gguf_value *value)
{
	struct writer out = { malloc(ROOM), 0, ROOM };
	struct bytes body = value->raw;
	char key[NAME_MAX_BYTES];

	cr_assert_not_null(out.data);
	if (value->type == GGUF_STRING) {
		uint64_t len = body.len;

		put(&out, &len, sizeof(len));
	} else if (value->type == GGUF_ARRAY) {
		uint32_t type = value->array.type;
		uint64_t count = value->array.count;

		body = value->array.elements;
		put(&out, &type, sizeof(type));
		put(&out, &count, sizeof(count));
	}
	put(&out, body.data, body.len);
	gguf_builder_value(builder, name_of(value->key, key), value->type,
			   bytes_written(&out));
	free(out.data);
}

static bool is_kept(const struct gguf_value *value)
{
	return value->type != GGUF_ARRAY || value->array.type == GGUF_STRING;
}

static struct gguf_builder_tensor describe(const struct gguf_tensor *tensor,
					   char name[NAME_MAX_BYTES])
{
	struct gguf_builder_tensor made = {
		.name = name_of(tensor->name, name),
		.dimension_count = (uint32_t)tensor->dimension_count,
		.format = tensor->format,
	};

	memcpy(made.dimensions, tensor->dimensions, sizeof(tensor->dimensions));
	made.dimensions[GGUF_DIMENSIONS_MAX] = 1;
	return made;
}

static void copy_tensor(struct gguf_builder *builder,
			const struct gguf_tensor *tensor)
{
	char name[NAME_MAX_BYTES];
	const struct gguf_builder_tensor made = describe(tensor, name);

	gguf_builder_tensor(builder, &made, tensor->data);
}

static struct gguf_builder copy_without(const struct gguf *gguf,
					const char *key, const char *tensor)
{
	struct gguf_builder builder = gguf_builder_start();
	bool found = key == NULL && tensor == NULL;

	for (size_t i = 0; i < gguf->value_count; i++) {
		const struct gguf_value *value = &gguf->values[i];

		if (is_named(value->key, key))
			found = true;
		else if (is_kept(value))
			copy_value(&builder, value);
	}
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		if (is_named(gguf->tensors[i].name, tensor))
			found = true;
		else
			copy_tensor(&builder, &gguf->tensors[i]);
	}
	cr_assert(found, "the file has no %s%s", key == NULL ? "" : key,
		  tensor == NULL ? "" : tensor);
	return builder;
}

struct gguf_builder gguf_edit_without(struct bytes file, const char *key,
				      const char *tensor)
{
	struct gguf_builder builder;
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	builder = copy_without(&gguf, key, tensor);
	gguf_close(&gguf);
	return builder;
}

/* Of zeros, as only its shape is to be looked at. */
static void add_grown(struct gguf_builder *builder,
		      const struct gguf_tensor *tensor, size_t dimension)
{
	char name[NAME_MAX_BYTES];
	struct gguf_builder_tensor made = describe(tensor, name);
	size_t bytes = sizeof(float);
	void *zeros;

	made.dimensions[dimension]++;
	if (made.dimension_count <= dimension)
		made.dimension_count = (uint32_t)dimension + 1;
	for (size_t i = 0; i < made.dimension_count; i++)
		bytes *= made.dimensions[i];
	zeros = calloc(1, bytes);
	cr_assert_not_null(zeros);
	gguf_builder_tensor(builder, &made, (struct bytes){ zeros, bytes });
	free(zeros);
}

struct bytes gguf_edit_damage(struct bytes file, const char *tensor,
			      enum gguf_edit_damage damage)
{
	struct gguf_builder builder;
	const struct gguf_tensor *old;
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	old = gguf_find_tensor(&gguf, tensor);
	cr_assert_not_null(old, "the file has no %s", tensor);
	builder = copy_without(&gguf, NULL, tensor);
	if (damage == GGUF_EDIT_DOUBLED) {
		copy_tensor(&builder, old);
		copy_tensor(&builder, old);
	} else if (damage != GGUF_EDIT_MISSING) {
		add_grown(&builder, old, damage - GGUF_EDIT_WIDER);
	}
	gguf_close(&gguf);
	return gguf_builder_finish(&builder);
}
