/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_fields.h"

#include <criterion/criterion.h>

static _Alignas(JSON_ALIGNMENT) uint8_t memory[65536];

static struct json_fields fields_of(const char *text)
{
	struct json_fields fields = { .object = NULL };

	json_warm(memory, sizeof(memory), 1);
	cr_assert_eq(json_parse(bytes_of_string(text), 4, &fields.object),
		     ERR_OK);
	return fields;
}

Test(json_fields, members_are_taken_by_type)
{
	struct json_fields fields = fields_of(
		"{\"s\":\"x\",\"b\":true,\"i\":3,\"n\":0.5,\"a\":[1]}");
	struct json_fields_integers small = { 0, 3 };
	struct json_fields_numbers unit = { 0, 1 };
	const struct json *array = NULL;
	struct bytes text = { NULL, 0 };
	bool truth = false;
	int64_t integer = 0;
	double number = 0;

	cr_assert_eq(
		json_fields_string(&fields, "s", JSON_FIELDS_REQUIRED, &text),
		ERR_OK);
	cr_assert_eq(
		json_fields_boolean(&fields, "b", JSON_FIELDS_REQUIRED, &truth),
		ERR_OK);
	cr_assert_eq(json_fields_integer(&fields, "i", small, &integer),
		     ERR_OK);
	cr_assert_eq(json_fields_number(&fields, "n", unit, &number), ERR_OK);
	cr_assert_eq(json_fields_value(&fields, "a", JSON_FIELDS_REQUIRED,
				       JSON_KIND_ARRAY, &array),
		     ERR_OK);
	cr_assert(bytes_equal(text, BYTES_LITERAL("x")));
	cr_assert(truth && integer == 3 && json_count(array) == 1);
	cr_assert_float_eq(number, 0.5, 0);
	cr_assert_null(fields.wrong);
}

Test(json_fields, absent_and_null_leave_the_default)
{
	struct json_fields fields = fields_of("{\"i\":null}");
	struct json_fields_integers any = { INT64_MIN, INT64_MAX };
	struct bytes text = { NULL, 7 };
	int64_t integer = 7;

	cr_assert_eq(json_fields_integer(&fields, "i", any, &integer), ERR_OK);
	cr_assert_eq(
		json_fields_string(&fields, "s", JSON_FIELDS_OPTIONAL, &text),
		ERR_OK);
	cr_assert(integer == 7 && text.len == 7);
}

Test(json_fields, the_first_wrong_member_is_named)
{
	struct json_fields fields = fields_of("{\"i\":4,\"b\":1,\"s\":null}");
	struct json_fields_integers small = { 0, 3 };
	struct bytes text;
	int64_t integer;
	bool truth;

	cr_assert_eq(
		json_fields_string(&fields, "s", JSON_FIELDS_REQUIRED, &text),
		ERR_MALFORMED);
	cr_assert_str_eq(fields.wrong, "s");
	cr_assert_eq(fields.fault, JSON_FIELDS_MISSING);
	cr_assert_eq(json_fields_integer(&fields, "i", small, &integer),
		     ERR_MALFORMED);
	cr_assert_str_eq(fields.wrong, "s");

	fields.wrong = NULL;
	cr_assert_eq(json_fields_integer(&fields, "i", small, &integer),
		     ERR_MALFORMED);
	cr_assert_eq(fields.fault, JSON_FIELDS_OUT_OF_RANGE);
	fields.wrong = NULL;
	cr_assert_eq(
		json_fields_boolean(&fields, "b", JSON_FIELDS_OPTIONAL, &truth),
		ERR_MALFORMED);
	cr_assert_eq(fields.fault, JSON_FIELDS_WRONG_KIND);
	cr_assert_str_eq(fields.wrong, "b");
}

Test(json_fields, what_is_no_object_has_no_members)
{
	struct json_fields fields = fields_of("[\"s\"]");
	struct bytes text;

	cr_assert_eq(
		json_fields_string(&fields, "s", JSON_FIELDS_REQUIRED, &text),
		ERR_MALFORMED);
	cr_assert_eq(fields.fault, JSON_FIELDS_MISSING);
}
