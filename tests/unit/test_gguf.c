/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/gguf.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/unit/gguf_builder.h"
#include "tests/unit/model_files.h"

static const struct gguf_limits limits = {
	.values = 64, .tensors = 64, .array_count = 1024, .string_bytes = 1024
};

static const float numbers[32] = { 1.0f, -2.0f, 0.5f };

static struct bytes number_bytes(size_t count)
{
	return (struct bytes){ (const uint8_t *)numbers,
			       count * sizeof(float) };
}

static const struct gguf_builder_tensor matrix = { "matrix", 2, { 4, 2 }, 0 };
static const struct gguf_builder_tensor vector = { "vector", 1, { 3 }, 0 };

/* A file with a value of each shape and two tensors. */
static struct gguf_builder honest(void)
{
	static const char *const words[] = { "local", "", "global" };
	static const int32_t integers[] = { 1, -2, 3 };
	struct gguf_builder builder = gguf_builder_start();

	gguf_builder_string(&builder, "name", "a model");
	gguf_builder_u32(&builder, "count", 7);
	gguf_builder_f32(&builder, "epsilon", 0.5f);
	gguf_builder_bool(&builder, "flag", 1);
	gguf_builder_strings(&builder, "words", words, 3);
	gguf_builder_i32s(&builder, "integers", integers, 3);
	gguf_builder_tensor(&builder, &matrix, number_bytes(8));
	gguf_builder_tensor(&builder, &vector, number_bytes(3));
	return builder;
}

/* Opens, closes and frees; what gguf_open() said. */
static enum err try_file(struct bytes file)
{
	struct gguf gguf;
	enum err err = gguf_open(file, &limits, &gguf);

	if (err == ERR_OK)
		gguf_close(&gguf);
	model_files_free(file);
	return err;
}

static enum err try_builder(struct gguf_builder *builder)
{
	return try_file(gguf_builder_finish(builder));
}

Test(gguf, what_was_written_is_read)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);
	struct bytes text;
	struct gguf gguf;
	uint32_t count;
	float epsilon;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	cr_assert_eq(gguf_string(&gguf, "name", &text), ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("a model")));
	cr_assert_eq(gguf_u32(&gguf, "count", &count), ERR_OK);
	cr_assert_eq(count, 7);
	cr_assert_eq(gguf_u32(&gguf, "flag", &count), ERR_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(gguf_f32(&gguf, "epsilon", &epsilon), ERR_OK);
	cr_assert_eq(epsilon, 0.5f);
	cr_assert_null(gguf_find(&gguf, "absent"));
	gguf_close(&gguf);
	model_files_free(file);
}

Test(gguf, arrays_of_strings_are_walked)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);
	struct gguf_array words;
	struct bytes word;
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	cr_assert_eq(gguf_array(&gguf, "words", GGUF_STRING, &words), ERR_OK);
	cr_assert_eq(words.count, 3);
	cr_assert_eq(gguf_take_string(&words.elements, &word), ERR_OK);
	cr_assert(bytes_equal(word, BYTES_LITERAL("local")));
	cr_assert_eq(gguf_take_string(&words.elements, &word), ERR_OK);
	cr_assert_eq(word.len, 0);
	cr_assert_eq(gguf_take_string(&words.elements, &word), ERR_OK);
	cr_assert(bytes_equal(word, BYTES_LITERAL("global")));
	cr_assert_eq(gguf_take_string(&words.elements, &word), ERR_TRUNCATED);
	gguf_close(&gguf);
	model_files_free(file);
}

Test(gguf, tensors_have_their_data)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);
	const struct gguf_tensor *tensor;
	struct gguf gguf;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	tensor = gguf_find_tensor(&gguf, "matrix");
	cr_assert_not_null(tensor);
	cr_assert_eq(tensor->dimension_count, 2);
	cr_assert_eq(tensor->dimensions[0], 4);
	cr_assert_eq(tensor->dimensions[1], 2);
	cr_assert_eq(tensor->dimensions[2], 1);
	cr_assert(bytes_equal(tensor->data, number_bytes(8)));
	tensor = gguf_find_tensor(&gguf, "vector");
	cr_assert(bytes_equal(tensor->data, number_bytes(3)));
	cr_assert_null(gguf_find_tensor(&gguf, "name"));
	gguf_close(&gguf);
	model_files_free(file);
}

