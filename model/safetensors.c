/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

static const struct type {
	const char *name;
	enum matrix_format format;
} types[] = {
	{ "F32", MATRIX_F32 },
	{ "F16", MATRIX_F16 },
	{ "BF16", MATRIX_BF16 },
};

static enum err take_number(const json_t *value, uint64_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return ERR_MALFORMED;
	*out = (uint64_t)json_integer_value(value);
	return ERR_OK;
}

static enum err take_type(const json_t *value, enum matrix_format *out)
{
	if (!json_is_string(value))
		return ERR_MALFORMED;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(json_string_value(value), types[i].name) == 0) {
			*out = types[i].format;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

/* The dimensions, and how many bytes they make. */
static enum err take_shape(const json_t *value, struct safetensors_tensor *out,
			   uint64_t *bytes)
{
	if (!json_is_array(value))
		return ERR_MALFORMED;
	if (json_array_size(value) > SAFETENSORS_DIMENSIONS_MAX)
		return ERR_UNSUPPORTED;
	*bytes = matrix_form_of(out->format)->bytes;
	out->dimension_count = json_array_size(value);
	for (size_t i = 0; i < SAFETENSORS_DIMENSIONS_MAX; i++) {
		out->dimensions[i] = 1;
		if (i < out->dimension_count)
			TRY(take_number(json_array_get(value, i),
					&out->dimensions[i]));
		if (__builtin_mul_overflow(*bytes, out->dimensions[i], bytes))
			return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err take_place(const json_t *value, struct bytes data,
			   struct bytes *out)
{
	uint64_t begin, end;

	if (!json_is_array(value) || json_array_size(value) != 2)
		return ERR_MALFORMED;
	TRY(take_number(json_array_get(value, 0), &begin));
	TRY(take_number(json_array_get(value, 1), &end));
	if (begin > end)
		return ERR_MALFORMED;
	if (end > data.len)
		return ERR_TRUNCATED;
	*out = (struct bytes){ data.data + begin, (size_t)(end - begin) };
	return ERR_OK;
}

static enum err take_tensor(const char *name, const json_t *entry,
			    struct bytes data, struct safetensors_tensor *out)
{
	uint64_t bytes;

	TRY(take_type(json_object_get(entry, "dtype"), &out->format));
	TRY(take_shape(json_object_get(entry, "shape"), out, &bytes));
	TRY(take_place(json_object_get(entry, "data_offsets"), data,
		       &out->data));
	if (out->data.len != bytes)
		return ERR_MALFORMED;
	out->name = strdup(name);
	return out->name == NULL ? ERR_UNAVAILABLE : ERR_OK;
}

static int compare_names(const void *a, const void *b)
{
	const struct safetensors_tensor *left = a;
	const struct safetensors_tensor *right = b;

	return strcmp(left->name, right->name);
}

/* By place; of two at one place the empty one is first. */
static int compare_places(const void *a, const void *b)
{
	const struct bytes *left =
		&((const struct safetensors_tensor *)a)->data;
	const struct bytes *right =
		&((const struct safetensors_tensor *)b)->data;

	if (left->data != right->data)
		return left->data < right->data ? -1 : 1;
	return (left->len > right->len) - (left->len < right->len);
}

static enum err refuse_overlap(struct safetensors *safetensors)
{
	const struct safetensors_tensor *tensors = safetensors->tensors;

	sort_by(safetensors->tensors, safetensors->count, sizeof(*tensors),
		compare_places);
	for (size_t i = 1; i < safetensors->count; i++) {
		if (tensors[i - 1].data.data + tensors[i - 1].data.len >
		    tensors[i].data.data)
			return ERR_MALFORMED;
	}
	sort_by(safetensors->tensors, safetensors->count, sizeof(*tensors),
		compare_names);
	return ERR_OK;
}

static enum err read_entries(json_t *header, struct bytes data,
			     struct safetensors *out)
{
	const char *name;
	json_t *entry;

	if (!json_is_object(header))
		return ERR_MALFORMED;
	out->tensors =
		calloc(json_object_size(header) + 1, sizeof(*out->tensors));
	if (out->tensors == NULL)
		return ERR_UNAVAILABLE;
	json_object_foreach(header, name, entry)
	{
		if (strcmp(name, "__metadata__") == 0)
			continue;
		TRY(take_tensor(name, entry, data, &out->tensors[out->count]));
		out->count++;
	}
	return refuse_overlap(out);
}

enum err safetensors_open(struct bytes file, struct safetensors *out)
{
	struct safetensors made = { 0 };
	struct bytes rest = file, text;
	uint64_t len;
	json_t *header;
	enum err err;

	TRY(bytes_take_u64_le(&rest, &len));
	if (len > SAFETENSORS_HEADER_MAX)
		return ERR_TOO_LARGE;
	TRY(bytes_take(&rest, (size_t)len, &text));
	/* A name that comes twice is two tensors to one reader, one to
	 * another. */
	header = json_loadb((const char *)text.data, text.len,
			    JSON_REJECT_DUPLICATES, NULL);
	err = read_entries(header, rest, &made);
	json_decref(header);
	if (err != ERR_OK) {
		safetensors_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void safetensors_close(struct safetensors *safetensors)
{
	for (size_t i = 0; i < safetensors->count; i++)
		free(safetensors->tensors[i].name);
	free(safetensors->tensors);
	*safetensors = (struct safetensors){ 0 };
}

const struct safetensors_tensor *
safetensors_find(const struct safetensors *safetensors, const char *name)
{
	struct safetensors_tensor key = { .name = (char *)(uintptr_t)name };

	if (safetensors->count == 0)
		return NULL;
	return bsearch(&key, safetensors->tensors, safetensors->count,
		       sizeof(key), compare_names);
}
