/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/distinct.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/figure.h"

void distinct_keep(struct distinct *distinct, struct bytes value)
{
	if (distinct->count == distinct->max) {
		distinct->max = 2 * distinct->max + 1024;
		distinct->list = reallocarray(distinct->list, distinct->max,
					      DISTINCT_BYTES);
		cr_assert_not_null(distinct->list);
	}
	cr_assert_leq(value.len, DISTINCT_BYTES);
	memset(distinct->list[distinct->count], 0, DISTINCT_BYTES);
	memcpy(distinct->list[distinct->count++], value.data, value.len);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, DISTINCT_BYTES);
}

static uint64_t repeated(const struct distinct *distinct)
{
	uint64_t found = 0;

	qsort(distinct->list, distinct->count, DISTINCT_BYTES, compare);
	for (size_t i = 1; i < distinct->count; i++)
		found += compare(distinct->list[i - 1], distinct->list[i]) == 0;
	return found;
}

void distinct_end(struct distinct *distinct, const char *claim,
		  const char *what)
{
	uint64_t count = distinct->count;
	uint64_t found = repeated(distinct);

	distinct_keep(distinct,
		      (struct bytes){ distinct->list[0], DISTINCT_BYTES });
	figure_none(claim, what, found, count, repeated(distinct) - found);
	free(distinct->list);
	*distinct = (struct distinct){ 0 };
}