Test(gguf, a_value_of_another_type_is_not_taken_for_it)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);
	struct gguf_array array;
	struct bytes text = { 0 };
	struct gguf gguf;
	uint32_t count = 99;
	float number = 99;

	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	cr_assert_eq(gguf_u32(&gguf, "name", &count), ERR_MALFORMED);
	cr_assert_eq(gguf_u32(&gguf, "epsilon", &count), ERR_MALFORMED);
	cr_assert_eq(gguf_u32(&gguf, "words", &count), ERR_MALFORMED);
	cr_assert_eq(gguf_u32(&gguf, "absent", &count), ERR_MALFORMED);
	cr_assert_eq(gguf_f32(&gguf, "count", &number), ERR_MALFORMED);
	cr_assert_eq(gguf_string(&gguf, "count", &text), ERR_MALFORMED);
	cr_assert_eq(gguf_array(&gguf, "count", GGUF_I32, &array),
		     ERR_MALFORMED);
	cr_assert_eq(gguf_array(&gguf, "words", GGUF_F32, &array),
		     ERR_MALFORMED);
	cr_assert_eq(count, 99, "an error leaves the output alone");
	gguf_close(&gguf);
	model_files_free(file);
}

/* A value's raw bytes, read as a u32. */
static enum err as_u32(uint32_t type, struct bytes raw, uint32_t *out)
{
	struct gguf_builder builder = gguf_builder_start();
	struct bytes file;
	struct gguf gguf;
	enum err err;

	gguf_builder_value(&builder, "key", type, raw);
	file = gguf_builder_finish(&builder);
	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	err = gguf_u32(&gguf, "key", out);
	gguf_close(&gguf);
	model_files_free(file);
	return err;
}

Test(gguf, integers_fit_or_are_refused)
{
	static const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff };
	static const uint8_t three[8] = { 3 };
	uint32_t value;

	cr_assert_eq(as_u32(GGUF_U8, (struct bytes){ ones, 1 }, &value),
		     ERR_OK);
	cr_assert_eq(value, 255);
	cr_assert_eq(as_u32(GGUF_U64, (struct bytes){ three, 8 }, &value),
		     ERR_OK);
	cr_assert_eq(value, 3);
	cr_assert_eq(as_u32(GGUF_I32, (struct bytes){ three, 4 }, &value),
		     ERR_OK);
	cr_assert_eq(as_u32(GGUF_U64, (struct bytes){ ones, 8 }, &value),
		     ERR_MALFORMED);
	cr_assert_eq(as_u32(GGUF_I8, (struct bytes){ ones, 1 }, &value),
		     ERR_MALFORMED);
	cr_assert_eq(as_u32(GGUF_I64, (struct bytes){ ones, 8 }, &value),
		     ERR_MALFORMED);
	cr_assert_eq(as_u32(GGUF_BOOL, (struct bytes){ three, 1 }, &value),
		     ERR_MALFORMED);
}

Test(gguf, a_number_that_is_none_is_refused)
{
	struct gguf_builder builder = gguf_builder_start();
	struct bytes file;
	struct gguf gguf;
	float value;

	gguf_builder_f32(&builder, "nan", NAN);
	gguf_builder_f32(&builder, "infinite", INFINITY);
	file = gguf_builder_finish(&builder);
	cr_assert_eq(gguf_open(file, &limits, &gguf), ERR_OK);
	cr_assert_eq(gguf_f32(&gguf, "nan", &value), ERR_MALFORMED);
	cr_assert_eq(gguf_f32(&gguf, "infinite", &value), ERR_MALFORMED);
	gguf_close(&gguf);
	model_files_free(file);
}

Test(gguf, a_file_cut_at_any_length_is_refused)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);

	for (size_t len = 0; len < file.len; len++) {
		struct bytes cut = { file.data, len };
		uint8_t *copy = model_files_copy(cut, 0);

		cr_assert_neq(try_file((struct bytes){ copy, len }), ERR_OK,
			      "%zu of %zu bytes", len, file.len);
	}
	model_files_free(file);
}

Test(gguf, a_flipped_bit_does_no_harm)
{
	struct gguf_builder builder = honest();
	struct bytes file = gguf_builder_finish(&builder);

	/* Many flips leave a valid file; the sanitizers watch the others. */
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		uint8_t *copy = model_files_copy(file, 0);

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)try_file((struct bytes){ copy, file.len });
	}
	model_files_free(file);
}

