/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MANY 50000

/* An item of an odd size, longer than a cache line. */
struct thing {
	uint32_t key;
	uint8_t rest[83];
};

static size_t comparisons;

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	comparisons++;
	return (*left > *right) - (*left < *right);
}

/* Comparisons that the header promises to be the most. */
static size_t most(size_t count)
{
	return (size_t)(2 * (double)count * log2((double)count)) + 3 * count;
}

/* Sorted within the promise; the numbers' sum is that of before. */
static void expect_sorted(uint32_t *numbers, size_t count, const char *order)
{
	uint64_t before = 0, after = 0;

	for (size_t i = 0; i < count; i++)
		before += numbers[i];
	comparisons = 0;
	sort_by(numbers, count, sizeof(*numbers), compare_numbers);
	cr_expect_leq(comparisons, most(count), "%s", order);
	for (size_t i = 0; i < count; i++) {
		after += numbers[i];
		cr_assert(i == 0 || numbers[i - 1] <= numbers[i], "%s", order);
	}
	cr_expect_eq(before, after, "%s", order);
}

Test(sort, everything_in_between_none_and_many_is_sorted)
{
	static uint32_t numbers[300];

	for (size_t count = 0; count <= 300; count++) {
		for (size_t i = 0; i < count; i++)
			numbers[i] = (uint32_t)(i * 7919 + count) % 101;
		sort_by(numbers, count, sizeof(*numbers), compare_numbers);
		for (size_t i = 1; i < count; i++)
			cr_assert_leq(numbers[i - 1], numbers[i]);
	}
	sort_by(NULL, 0, sizeof(*numbers), compare_numbers);
}

static int compare_things(const void *a, const void *b)
{
	const struct thing *left = a, *right = b;

	return (left->key > right->key) - (left->key < right->key);
}

Test(sort, an_item_moves_as_a_whole)
{
	static struct thing things[1000];

	for (uint32_t i = 0; i < 1000; i++) {
		things[i].key = i * 617 % 1000;
		memset(things[i].rest, (int)(things[i].key % 251),
		       sizeof(things[i].rest));
	}
	sort_by(things, 1000, sizeof(*things), compare_things);
	for (uint32_t i = 0; i < 1000; i++) {
		cr_assert_eq(things[i].key, i);
		for (size_t at = 0; at < sizeof(things[i].rest); at++)
			cr_assert_eq(things[i].rest[at], i % 251);
	}
}

Test(sort, no_order_of_many_takes_more_than_its_share)
{
	static uint32_t numbers[MANY];

	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = i;
	expect_sorted(numbers, MANY, "sorted already");
	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = MANY - i;
	expect_sorted(numbers, MANY, "the other way round");
	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = 7;
	expect_sorted(numbers, MANY, "all alike");
	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = i < MANY / 2 ? i : MANY - i;
	expect_sorted(numbers, MANY, "up and down");
	for (uint32_t i = 0; i < MANY; i++)
		numbers[i] = (uint32_t)((uint64_t)i * 2654435761u);
	expect_sorted(numbers, MANY, "any");
}

/*
 * M. D. McIlroy's adversary: decides what a number is when it has to tell, in
 * the way that helps least, and so writes down the order that kills a quicksort.
 */
static struct {
	uint32_t values[MANY]; /* GAS while undecided */
	uint32_t decided;
	uint32_t candidate;
} adversary;

#define GAS MANY

static void freeze(uint32_t place)
{
	adversary.values[place] = adversary.decided++;
}

static int compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const uint32_t *values = adversary.values;

	comparisons++;
	if (values[x] == GAS && values[y] == GAS)
		freeze(x == adversary.candidate ? x : y);
	if (values[x] == GAS)
		adversary.candidate = x;
	else if (values[y] == GAS)
		adversary.candidate = y;
	return (values[x] > values[y]) - (values[x] < values[y]);
}

Test(sort, an_order_made_against_it_takes_no_more_either)
{
	static uint32_t places[MANY];

	for (uint32_t i = 0; i < MANY; i++) {
		places[i] = i;
		adversary.values[i] = GAS;
	}
	comparisons = 0;
	sort_by(places, MANY, sizeof(*places), compare_places);
	cr_expect_leq(comparisons, most(MANY), "while it is made");
	expect_sorted(adversary.values, MANY, "once it is made");
}

/* A plain quicksort, so that it is known that the adversary does its work. */
static void sort_quickly(uint32_t *low, uint32_t *high)
{
	while (low < high) {
		uint32_t pivot = low[(high - low) / 2];
		uint32_t *i = low, *j = high;

		while (i <= j) {
			while (compare_places(i, &pivot) < 0)
				i++;
			while (compare_places(&pivot, j) < 0)
				j--;
			if (i <= j) {
				uint32_t aside = *i;

				*i++ = *j;
				*j-- = aside;
			}
		}
		sort_quickly(low, j);
		low = i;
	}
}

Test(sort, the_adversary_makes_a_quicksort_quadratic)
{
	static uint32_t places[MANY];
	const uint32_t few = 2000;

	for (uint32_t i = 0; i < few; i++) {
		places[i] = i;
		adversary.values[i] = GAS;
	}
	comparisons = 0;
	sort_quickly(places, places + few - 1);
	cr_expect_gt(comparisons, 10 * most(few));
}
