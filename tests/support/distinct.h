/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distinct: values of one kind, of which no two may be the same.
 *
 * All are kept and sorted, so that each is held against every other.
 */
#ifndef TESTS_SUPPORT_DISTINCT_H
#define TESTS_SUPPORT_DISTINCT_H

#include "base/bytes.h"

#define DISTINCT_BYTES 32 /* the most of a value; shorter ones are filled up */

struct distinct {
	uint8_t (*list)[DISTINCT_BYTES];
	size_t count, max;
};

/* One value more. */
void distinct_keep(struct distinct *distinct, struct bytes value);

/*
 * The figure of a claim: none came a second time.  Its control is the first of
 * them, put in again and found.  All is forgotten afterwards.
 */
void distinct_end(struct distinct *distinct, const char *claim,
		  const char *what);

#endif
