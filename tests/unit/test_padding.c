/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/padding.h"

#include <criterion/criterion.h>

static size_t class_of(size_t len)
{
	size_t size = 0;

	cr_assert_eq(padding_size_class(len, &size), ERR_OK);
	return size;
}

Test(padding, small_requests_all_look_alike)
{
	for (size_t len = 0; len <= PADDING_SIZE_MIN; len++)
		cr_assert_eq(class_of(len), PADDING_SIZE_MIN);
}

/* By hand: 10-bit exponents keep 4 further bits, 16-bit ones 5. */
Test(padding, steps_are_those_of_padme)
{
	cr_assert_eq(class_of(1025), 1024 + 64);
	cr_assert_eq(class_of(1088), 1088);
	cr_assert_eq(class_of(1089), 1152);
	cr_assert_eq(class_of(2049), 2048 + 128);
	cr_assert_eq(class_of(65537), 65536 + 2048);
	cr_assert_eq(class_of(1u << 20), 1u << 20);
	cr_assert_eq(class_of((1u << 20) + 1), (1u << 20) + (1u << 15));
}

Test(padding, every_class_holds_its_lengths_and_costs_little)
{
	size_t last = 0;
	size_t classes = 0;

	for (size_t len = 1; len <= PADDING_SIZE_MAX; len++) {
		size_t size = class_of(len);

		cr_assert_geq(size, len);
		cr_assert_geq(size, last);
		cr_assert(len <= PADDING_SIZE_MIN || size - len <= len / 16);
		cr_assert_eq(class_of(size), size, "a class is its own");
		classes += size != last;
		last = size;
	}
	cr_assert_eq(last, PADDING_SIZE_MAX);
	cr_assert_eq(classes, 1 + 6 * 16 + 6 * 32);
}

Test(padding, a_length_beyond_the_last_class_is_refused)
{
	size_t size = 7;

	cr_assert_eq(padding_size_class(PADDING_SIZE_MAX + 1, &size),
		     ERR_TOO_LARGE);
	cr_assert_eq(padding_size_class(SIZE_MAX, &size), ERR_TOO_LARGE);
	cr_assert_eq(size, 7);
}