Test(gguf, other_versions_are_unsupported)
{
	struct gguf_builder builder = honest();

	builder.version = 2;
	cr_assert_eq(try_builder(&builder), ERR_UNSUPPORTED);
	builder = honest();
	builder.version = 0x03000000; /* of a big-endian machine */
	cr_assert_eq(try_builder(&builder), ERR_UNSUPPORTED);
}

Test(gguf, counts_beyond_the_file_or_the_limits_are_refused)
{
	static const uint64_t counts[] = { 65, UINT32_MAX, UINT64_MAX,
					   1ull << 63 };
	struct gguf_builder builder;

	for (size_t i = 0; i < 4; i++) {
		builder = honest();
		builder.tensor_count = counts[i];
		cr_assert_eq(try_builder(&builder), ERR_TOO_LARGE);
		builder = honest();
		builder.value_count = counts[i];
		cr_assert_eq(try_builder(&builder), ERR_TOO_LARGE);
	}
	builder = honest();
	builder.tensor_count = 64;
	cr_assert_eq(try_builder(&builder), ERR_TRUNCATED);
	builder = honest();
	builder.tensor_count = 3;
	cr_assert_neq(try_builder(&builder), ERR_OK);
}

Test(gguf, a_key_or_tensor_twice_is_refused)
{
	struct gguf_builder builder = honest();

	gguf_builder_u32(&builder, "count", 8);
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
	builder = honest();
	gguf_builder_tensor(&builder, &vector, number_bytes(3));
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
}

Test(gguf, an_empty_key_is_refused)
{
	struct gguf_builder builder = honest();

	gguf_builder_u32(&builder, "", 8);
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
}

Test(gguf, types_that_are_none_are_refused)
{
	static const uint8_t zeros[64] = { 0 };
	static const uint8_t nested[] = { GGUF_ARRAY, 0, 0, 0, 0, 0,
					  0,	      0, 0, 0, 0, 0 };
	struct gguf_builder builder = honest();

	gguf_builder_value(&builder, "key", 13, BYTES_ARRAY(zeros));
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
	builder = honest();
	gguf_builder_value(&builder, "key", UINT32_MAX, BYTES_ARRAY(zeros));
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
	builder = honest();
	gguf_builder_value(&builder, "key", GGUF_ARRAY, BYTES_ARRAY(nested));
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED, "arrays of arrays");
}

Test(gguf, lengths_that_wrap_are_refused)
{
	static const uint8_t string[] = { 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff };
	static const uint8_t array[] = { GGUF_F64, 0, 0, 0, 0xff, 0x03,
					 0,	   0, 0, 0, 0,	  0 };
	struct gguf_builder builder = honest();

	gguf_builder_value(&builder, "key", GGUF_STRING, BYTES_ARRAY(string));
	cr_assert_eq(try_builder(&builder), ERR_TOO_LARGE);
	builder = honest();
	builder.tensor_count = 0;
	gguf_builder_value(&builder, "key", GGUF_ARRAY, BYTES_ARRAY(array));
	cr_assert_eq(try_builder(&builder), ERR_TRUNCATED,
		     "1023 doubles are not in the file");
}

static enum err try_tensor(const struct gguf_builder_tensor *tensor,
			   uint64_t offset)
{
	struct gguf_builder builder = gguf_builder_start();

	gguf_builder_tensor_at(&builder, tensor, offset);
	gguf_builder_u32(&builder, "key", 1);
	cr_assert_eq(bytes_put(&builder.data, number_bytes(32)), ERR_OK);
	return try_builder(&builder);
}

