/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/protobuf.h"

#define DATA_BYTES 64

/* A file of that header and DATA_BYTES of data, in memory of its own, so that
 * reading beyond it is noticed. */
static struct bytes file_of(const char *header)
{
	uint64_t len = strlen(header);
	uint8_t *file = calloc(1, 8 + (size_t)len + DATA_BYTES);

	cr_assert_not_null(file);
	memcpy(file, &len, sizeof(len));
	memcpy(file + 8, header, (size_t)len);
	for (size_t i = 0; i < DATA_BYTES; i++)
		file[8 + (size_t)len + i] = (uint8_t)i;
	return (struct bytes){ file, 8 + (size_t)len + DATA_BYTES };
}

static void free_file(struct bytes file)
{
	free((void *)(uintptr_t)file.data);
}

static enum err try_file(struct bytes file)
{
	struct safetensors made;
	enum err err = safetensors_open(file, &made);

	if (err == ERR_OK)
		safetensors_close(&made);
	return err;
}

static enum err try_header(const char *header)
{
	struct bytes file = file_of(header);
	enum err err = try_file(file);

	free_file(file);
	return err;
}

#define HONEST                                        \
	"{\"__metadata__\":{\"format\":\"pt\"},"      \
	"\"b\":{\"dtype\":\"BF16\",\"shape\":[2,4],"  \
	"\"data_offsets\":[16,32]},"                  \
	"\"a\":{\"dtype\":\"F32\",\"shape\":[4],"     \
	"\"data_offsets\":[0,16]},"                   \
	"\"empty\":{\"dtype\":\"F16\",\"shape\":[0]," \
	"\"data_offsets\":[32,32]},"                  \
	"\"one\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[62,64]}}"

Test(safetensors, tensors_have_their_shapes_and_data)
{
	struct bytes file = file_of(HONEST);
	const struct safetensors_tensor *tensor;
	struct safetensors made;

	cr_assert_eq(safetensors_open(file, &made), ERR_OK);
	cr_assert_eq(made.count, 4);
	tensor = safetensors_find(&made, "b");
	cr_assert_not_null(tensor);
	cr_assert_eq(tensor->format, MATRIX_BF16);
	cr_assert_eq(tensor->dimension_count, 2);
	cr_assert_eq(tensor->dimensions[0], 2);
	cr_assert_eq(tensor->dimensions[1], 4);
	cr_assert_eq(tensor->data.len, 16);
	cr_assert_eq(tensor->data.data[0], 16);
	cr_assert_null(safetensors_find(&made, "c"));
	cr_assert_null(safetensors_find(&made, "__metadata__"));
	safetensors_close(&made);
	free_file(file);
}

Test(safetensors, a_file_cut_anywhere_is_refused)
{
	struct bytes file = file_of(HONEST);

	for (size_t len = 0; len < file.len; len++) {
		uint8_t *cut = malloc(len + 1);
		enum err err;

		cr_assert_not_null(cut);
		memcpy(cut, file.data, len);
		err = try_file((struct bytes){ cut, len });
		cr_assert_eq(err, ERR_TRUNCATED, "%zu: %s", len, err_name(err));
		free(cut);
	}
	free_file(file);
}

