/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_memory.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/secret.h"

#define MEMORY_BYTES 65536

static _Alignas(JSON_MEMORY_ALIGNMENT) uint8_t memory[MEMORY_BYTES];

static void give(void)
{
	json_memory_give(memory, sizeof(memory));
}

TestSuite(json_memory, .init = give);

Test(json_memory, blocks_of_any_size_are_aligned_and_apart)
{
	uint8_t *blocks[300];

	for (size_t size = 0; size < 300; size++) {
		blocks[size] = json_memory_alloc(size);
		cr_assert_not_null(blocks[size]);
		cr_assert_eq((uintptr_t)blocks[size] % JSON_MEMORY_ALIGNMENT,
			     0);
		memset(blocks[size], (int)(size & 0xff), size);
	}
	for (size_t size = 0; size < 300; size++)
		for (size_t i = 0; i < size; i++)
			cr_assert_eq(blocks[size][i], size & 0xff);
}

Test(json_memory, what_is_freed_is_given_out_again)
{
	void *first = json_memory_alloc(1000);
	size_t used = json_memory_used();

	for (size_t i = 0; i < 100000; i++) {
		json_memory_free(first);
		cr_assert_eq(json_memory_alloc(1000), first);
	}
	cr_assert_eq(json_memory_used(), used);
	json_memory_free(NULL);
}

#define SLOTS 16

static bool is_filled(const uint8_t *block, size_t size, uint8_t with)
{
	for (size_t i = 0; i < size; i++)
		if (block[i] != with)
			return false;
	return true;
}

/* A block given out for more than it holds would run into its neighbour. */
Test(json_memory, blocks_given_out_again_are_large_enough)
{
	struct {
		uint8_t *data;
		size_t size;
	} slots[SLOTS] = { { NULL, 0 } };
	uint32_t state = 1;

	for (size_t round = 0; round < 20000; round++) {
		size_t i = round % SLOTS;

		state = state * 1664525 + 1013904223;
		cr_assert(is_filled(slots[i].data, slots[i].size,
				    (uint8_t)(i + 1)));
		json_memory_free(slots[i].data);
		slots[i].size = (state >> 16) % (1u << (state >> 28) % 11);
		slots[i].data = json_memory_alloc(slots[i].size);
		cr_assert_not_null(slots[i].data);
		memset(slots[i].data, (int)(i + 1), slots[i].size);
	}
}

Test(json_memory, memory_is_used_to_its_last_byte)
{
	json_memory_give(memory, 2 * (16 + 32));
	cr_assert_not_null(json_memory_alloc(32));
	cr_assert_null(json_memory_alloc(33));
	cr_assert_not_null(json_memory_alloc(32));
	cr_assert_eq(json_memory_used(), 2 * (16 + 32));
	cr_assert_null(json_memory_alloc(0));
}

Test(json_memory, a_full_memory_says_so_until_it_is_wiped)
{
	while (json_memory_alloc(100) != NULL)
		cr_assert_not(json_memory_was_full());
	cr_assert(json_memory_was_full());
	cr_assert_leq(json_memory_used(), MEMORY_BYTES);
	json_memory_wipe();
	cr_assert_not(json_memory_was_full());
	cr_assert_not_null(json_memory_alloc(100));
}

Test(json_memory, no_size_overflows)
{
	cr_assert_null(json_memory_alloc(MEMORY_BYTES));
	cr_assert_null(json_memory_alloc(SIZE_MAX));
	cr_assert_null(json_memory_alloc(SIZE_MAX - 15));
	cr_assert_eq(json_memory_used(), 0);
	cr_assert(json_memory_was_full());
	cr_assert_not_null(json_memory_alloc(MEMORY_BYTES / 2));
}

Test(json_memory, a_wipe_forgets_freed_blocks_too)
{
	void *block = json_memory_alloc(64);

	memset(block, 0xff, 64);
	json_memory_free(block);
	json_memory_wipe();
	cr_assert(secret_is_zero(memory, sizeof(memory)));
	cr_assert_not_null(json_memory_alloc(64));
}
