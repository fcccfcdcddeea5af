/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heapsort: the largest of what is left goes behind it, again and again.
 */
#include "base/sort.h"

#include <stdint.h>
#include <string.h>

struct heap {
	uint8_t *items;
	size_t size; /* bytes of an item */
	int (*compare)(const void *a, const void *b);
};

static uint8_t *item(const struct heap *heap, size_t i)
{
	return heap->items + i * heap->size;
}

static void swap(const struct heap *heap, size_t i, size_t j)
{
	uint8_t *a = item(heap, i), *b = item(heap, j);
	uint8_t aside[64];

	for (size_t left = heap->size; left > 0;) {
		size_t len = left < sizeof(aside) ? left : sizeof(aside);

		memcpy(aside, a, len);
		memcpy(a, b, len);
		memcpy(b, aside, len);
		a += len;
		b += len;
		left -= len;
	}
}

/* Below `root` all is a heap: let the root's item sink to where it belongs. */
static void sink(const struct heap *heap, size_t root, size_t count)
{
	size_t child;

	while ((child = 2 * root + 1) < count) {
		if (child + 1 < count &&
		    heap->compare(item(heap, child), item(heap, child + 1)) < 0)
			child++;
		if (heap->compare(item(heap, root), item(heap, child)) >= 0)
			return;
		swap(heap, root, child);
		root = child;
	}
}

void sort_by(void *items, size_t count, size_t size,
	     int (*compare)(const void *a, const void *b))
{
	const struct heap heap = { items, size, compare };

	for (size_t root = count / 2; root > 0; root--)
		sink(&heap, root - 1, count);
	for (size_t left = count; left > 1; left--) {
		swap(&heap, 0, left - 1);
		sink(&heap, 0, left - 1);
	}
}