Test(safetensors, headers_that_lie_are_refused)
{
#define TENSOR(type, shape, place)                    \
	"{\"t\":{\"dtype\":" type ",\"shape\":" shape \
	",\"data_offsets\":" place "}}"
	static const struct {
		const char *header;
		enum err err;
	} cases[] = {
		{ TENSOR("\"F32\"", "[4,4]", "[0,64]"), ERR_OK },
		{ TENSOR("\"F32\"", "[4,4]", "[0,63]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4,4]", "[1,65]"), ERR_TRUNCATED },
		{ TENSOR("\"F32\"", "[4,4]", "[64,0]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4,4]", "[-64,0]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4,4]", "[0,64,0]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4,4]", "[0]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4,4]", "64"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[-4,-4]", "[0,64]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4.0,4]", "[0,64]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "\"16\"", "[0,64]"), ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[1,1,1,1,16]", "[0,64]"),
		  ERR_UNSUPPORTED },
		{ TENSOR("\"F32\"", "[4294967296,4294967296]", "[0,64]"),
		  ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[4611686018427387908]", "[0,16]"),
		  ERR_MALFORMED },
		{ TENSOR("\"F32\"", "[99999999999999999999]", "[0,16]"),
		  ERR_MALFORMED },
		{ TENSOR("\"I64\"", "[8]", "[0,64]"), ERR_UNSUPPORTED },
		{ TENSOR("7", "[16]", "[0,64]"), ERR_MALFORMED },
		{ "{\"t\":7}", ERR_MALFORMED },
		{ "{\"t\":{}}", ERR_MALFORMED },
		{ "[]", ERR_MALFORMED },
		{ "", ERR_MALFORMED },
		{ "{}", ERR_OK },
		{ "{} x", ERR_MALFORMED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(try_header(cases[i].header), cases[i].err, "%s",
			     cases[i].header);
}

#define PLACED(name, from, to)                                               \
	"\"" name                                                            \
	"\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[" from "," to \
	"]}"

Test(safetensors, no_two_tensors_share_data_or_a_name)
{
	cr_assert_eq(try_header("{" PLACED("a", "0", "16") "," PLACED(
			     "b", "16", "32") "}"),
		     ERR_OK);
	cr_assert_eq(try_header("{" PLACED("a", "0", "16") "," PLACED(
			     "b", "15", "31") "}"),
		     ERR_MALFORMED);
	cr_assert_eq(try_header("{" PLACED("a", "0", "16") "," PLACED(
			     "b", "0", "16") "}"),
		     ERR_MALFORMED);
	cr_assert_eq(try_header("{" PLACED("a", "0", "16") "," PLACED(
			     "a", "16", "32") "}"),
		     ERR_MALFORMED);
}

Test(safetensors, a_header_beyond_the_limit_is_refused_unread)
{
	static const uint64_t lengths[] = { SAFETENSORS_HEADER_MAX + 1ull,
					    UINT64_MAX, UINT64_MAX - 7 };

	for (size_t i = 0; i < 3; i++) {
		struct bytes file = { (const uint8_t *)&lengths[i], 8 };

		cr_assert_eq(try_file(file), ERR_TOO_LARGE);
	}
}

Test(protobuf, fields_are_taken_one_after_the_other)
{
	static const uint8_t message[] = { 0x08, 0x96, 0x01, 0x12, 0x02, 'h',
					   'i',	 0x1d, 0,    0,	   0x80, 0x3f };
	struct bytes rest = BYTES_ARRAY(message);
	struct protobuf_field field;

	cr_assert_eq(protobuf_take(&rest, &field), ERR_OK);
	cr_assert_eq(field.number, 1);
	cr_assert_eq(field.value, 150);
	cr_assert_eq(protobuf_take(&rest, &field), ERR_OK);
	cr_assert(bytes_equal(field.bytes, BYTES_LITERAL("hi")));
	cr_assert_eq(protobuf_take(&rest, &field), ERR_OK);
	cr_assert_eq(field.number, 3);
	cr_assert_eq(field.bytes.len, 4);
	cr_assert_eq(rest.len, 0);
}

Test(protobuf, messages_that_end_early_or_never_are_refused)
{
	static const uint8_t endless[] = { 0x08, 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	static const uint8_t group[] = { 0x0b };
	static const uint8_t huge[] = { 0x0a, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0x7f };
	struct bytes rest = BYTES_ARRAY(endless);
	struct protobuf_field field;

	cr_assert_eq(protobuf_take(&rest, &field), ERR_MALFORMED);
	cr_assert_eq(rest.len, sizeof(endless), "nothing is consumed");
	rest = (struct bytes)BYTES_ARRAY(group);
	cr_assert_eq(protobuf_take(&rest, &field), ERR_MALFORMED);
	rest = (struct bytes)BYTES_ARRAY(huge);
	cr_assert_eq(protobuf_take(&rest, &field), ERR_TRUNCATED);
}
