/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/reserve.h"

#include <criterion/criterion.h>

Test(reserve, what_is_reserved_is_what_an_arena_uses_up)
{
	static uint8_t memory[1024] __attribute__((aligned(ARENA_ALIGNMENT)));
	static const size_t sizes[][2] = { { 0, 8 },  { 1, 1 },	  { 1, 64 },
					   { 1, 65 }, { 7, 100 }, { 16, 64 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct arena arena = { memory, sizeof(memory), 0 };

		cr_assert_not_null(
			arena_alloc(&arena, sizes[i][0], sizes[i][1]));
		cr_assert_eq(reserve_bytes(sizes[i][0], sizes[i][1]),
			     arena.used);
	}
}

Test(reserve, what_no_size_can_say_is_more_than_any_arena_has)
{
	const size_t most = SIZE_MAX - (ARENA_ALIGNMENT - 1);

	cr_assert_eq(reserve_bytes(1, most), most);
	cr_assert_eq(reserve_bytes(1, most + 1), SIZE_MAX);
	cr_assert_eq(reserve_bytes(1, SIZE_MAX), SIZE_MAX);
	cr_assert_eq(reserve_bytes(SIZE_MAX, 1), SIZE_MAX);
	cr_assert_eq(reserve_bytes(SIZE_MAX / 2 + 1, 2), SIZE_MAX);
	cr_assert_eq(reserve_bytes((size_t)1 << 33, (size_t)1 << 33), SIZE_MAX);
}
