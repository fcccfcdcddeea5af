/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: a few queries look back at the keys and values of one head.
 *
 *     scores  = queries * keys                       of a span of positions
 *     weights = softmax(scores), where a query sees
 *     answers = weights * values
 *
 * The span is what any of the queries sees, out to whole groups of positions.
 * There are two orders in which this is computed (kernel.h): with floats, and
 * for prompts with bf16.  Shapes as in work.h.
 */
#ifndef INFERENCE_LOOK_H
#define INFERENCE_LOOK_H

#include "inference/work.h"

/* Positions [first, end). */
struct look_range {
	size_t first;
	size_t end;
};

struct look {
	const struct work *work;
	struct work_bench *bench;
	const struct cache *cache;
	size_t kv_head;
	size_t count;				     /* of queries */
	size_t rows[WORK_QUERIES_BF16];		     /* whose they are */
	size_t heads[WORK_QUERIES_BF16];	     /* which of its heads */
	struct look_range ranges[WORK_QUERIES_BF16]; /* what they see */
	struct look_range span;
};

/* work->mixed of the queries from work->query. */
void look_back(struct look *look);

/* How many queries may be in a look, for rows of this form. */
size_t look_queries(enum activation_form form);

/* The steps of an order, for the files that have one. */
struct look_order {
	size_t group;	/* positions: scores and values are cut at these */
	size_t queries; /* at most */

	/* bench->queries has a query. */
	void (*enter)(const struct look *look, size_t query);

	/* All queries against groups of keys that lie side by side, to scores
	 * from number `at` of bench->scores on. */
	void (*score)(const struct look *look, const void *keys, size_t groups,
		      size_t at);

	/* bench->scores has the weights of a query. */
	void (*weigh)(const struct look *look, size_t query);

	/* bench->mixed, which is zero, from weights and values. */
	void (*blend)(const struct look *look);
};

extern const struct look_order look_bf16;

/* Slots from a position on that follow each other in memory. */
size_t look_contiguous(const struct cache *cache, size_t position, size_t end);

#endif
