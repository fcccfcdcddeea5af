/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: byte-pair encoding of one piece of text.
 *
 * The text starts as one symbol a character (or a byte).  Of all neighbours
 * that merge, those of the lowest rank do, the leftmost first, until none is
 * left.  A linked list and a heap make that O(n log n) for any text.
 */
#ifndef INFERENCE_MERGE_H
#define INFERENCE_MERGE_H

#include "base/arena.h"
#include "base/bytes.h"

/* Symbols form a list through `previous` and `next`; len is 0 once merged. */
struct merge_symbol {
	uint32_t start; /* in the text */
	uint32_t len;
	uint32_t token; /* or VOCABULARY_NONE: text that is no token */
	uint32_t previous;
	uint32_t next;
};

#define MERGE_END UINT32_MAX /* of the list, on either side */

/* A pair that may merge; stale once `len` is not that of the two. */
struct merge_candidate {
	uint32_t rank;
	uint32_t left;
	uint32_t len;
	uint32_t token; /* what they become */
};

/* Whether two neighbours merge: fills rank and token of *out. */
struct merge_rules {
	bool (*find)(const void *context, struct bytes text,
		     const struct merge_symbol *left,
		     const struct merge_symbol *right,
		     struct merge_candidate *out);
	const void *context;
};

/* Room for texts of up to `max` symbols. */
struct merge {
	struct merge_symbol *symbols;
	size_t count;
	size_t max;
	struct merge_candidate *heap; /* [2 * max] */
	size_t heap_count;
};

/* Bytes of arena that merge_init() takes. */
size_t merge_memory(size_t max);

/* ERR_TOO_LARGE when the arena has less than merge_memory(max). */
MUST_CHECK enum err merge_init(struct merge *merge, struct arena *arena,
			       size_t max);

/* Append the next symbol of a text; merge->count is 0 before the first. */
void merge_add(struct merge *merge, uint32_t len, uint32_t token);

/* Merge all that merges.  Walk the result from symbols[0] along `next`. */
void merge_run(struct merge *merge, struct bytes text,
	       const struct merge_rules *rules);

#endif
