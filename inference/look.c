/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/look.h"

#include <math.h>
#include <string.h>

size_t look_contiguous(const struct cache *cache, size_t position, size_t end)
{
	size_t until_wrap = cache->slots - position % cache->slots;

	return end - position < until_wrap ? end - position : until_wrap;
}

/* Floats are used as they are, and where they are. */
static void leave(const struct look *look, size_t query)
{
	(void)look;
	(void)query;
}

/* Scores of all queries against some groups of keys, one after the other. */
static void score(const struct look *look, const void *keys, size_t groups,
		  size_t at)
{
	const struct work *work = look->work;
	const struct cache *cache = look->cache;
	const struct kernel_score job = {
		.queries = look->bench->queries,
		.query_stride = cache->width,
		.count = look->count,
		.width = cache->width,
		.store = cache->store,
		.keys = keys,
		.groups = groups,
		.scores = look->bench->scores + at,
		.score_stride = work->span,
	};

	work->model->kernel->score(&job);
}

/* Add the values of a range, in the order of positions, to what queries
 * [first, first + count) have. */
static void blend_range(const struct look *look, size_t first, size_t count,
			struct look_range range)
{
	const struct work *work = look->work;
	const struct cache *cache = look->cache;
	struct kernel_blend job = { .weight_stride = work->span,
				    .count = count,
				    .store = cache->store,
				    .width = cache->width,
				    .out = look->bench->mixed +
					   first * cache->width,
				    .out_stride = cache->width };

	while (range.first < range.end) {
		size_t positions =
			look_contiguous(cache, range.first, range.end);

		job.weights = look->bench->scores + first * work->span +
			      (range.first - look->span.first);
		job.values = cache_values(cache, look->kv_head,
					  range.first % cache->slots);
		job.positions = positions;
		work->model->kernel->blend(&job);
		range.first += positions;
	}
}

/* What all see is added for all at once, what only some see for each; every
 * query still adds in the order of positions. */
static void blend(const struct look *look)
{
	struct look_range common = look->ranges[0];

	for (size_t q = 1; q < look->count; q++) {
		const struct look_range *range = &look->ranges[q];

		if (range->first > common.first)
			common.first = range->first;
		if (range->end < common.end)
			common.end = range->end;
	}
	if (common.first >= common.end) {
		for (size_t q = 0; q < look->count; q++)
			blend_range(look, q, 1, look->ranges[q]);
		return;
	}
	for (size_t q = 0; q < look->count; q++) {
		blend_range(look, q, 1,
			    (struct look_range){ look->ranges[q].first,
						 common.first });
	}
	blend_range(look, 0, look->count, common);
	for (size_t q = 0; q < look->count; q++) {
		blend_range(
			look, q, 1,
			(struct look_range){ common.end, look->ranges[q].end });
	}
}

static const struct look_order floats = {
	.group = KERNEL_POSITIONS,
	.queries = WORK_QUERIES,
	.enter = leave,
	.score = score,
	.weigh = leave,
	.blend = blend,
};

static const struct look_order *order_of(enum activation_form form)
{
	return form == ACTIVATION_BF16 ? &look_bf16 : &floats;
}

size_t look_queries(enum activation_form form)
{
	return order_of(form)->queries;
}

/* Where keys or values are bytes: numbers by position times their scales. */
static void scale(const struct look *look, const float *scales,
		  struct look_range range, float *numbers)
{
	const struct cache *cache = look->cache;

	for (size_t p = range.first; p < range.end; p++)
		numbers[p - look->span.first] *=
			scales[look->kv_head * cache->slots + p % cache->slots];
}

/* One query's scores become weights of what it sees. */
static void soften(const struct look *look, size_t query)
{
	const struct work *work = look->work;
	const struct cache *cache = look->cache;
	struct look_range range = look->ranges[query];
	float *scores = look->bench->scores + query * work->span;

	if (cache->store == KERNEL_I8)
		scale(look, cache->key_scales, range, scores);
	work->model->kernel->softmax(scores, range.first - look->span.first,
				     range.end - look->span.first);
	if (cache->store == KERNEL_I8)
		scale(look, cache->value_scales, range, scores);
}

/* Where a query of a look comes from, and its answer goes. */
static size_t place_of(const struct look *look, size_t query)
{
	const struct config *config = look->work->model->config;

	return look->rows[query] * config_query_width(config) +
	       look->heads[query] * config->head_width;
}

/* By 1 / sqrt(d). */
static void take_query(const struct look *look, size_t q)
{
	const float *query = look->work->query + place_of(look, q);
	size_t width = look->cache->width;
	float *out = look->bench->queries + q * width;
	float gain = 1.0f / sqrtf((float)width);

	for (size_t i = 0; i < width; i++)
		out[i] = query[i] * gain;
}

/* Scores of all queries against every group of keys that any of them sees. */
static void score_span(const struct look *look, const struct look_order *order)
{
	const struct cache *cache = look->cache;
	size_t at = look->span.first;

	while (at < look->span.end) {
		size_t count = look_contiguous(cache, at, look->span.end);

		order->score(
			look,
			cache_keys(cache, look->kv_head, at % cache->slots),
			count / KERNEL_POSITIONS, at - look->span.first);
		at += count;
	}
}

static struct look_range span_of(const struct look *look, size_t group)
{
	struct look_range span = look->ranges[0];

	for (size_t q = 1; q < look->count; q++) {
		const struct look_range *range = &look->ranges[q];

		if (range->first < span.first)
			span.first = range->first;
		if (range->end > span.end)
			span.end = range->end;
	}
	span.first -= span.first % group;
	span.end = (span.end + group - 1) / group * group;
	return span;
}

void look_back(struct look *look)
{
	const struct look_order *order = order_of(look->work->form);
	size_t width = look->cache->width;

	look->span = span_of(look, order->group);
	for (size_t q = 0; q < look->count; q++) {
		take_query(look, q);
		order->enter(look, q);
	}
	score_span(look, order);
	for (size_t q = 0; q < look->count; q++) {
		soften(look, q);
		order->weigh(look, q);
	}
	memset(look->bench->mixed, 0, look->count * width * sizeof(float));
	order->blend(look);
	for (size_t q = 0; q < look->count; q++)
		memcpy(look->work->mixed + place_of(look, q),
		       look->bench->mixed + q * width, width * sizeof(float));
}
