/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/golden_file.h"

#include <criterion/criterion.h>
#include <string.h>

#define INTEGERS_MAX 4096

/* The next record, or its end. */
static void take_record(struct bytes *rest, struct bytes *name,
			struct bytes *values)
{
	uint32_t len, count;

	cr_assert_eq(bytes_take_u32_le(rest, &len), ERR_OK);
	cr_assert_eq(bytes_take(rest, len, name), ERR_OK);
	cr_assert_eq(bytes_take_u32_le(rest, &count), ERR_OK);
	cr_assert_eq(bytes_take(rest, (size_t)count * 4, values), ERR_OK);
}

size_t golden_file_read(struct bytes file, const char *name, float *out,
			size_t max)
{
	struct bytes label, values;

	while (file.len > 0) {
		take_record(&file, &label, &values);
		if (!bytes_equal(label, bytes_of_string(name)))
			continue;
		cr_assert_leq(values.len / 4, max, "%s is too long", name);
		memcpy(out, values.data, values.len);
		return values.len / 4;
	}
	cr_assert(false, "there is no record %s", name);
	return 0;
}

size_t golden_file_integers(struct bytes file, const char *name, uint32_t *out,
			    size_t max)
{
	static float values[INTEGERS_MAX];
	size_t count;

	cr_assert_leq(max, INTEGERS_MAX);
	count = golden_file_read(file, name, values, max);
	for (size_t i = 0; i < count; i++)
		out[i] = (uint32_t)values[i];
	return count;
}
