/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every number that the file states is checked where it is read: counts
 * against a limit and against the bytes that are left, products by the
 * overflow builtins, places against the whole file.  What the index holds
 * needs no second look, and nothing of the file is looked at outside it.
 */
#include "inference/gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"

#define VERSION 3
#define DEFAULT_ALIGNMENT 32
#define LARGEST_ALIGNMENT (1u << 20)
/* The fewest bytes that an entry takes: bounds what a count can promise. */
#define LEAST_VALUE_BYTES (8 + 4 + 1)
#define LEAST_TENSOR_BYTES (8 + 4 + 8 + 4 + 8)

const struct gguf_limits gguf_model_limits = {
	.values = 1u << 12,
	.tensors = 1u << 18,
	.array_count = 1u << 22,
	.string_bytes = 1u << 20,
};

/* The file as it is read: what is left, and what it may promise. */
struct reader {
	struct bytes rest;
	const struct gguf_limits *limits;
};

/* Bytes of a scalar; 0 for strings, arrays and numbers that name no type. */
static size_t scalar_bytes(uint32_t type)
{
	static const uint8_t bytes[] = {
		[GGUF_U8] = 1,	[GGUF_I8] = 1,	[GGUF_U16] = 2, [GGUF_I16] = 2,
		[GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
		[GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
	};

	return type < sizeof(bytes) ? bytes[type] : 0;
}

/* A count from the file that `limit` and the bytes that are left allow. */
static enum err take_count(struct reader *in, size_t limit, size_t least_bytes,
			   size_t *out)
{
	uint64_t count;

	TRY(bytes_take_u64_le(&in->rest, &count));
	if (count > limit)
		return ERR_TOO_LARGE;
	if (count > in->rest.len / least_bytes)
		return ERR_TRUNCATED;
	*out = (size_t)count;
	return ERR_OK;
}

/* Text is not looked into here: most of it is tokens, which may be any bytes.
 */
static enum err take_string(struct reader *in, struct bytes *out)
{
	size_t len;

	TRY(take_count(in, in->limits->string_bytes, 1, &len));
	return bytes_take(&in->rest, len, out);
}

/* A key or a name: never empty, and free of zeros so that it can be a C
 * string's equal. */
static enum err take_name(struct reader *in, struct bytes *out)
{
	TRY(take_string(in, out));
	if (out->len == 0 || memchr(out->data, 0, out->len) != NULL)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* Strings are walked once now, so that walking them later cannot fail. */
static enum err take_elements(struct reader *in, struct gguf_array *out)
{
	const struct bytes before = in->rest;
	struct bytes ignored;

	if (out->type == GGUF_STRING) {
		for (size_t i = 0; i < out->count; i++)
			TRY(take_string(in, &ignored));
		out->elements = (struct bytes){ before.data,
						before.len - in->rest.len };
		return ERR_OK;
	}
	/* No overflow: the count is at most the bytes of a file, over size. */
	return bytes_take(&in->rest, out->count * scalar_bytes(out->type),
			  &out->elements);
}

static enum err take_array(struct reader *in, struct gguf_array *out)
{
	uint32_t type;
	size_t least;

	TRY(bytes_take_u32_le(&in->rest, &type));
	least = type == GGUF_STRING ? 8 : scalar_bytes(type);
	if (least == 0)
		return ERR_MALFORMED; /* arrays of arrays are nobody's need */
	out->type = (enum gguf_type)type;
	TRY(take_count(in, in->limits->array_count, least, &out->count));
	return take_elements(in, out);
}

/* The value's own bytes, or an array's shape: meaning comes with the getters.
 */
static enum err take_value(struct reader *in, struct gguf_value *out)
{
	uint32_t type;

	TRY(take_name(in, &out->key));
	TRY(bytes_take_u32_le(&in->rest, &type));
	out->type = (enum gguf_type)type;
	if (type == GGUF_STRING)
		return take_string(in, &out->raw);
	if (type == GGUF_ARRAY)
		return take_array(in, &out->array);
	if (scalar_bytes(type) == 0)
		return ERR_MALFORMED;
	return bytes_take(&in->rest, scalar_bytes(type), &out->raw);
}

/* The shape of a tensor, and how many bytes its data takes. */
static enum err take_shape(struct reader *in, struct gguf_tensor *out,
			   size_t *bytes)
{
	uint32_t count, format;

	TRY(bytes_take_u32_le(&in->rest, &count));
	if (count == 0 || count > GGUF_DIMENSIONS_MAX)
		return ERR_MALFORMED;
	out->dimension_count = count;
	for (size_t i = 0; i < GGUF_DIMENSIONS_MAX; i++) {
		out->dimensions[i] = 1;
		if (i < count)
			TRY(bytes_take_u64_le(&in->rest, &out->dimensions[i]));
		if (out->dimensions[i] == 0)
			return ERR_MALFORMED;
	}
	TRY(bytes_take_u32_le(&in->rest, &format));
	if (!matrix_format_known(format))
		return ERR_UNSUPPORTED;

	out->format = (enum matrix_format)format;
	/* Each matrix of a stack begins at a row, or panel, of its own. */
	TRY(matrix_bytes(out->format, out->dimensions[1], out->dimensions[0],
			 bytes));
	for (size_t i = 2; i < count; i++)
		if (__builtin_mul_overflow(*bytes, out->dimensions[i], bytes))
			return ERR_MALFORMED;
	return ERR_OK;
}

/* Where the data of a tensor is said to lie. */
struct placed {
	uint64_t offset;
	size_t bytes;
	size_t tensor;
};

static enum err take_tensor(struct reader *in, struct gguf_tensor *out,
			    struct placed *place)
{
	TRY(take_name(in, &out->name));
	TRY(take_shape(in, out, &place->bytes));
	return bytes_take_u64_le(&in->rest, &place->offset);
}

static int compare_names(struct bytes a, struct bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* Both kinds of entries begin with their name. */
_Static_assert(offsetof(struct gguf_value, key) == 0, "sorted by it");
_Static_assert(offsetof(struct gguf_tensor, name) == 0, "sorted by it");

static int compare_entries(const void *a, const void *b)
{
	const struct bytes *left = a;
	const struct bytes *right = b;

	return compare_names(*left, *right);
}

static int compare_places(const void *a, const void *b)
{
	const struct placed *left = a;
	const struct placed *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* By name; a name that comes twice would mean one thing here and another to
 * the next reader. */
static enum err sort_entries(void *entries, size_t count, size_t size)
{
	const uint8_t *entry = entries;

	sort_by(entries, count, size, compare_entries);
	for (size_t i = 1; i < count; i++) {
		if (compare_entries(entry, entry + size) == 0)
			return ERR_MALFORMED;
		entry += size;
	}
	return ERR_OK;
}

static enum err read_alignment(const struct gguf *gguf, uint32_t *out)
{
	*out = DEFAULT_ALIGNMENT;
	if (gguf_find(gguf, "general.alignment") != NULL)
		TRY(gguf_u32(gguf, "general.alignment", out));
	/* A power of two; 8 is the least that the format allows. */
	if (*out < 8 || *out > LARGEST_ALIGNMENT || (*out & (*out - 1)) != 0)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* Where the data of tensors starts; the padding before it is not looked at. */
static enum err find_data(const struct gguf *gguf, struct bytes file,
			  struct bytes *out)
{
	size_t index_bytes = gguf->index_bytes;
	uint32_t alignment;
	struct bytes skipped;
	size_t padding;

	TRY(read_alignment(gguf, &alignment));
	padding = (alignment - index_bytes % alignment) % alignment;
	*out = (struct bytes){ file.data + index_bytes,
			       file.len - index_bytes };
	if (gguf->tensor_count == 0)
		return ERR_OK; /* a vocabulary alone need not be padded */
	return bytes_take(out, padding, &skipped);
}

/* Every tensor's data: aligned, inside the file, and its own. */
static enum err place_tensors(struct gguf *gguf, struct placed *places,
			      struct bytes data)
{
	uint32_t alignment;
	uint64_t end = 0;

	TRY(read_alignment(gguf, &alignment));
	sort_by(places, gguf->tensor_count, sizeof(*places), compare_places);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct placed *place = &places[i];

		if (place->offset % alignment != 0 || place->offset < end)
			return ERR_MALFORMED;
		if (place->offset > data.len ||
		    place->bytes > data.len - place->offset)
			return ERR_TRUNCATED;
		end = place->offset + place->bytes;
		gguf->tensors[place->tensor].data =
			(struct bytes){ data.data + place->offset,
					place->bytes };
	}
	return ERR_OK;
}

static enum err read_entries(struct reader *in, struct gguf *gguf,
			     struct placed *places)
{
	for (size_t i = 0; i < gguf->value_count; i++)
		TRY(take_value(in, &gguf->values[i]));
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		places[i].tensor = i;
		TRY(take_tensor(in, &gguf->tensors[i], &places[i]));
	}
	return sort_entries(gguf->values, gguf->value_count,
			    sizeof(*gguf->values));
}

static enum err read_header(struct reader *in, struct gguf *gguf)
{
	struct bytes magic;
	uint32_t version;

	TRY(bytes_take(&in->rest, 4, &magic));
	if (!bytes_equal(magic, BYTES_LITERAL("GGUF")))
		return ERR_MALFORMED;
	TRY(bytes_take_u32_le(&in->rest, &version));
	if (version != VERSION)
		return ERR_UNSUPPORTED; /* or of the other byte order */
	TRY(take_count(in, in->limits->tensors, LEAST_TENSOR_BYTES,
		       &gguf->tensor_count));
	return take_count(in, in->limits->values, LEAST_VALUE_BYTES,
			  &gguf->value_count);
}

/* One entry more than needed, so that even an empty table is memory. */
static void *table(size_t count, size_t size)
{
	return calloc(count + 1, size);
}

static enum err read_index(struct reader *in, struct bytes file,
			   struct gguf *gguf, struct placed *places)
{
	struct bytes data;

	/* In this order: the alignment is a value, and places refer to tensors
	 * by their number in the file, until those are sorted. */
	TRY(read_entries(in, gguf, places));
	gguf->index_bytes = file.len - in->rest.len;
	TRY(find_data(gguf, file, &data));
	TRY(place_tensors(gguf, places, data));
	return sort_entries(gguf->tensors, gguf->tensor_count,
			    sizeof(*gguf->tensors));
}

enum err gguf_open(struct bytes file, const struct gguf_limits *limits,
		   struct gguf *out)
{
	struct reader in = { .rest = file, .limits = limits };
	struct gguf gguf = { 0 };
	struct placed *places;
	enum err err;

	invariant((uintptr_t)file.data % GGUF_FILE_ALIGNMENT == 0);
	TRY(read_header(&in, &gguf));
	gguf.values = table(gguf.value_count, sizeof(*gguf.values));
	gguf.tensors = table(gguf.tensor_count, sizeof(*gguf.tensors));
	places = table(gguf.tensor_count, sizeof(*places));
	if (gguf.values == NULL || gguf.tensors == NULL || places == NULL)
		err = ERR_UNAVAILABLE;
	else
		err = read_index(&in, file, &gguf, places);
	free(places);
	if (err != ERR_OK) {
		gguf_close(&gguf);
		return err;
	}
	*out = gguf;
	return ERR_OK;
}

void gguf_close(struct gguf *gguf)
{
	free(gguf->values);
	free(gguf->tensors);
	*gguf = (struct gguf){ 0 };
}

static const void *find(const void *entries, size_t count, size_t size,
			const char *name)
{
	struct bytes key = bytes_of_string(name);

	return bsearch(&key, entries, count, size, compare_entries);
}

const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key)
{
	return find(gguf->values, gguf->value_count, sizeof(*gguf->values),
		    key);
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf,
					   const char *name)
{
	return find(gguf->tensors, gguf->tensor_count, sizeof(*gguf->tensors),
		    name);
}

/* Of a scalar of any width; signed ones are not extended. */
static uint64_t little_endian(struct bytes raw)
{
	uint64_t value = 0;

	for (size_t i = raw.len; i > 0; i--)
		value = value << 8 | raw.data[i - 1];
	return value;
}

static bool is_signed(enum gguf_type type)
{
	return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 ||
	       type == GGUF_I64;
}

enum err gguf_u32(const struct gguf *gguf, const char *key, uint32_t *out)
{
	const struct gguf_value *found = gguf_find(gguf, key);
	uint64_t value;

	if (found == NULL || found->type == GGUF_F32 ||
	    found->type == GGUF_F64 || scalar_bytes(found->type) == 0)
		return ERR_MALFORMED;
	value = little_endian(found->raw);
	if (is_signed(found->type) && (value >> (found->raw.len * 8 - 1)) != 0)
		return ERR_MALFORMED; /* negative */
	if (value > UINT32_MAX || (found->type == GGUF_BOOL && value > 1))
		return ERR_MALFORMED;
	*out = (uint32_t)value;
	return ERR_OK;
}

enum err gguf_f32(const struct gguf *gguf, const char *key, float *out)
{
	const struct gguf_value *found = gguf_find(gguf, key);
	float value;

	if (found == NULL || found->type != GGUF_F32)
		return ERR_MALFORMED;
	memcpy(&value, found->raw.data, sizeof(value));
	if (!isfinite(value))
		return ERR_MALFORMED;
	*out = value;
	return ERR_OK;
}

enum err gguf_string(const struct gguf *gguf, const char *key,
		     struct bytes *out)
{
	const struct gguf_value *found = gguf_find(gguf, key);

	if (found == NULL || found->type != GGUF_STRING)
		return ERR_MALFORMED;
	*out = found->raw;
	return ERR_OK;
}

enum err gguf_array(const struct gguf *gguf, const char *key,
		    enum gguf_type type, struct gguf_array *out)
{
	const struct gguf_value *found = gguf_find(gguf, key);

	if (found == NULL || found->type != GGUF_ARRAY ||
	    found->array.type != type)
		return ERR_MALFORMED;
	*out = found->array;
	return ERR_OK;
}

enum err gguf_take_string(struct bytes *elements, struct bytes *out)
{
	struct bytes rest = *elements;
	uint64_t len;

	TRY(bytes_take_u64_le(&rest, &len));
	if (len > rest.len)
		return ERR_TRUNCATED;
	TRY(bytes_take(&rest, (size_t)len, out));
	*elements = rest;
	return ERR_OK;
}
