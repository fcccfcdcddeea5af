/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort: what a stranger's file says, in the time that its size allows.
 *
 * libc's sort is quadratic in orders that are made for it, wherever it believes
 * that there is no memory for its better one.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>

/*
 * Put items[count], of `size` bytes each, in the order of compare(), which tells
 * as qsort(3)'s does.  In place, with at most 2 * count * log2(count) + 3 * count
 * comparisons in every order.  Which of two equal items comes first is nobody's
 * to rely on.
 */
void sort_by(void *items, size_t count, size_t size,
	     int (*compare)(const void *a, const void *b));

#endif
