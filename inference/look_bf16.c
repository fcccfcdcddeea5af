/* SPDX-License-Identifier: Apache-2.0 */
/* The order of prompts that are bf16. */
#include "inference/look.h"

#include <string.h>

static void enter(const struct look *look, size_t query)
{
	const struct work *work = look->work;
	size_t width = look->cache->width;
	size_t stride = work_query_stride(work->model->config);
	uint16_t *narrow = look->bench->queries_bf16 + query * stride;

	work->model->kernel->narrow_bf16(look->bench->queries + query * width,
					 width, narrow);
	memset(narrow + width, 0, (stride - width) * sizeof(*narrow));
}

static void score(const struct look *look, const void *keys, size_t groups,
		  size_t at)
{
	const struct work *work = look->work;
	const struct cache *cache = look->cache;
	const struct kernel_score_bf16 job = {
		.queries = look->bench->queries_bf16,
		.query_stride = work_query_stride(work->model->config),
		.count = look->count,
		.width = cache->width,
		.store = cache->store,
		.keys = keys,
		.groups = groups,
		.scores = look->bench->scores + at,
		.score_stride = work->span,
	};

	work->model->kernel->score_bf16(&job);
}

/* Weights as bf16, in the place of the floats that they were; what a query
 * does not see weighs nothing. */
static void weigh(const struct look *look, size_t query)
{
	const struct work *work = look->work;
	struct look_range range = look->ranges[query];
	float *weights = look->bench->scores + query * work->span;
	uint16_t *narrow = (uint16_t *)weights;
	size_t first = range.first - look->span.first;
	size_t end = range.end - look->span.first;
	size_t all = look->span.end - look->span.first;

	work->model->kernel->narrow_bf16(weights + first, end - first,
					 narrow + first);
	memset(narrow, 0, first * sizeof(*narrow));
	memset(narrow + end, 0, (all - end) * sizeof(*narrow));
}

/* All that is seen, for all queries at once. */
static void blend(const struct look *look)
{
	const struct work *work = look->work;
	const struct cache *cache = look->cache;
	struct kernel_blend_bf16 job = { .weight_stride = 2 * work->span,
					 .count = look->count,
					 .store = cache->store,
					 .width = cache->width,
					 .out = look->bench->mixed,
					 .out_stride = cache->width };
	size_t at = look->span.first;

	while (at < look->span.end) {
		job.weights = (const uint16_t *)look->bench->scores +
			      (at - look->span.first);
		job.values =
			cache_values(cache, look->kv_head, at % cache->slots);
		job.positions = look_contiguous(cache, at, look->span.end);
		work->model->kernel->blend_bf16(&job);
		at += job.positions;
	}
}

const struct look_order look_bf16 = {
	.group = KERNEL_POSITIONS_BF16,
	.queries = WORK_QUERIES_BF16,
	.enter = enter,
	.score = score,
	.weigh = weigh,
	.blend = blend,
};