Test(gguf, shapes_are_proven)
{
	static const struct {
		struct gguf_builder_tensor tensor;
		enum err err;
	} cases[] = {
		{ { "t", 1, { 32 }, 0 }, ERR_OK },
		{ { "t", 4, { 2, 2, 2, 2 }, 0 }, ERR_OK },
		{ { "t", 0, { 0 }, 0 }, ERR_MALFORMED },
		{ { "t", 5, { 1, 1, 1, 1, 1 }, 0 }, ERR_MALFORMED },
		{ { "t", 1, { 0 }, 0 }, ERR_MALFORMED },
		{ { "t", 2, { 4, 0 }, 0 }, ERR_MALFORMED },
		{ { "t", 1, { 33 }, 0 }, ERR_TRUNCATED },
		{ { "t", 2, { 1ull << 42 | 1, 4 }, 0 }, ERR_TRUNCATED },
		{ { "t", 2, { 1ull << 62, 4 }, 0 }, ERR_TOO_LARGE },
		{ { "t", 2, { 1ull << 32, 1ull << 32 }, 0 }, ERR_TOO_LARGE },
		{ { "t", 3, { 1ull << 31, 1ull << 31, 4 }, 0 }, ERR_TOO_LARGE },
		{ { "t", 2, { UINT64_MAX, UINT64_MAX }, 0 }, ERR_TOO_LARGE },
		{ { "t", 1, { 32 }, 1 }, ERR_OK },
		{ { "t", 1, { 32 }, 8 }, ERR_OK },
		{ { "t", 1, { 16 }, 8 }, ERR_MALFORMED },
		{ { "t", 1, { 32 }, 2 }, ERR_OK },
		{ { "t", 1, { 32 }, 14 }, ERR_MALFORMED },
		{ { "t", 1, { 32 }, 3 }, ERR_UNSUPPORTED },
		{ { "t", 1, { 32 }, UINT32_MAX }, ERR_UNSUPPORTED },
		{ { "", 1, { 32 }, 0 }, ERR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(try_tensor(&cases[i].tensor, 0), cases[i].err,
			     "case %zu", i);
}

Test(gguf, places_are_proven)
{
	static const struct gguf_builder_tensor all = { "t", 1, { 32 }, 0 };
	static const struct gguf_builder_tensor few = { "t", 1, { 8 }, 0 };

	cr_assert_eq(try_tensor(&all, 0), ERR_OK);
	cr_assert_eq(try_tensor(&few, 96), ERR_OK);
	cr_assert_eq(try_tensor(&few, 128), ERR_TRUNCATED);
	cr_assert_eq(try_tensor(&all, 32), ERR_TRUNCATED);
	cr_assert_eq(try_tensor(&few, 4), ERR_MALFORMED, "not aligned");
	cr_assert_eq(try_tensor(&few, 1ull << 63), ERR_TRUNCATED);
	cr_assert_eq(try_tensor(&few, UINT64_MAX - 31), ERR_TRUNCATED);
}

Test(gguf, tensors_that_share_data_are_refused)
{
	static const struct gguf_builder_tensor first = { "a", 1, { 32 }, 0 };
	static const struct gguf_builder_tensor second = { "b", 1, { 8 }, 0 };
	struct gguf_builder builder = gguf_builder_start();

	gguf_builder_tensor(&builder, &first, number_bytes(32));
	gguf_builder_tensor_at(&builder, &second, 96);
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
	builder = gguf_builder_start();
	gguf_builder_tensor(&builder, &first, number_bytes(32));
	gguf_builder_tensor_at(&builder, &second, 0);
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED);
}

Test(gguf, alignments_are_powers_of_two)
{
	static const uint32_t bad[] = { 0, 1, 3, 4, 24, 1u << 21, UINT32_MAX };
	struct gguf_builder builder;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		builder = honest();
		gguf_builder_u32(&builder, "general.alignment", bad[i]);
		cr_assert_eq(try_builder(&builder), ERR_MALFORMED, "%u",
			     bad[i]);
	}
	builder = honest();
	builder.alignment = 4096;
	gguf_builder_u32(&builder, "general.alignment", 4096);
	cr_assert_eq(try_builder(&builder), ERR_MALFORMED,
		     "data placed before the alignment changed");
	builder = gguf_builder_start();
	builder.alignment = 4096;
	gguf_builder_u32(&builder, "general.alignment", 4096);
	gguf_builder_tensor(&builder, &matrix, number_bytes(8));
	gguf_builder_tensor(&builder, &vector, number_bytes(3));
	cr_assert_eq(try_builder(&builder), ERR_OK);
}

Test(gguf, an_index_without_tensors_is_a_file)
{
	struct gguf_builder builder = gguf_builder_start();

	gguf_builder_u32(&builder, "count", 1);
	cr_assert_eq(try_builder(&builder), ERR_OK);
}
