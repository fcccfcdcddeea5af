/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All rows are projected together, because reading weights is what costs; then
 * every row's keys and values are put into the caches of its session, and only
 * then does any row look back.  A row never sees a later one: its range of
 * positions ends with its own.
 */
#include "inference/attention.h"

#include <math.h>
#include <string.h>

#include "inference/rope.h"

/* Queries, keys or values of one row, on their way into attention. */
struct heads {
	float *values; /* [count][d] */
	size_t count;
	const float *bias; /* [count][d], or NULL */
	const float *norm; /* as in weights.h */
};

static void add_bias(const struct heads *heads, size_t width)
{
	if (heads->bias == NULL)
		return;
	for (size_t i = 0; i < heads->count * width; i++)
		heads->values[i] += heads->bias[i];
}

/* Head by head, or all heads as one. */
static void normalise(const struct work_model *model, const struct heads *heads)
{
	const struct config *config = model->config;
	size_t all = heads->count * config->head_width;
	size_t width = config->head_norm == CONFIG_ROWS_NORMALISED_FIRST
			       ? all
			       : config->head_width;
	const struct kernel_norm norm = { heads->norm, width,
					  config->rms_epsilon };

	for (size_t at = 0; at < all; at += width)
		kernel_rms_norm(model->kernel, &norm, heads->values + at,
				heads->values + at);
}

/* Bias, norm and rotation of queries or keys.  The weight of a norm differs
 * along the head, so its place before or after the rotation matters. */
static void prepare(const struct work_model *model, uint32_t layer,
		    const struct heads *heads, const float *rotation)
{
	const struct config *config = model->config;
	enum config_head_norm norm = config->head_norm;

	add_bias(heads, config->head_width);
	if (norm == CONFIG_HEADS_NORMALISED_FIRST ||
	    norm == CONFIG_ROWS_NORMALISED_FIRST)
		normalise(model, heads);
	for (size_t i = 0; config_rotates(config, layer) && i < heads->count;
	     i++)
		rope_turn(config, rotation,
			  heads->values + i * config->head_width);
	if (norm == CONFIG_HEADS_NORMALISED)
		normalise(model, heads);
}

/* One layer's attention, for the steps that follow. */
struct attention {
	struct work *work;
	const struct layer_place *place;
	const struct weights_layer *weights;
	_Atomic bool is_broken; /* a key or value is no number */
};

/* A row's queries are made ready, its keys and values kept. */
static void enter_row(void *context, size_t row)
{
	struct attention *attention = context;
	struct work *work = attention->work;
	const struct weights_layer *weights = attention->weights;
	const struct config *config = work->model->config;
	const struct batch *batch = attention->place->batch;
	uint32_t layer = attention->place->layer;
	const float *rotation = batch->rotations + row * config->head_width;
	const struct heads query = { work->query +
					     row * config_query_width(config),
				     config->heads, weights->query_bias,
				     weights->query_norm };
	const struct heads key = { work->key + row * config_kv_width(config),
				   config->kv_heads, weights->key_bias,
				   weights->key_norm };
	const struct heads value = { work->value +
					     row * config_kv_width(config),
				     config->kv_heads, weights->value_bias,
				     NULL };

	prepare(work->model, layer, &query, rotation);
	if (!config_has_keys(config, layer))
		return;
	prepare(work->model, layer, &key, rotation);
	add_bias(&value, config->head_width);
	if (cache_put(session_cache(batch->rows[row].session, layer,
				    attention->place->track),
		      work->model->kernel, batch->rows[row].position,
		      key.values, value.values) != ERR_OK)
		attention->is_broken = true;
}

/* Positions [first, end). */
struct range {
	size_t first;
	size_t end;
};

/* What a row may see. */
static struct range range_of(const struct attention *attention, size_t row)
{
	const struct config *config = attention->work->model->config;
	size_t position = attention->place->batch->rows[row].position;
	struct range range = { 0, position + 1 };

	if (config_reach_of(config, attention->place->layer) == CONFIG_LOCAL &&
	    position > config->window)
		range.first = position - config->window;
	return range;
}

/* A few queries of one key-value head, and what they look at. */
struct look {
	const struct attention *attention;
	struct work_bench *bench;
	const struct cache *cache;
	size_t kv_head;
	size_t count;				/* of queries */
	size_t rows[WORK_QUERIES_BF16];		/* whose they are */
	size_t heads[WORK_QUERIES_BF16];	/* which of its heads */
	struct range ranges[WORK_QUERIES_BF16]; /* what they see */
	/* Positions of scores: what any of them sees, out to whole groups. */
	struct range span;
};

static bool is_bf16(const struct look *look)
{
	return look->attention->work->form == ACTIVATION_BF16;
}

/* Slots from a position on that follow each other in memory. */
static size_t contiguous(const struct cache *cache, size_t position, size_t end)
{
	size_t until_wrap = cache->slots - position % cache->slots;

	return end - position < until_wrap ? end - position : until_wrap;
}

/* Scores of all queries against some groups of keys, one after the other. */
static void score_keys(const struct look *look, const void *keys, size_t groups,
		       float *scores)
{
	const struct work *work = look->attention->work;
	const struct cache *cache = look->cache;
	const struct kernel_score job = {
		.queries = look->bench->queries,
		.query_stride = cache->width,
		.count = look->count,
		.width = cache->width,
		.store = cache->store,
		.keys = keys,
		.groups = groups,
		.scores = scores,
		.score_stride = work->span,
	};

	work->model->kernel->score(&job);
}

static void score_keys_bf16(const struct look *look, const void *keys,
			    size_t groups, float *scores)
{
	const struct work *work = look->attention->work;
	const struct cache *cache = look->cache;
	const struct kernel_score_bf16 job = {
		.queries = look->bench->queries_bf16,
		.query_stride = work_query_stride(work->model->config),
		.count = look->count,
		.width = cache->width,
		.store = cache->store,
		.keys = keys,
		.groups = groups,
		.scores = scores,
		.score_stride = work->span,
	};

	work->model->kernel->score_bf16(&job);
}

/* Scores of all queries against every group of keys that any of them sees. */
static void score(const struct look *look)
{
	const struct cache *cache = look->cache;
	size_t at = look->span.first;

	while (at < look->span.end) {
		size_t count = contiguous(cache, at, look->span.end);
		const void *keys =
			cache_keys(cache, look->kv_head, at % cache->slots);
		float *scores = look->bench->scores + (at - look->span.first);

		if (is_bf16(look))
			score_keys_bf16(look, keys, count / KERNEL_POSITIONS,
					scores);
		else
			score_keys(look, keys, count / KERNEL_POSITIONS,
				   scores);
		at += count;
	}
}

/* Where keys or values are bytes: numbers by position times their scales. */
static void scale(const struct look *look, const float *scales,
		  struct range range, float *numbers)
{
	const struct cache *cache = look->cache;

	for (size_t p = range.first; p < range.end; p++)
		numbers[p - look->span.first] *=
			scales[look->kv_head * cache->slots + p % cache->slots];
}

/* One query's scores become weights of what it sees. */
static void weigh(const struct look *look, size_t query)
{
	const struct work *work = look->attention->work;
	const struct cache *cache = look->cache;
	struct range range = look->ranges[query];
	float *scores = look->bench->scores + query * work->span;

	if (cache->store == KERNEL_I8)
		scale(look, cache->key_scales, range, scores);
	work->model->kernel->softmax(scores, range.first - look->span.first,
				     range.end - look->span.first);
	if (cache->store == KERNEL_I8)
		scale(look, cache->value_scales, range, scores);
}

/* Add the values of a range, in the order of positions, to what queries
 * [first, first + count) have. */
static void blend(const struct look *look, size_t first, size_t count,
		  struct range range)
{
	const struct work *work = look->attention->work;
	const struct cache *cache = look->cache;
	struct kernel_blend job = { .weight_stride = work->span,
				    .count = count,
				    .store = cache->store,
				    .width = cache->width,
				    .out = look->bench->mixed +
					   first * cache->width,
				    .out_stride = cache->width };

	while (range.first < range.end) {
		size_t positions = contiguous(cache, range.first, range.end);

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
static void blend_all(const struct look *look)
{
	struct range common = look->ranges[0];

	for (size_t q = 1; q < look->count; q++) {
		const struct range *range = &look->ranges[q];

		if (range->first > common.first)
			common.first = range->first;
		if (range->end < common.end)
			common.end = range->end;
	}
	if (common.first >= common.end) {
		for (size_t q = 0; q < look->count; q++)
			blend(look, q, 1, look->ranges[q]);
		return;
	}
	for (size_t q = 0; q < look->count; q++)
		blend(look, q, 1,
		      (struct range){ look->ranges[q].first, common.first });
	blend(look, 0, look->count, common);
	for (size_t q = 0; q < look->count; q++)
		blend(look, q, 1,
		      (struct range){ common.end, look->ranges[q].end });
}

/* Where a query of a look comes from, and its answer goes. */
static size_t place_of(const struct look *look, size_t query)
{
	const struct config *config = look->attention->work->model->config;

	return look->rows[query] * config_query_width(config) +
	       look->heads[query] * config->head_width;
}

/* Weights as bf16, in the place of the floats that they were; what a query
 * does not see weighs nothing. */
static void narrow_weights(const struct look *look, size_t query)
{
	const struct work *work = look->attention->work;
	struct range range = look->ranges[query];
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
static void blend_bf16(const struct look *look)
{
	const struct work *work = look->attention->work;
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
		job.positions = contiguous(cache, at, look->span.end);
		work->model->kernel->blend_bf16(&job);
		at += job.positions;
	}
}

/* A query by 1 / sqrt(d), where its scores will want it. */
static void take_query(const struct look *look, size_t q)
{
	const struct work *work = look->attention->work;
	const float *query = work->query + place_of(look, q);
	size_t width = look->cache->width;
	size_t stride = work_query_stride(work->model->config);
	float *out = look->bench->queries + q * width;
	float gain = 1.0f / sqrtf((float)width);
	uint16_t *narrow;

	for (size_t i = 0; i < width; i++)
		out[i] = query[i] * gain;
	if (!is_bf16(look))
		return;
	narrow = look->bench->queries_bf16 + q * stride;
	work->model->kernel->narrow_bf16(out, width, narrow);
	memset(narrow + width, 0, (stride - width) * sizeof(*narrow));
}

/* What any of the queries sees, out to whole groups. */
static struct range span_of(const struct look *look)
{
	size_t group = is_bf16(look) ? KERNEL_POSITIONS_BF16 : KERNEL_POSITIONS;
	struct range span = look->ranges[0];

	for (size_t q = 1; q < look->count; q++) {
		const struct range *range = &look->ranges[q];

		if (range->first < span.first)
			span.first = range->first;
		if (range->end > span.end)
			span.end = range->end;
	}
	span.first -= span.first % group;
	span.end = (span.end + group - 1) / group * group;
	return span;
}

static void look_back(struct look *look)
{
	struct work *work = look->attention->work;
	size_t width = look->cache->width;

	look->span = span_of(look);
	for (size_t q = 0; q < look->count; q++)
		take_query(look, q);
	memset(look->bench->mixed, 0, look->count * width * sizeof(float));
	score(look);
	for (size_t q = 0; q < look->count; q++) {
		weigh(look, q);
		if (is_bf16(look))
			narrow_weights(look, q);
	}
	if (is_bf16(look))
		blend_bf16(look);
	else
		blend_all(look);
	for (size_t q = 0; q < look->count; q++)
		memcpy(work->mixed + place_of(look, q),
		       look->bench->mixed + q * width, width * sizeof(float));
}

/* A stretch of rows and a key-value head: all queries that look at these keys, a
 * few at a time. */
static void attend(void *context, size_t member, size_t item)
{
	const struct attention *attention = context;
	struct work *work = attention->work;
	const struct config *config = work->model->config;
	const struct batch *batch = attention->place->batch;
	const struct batch_stretch *rows =
		&batch->stretches[item / config->kv_heads];
	size_t group = config->heads / config->kv_heads;
	size_t most = work->form == ACTIVATION_BF16 ? WORK_QUERIES_BF16
						    : WORK_QUERIES;
	struct look look = { .attention = attention,
			     .bench = &work->benches[member],
			     .kv_head = item % config->kv_heads };

	look.cache =
		session_cache(batch->rows[rows->first].session,
			      attention->place->layer, attention->place->track);
	for (size_t i = 0; i < rows->count * group; i++) {
		size_t row = rows->first + i / group;

		look.rows[look.count] = row;
		look.heads[look.count] = look.kv_head * group + i % group;
		look.ranges[look.count] = range_of(attention, row);
		if (++look.count == most || i + 1 == rows->count * group) {
			look_back(&look);
			look.count = 0;
		}
	}
}

static void quantise_mixed(void *context, size_t row)
{
	struct work *work = context;
	size_t width = config_query_width(work->model->config);

	work->model->kernel->set_row(&work->inner_activation, row,
				     work->mixed + row * width, width);
}

/* [R][H] to [R][Q], [R][K] and [R][K] */
static void project(const struct attention *attention)
{
	struct work *work = attention->work;
	const struct weights_layer *weights = attention->weights;
	const struct multiply_input in = { work->normed,
					   &work->normed_activation,
					   attention->place->batch->count };
	const struct work_product products[] = {
		{ &weights->query, work->query },
		{ &weights->key, work->key },
		{ &weights->value, work->value },
	};

	work_multiply(
		work, &in, products,
		config_has_keys(work->model->config, attention->place->layer)
			? 3
			: 1);
}

static void report_heads(const struct attention *attention)
{
	const struct work *work = attention->work;
	const struct config *config = work->model->config;
	const struct layer_place *place = attention->place;
	size_t rows = place->batch->count;
	size_t kv = rows * config_kv_width(config);

	layer_report(work, place, "q", work->query,
		     rows * config_query_width(config));
	if (!config_has_keys(config, place->layer))
		return;
	layer_report(work, place, "k", work->key, kv);
	layer_report(work, place, "v", work->value, kv);
}

enum err attention_apply(struct work *work, const struct layer_place *place,
			 const struct weights_layer *weights)
{
	const struct config *config = work->model->config;
	const struct batch *batch = place->batch;
	struct attention attention = { work, place, weights, false };
	size_t query = config_query_width(config);
	const struct multiply_input mixed = { work->mixed,
					      &work->inner_activation,
					      batch->count };
	const struct work_product output = { &weights->output, work->branch };

	project(&attention);
	work_each(work, batch->count, enter_row, &attention);
	if (attention.is_broken)
		return ERR_MALFORMED;
	report_heads(&attention);
	/* [R][Q], each head against its key-value head, to [R][Q] and [R][H] */
	work_items(work, batch->stretch_count * config->kv_heads, attend,
		   &attention);
	layer_report(work, place, "attn_mixed", work->mixed,
		     batch->count * query);
	activation_resize(&work->inner_activation, query);
	work_each(work, batch->count, quantise_mixed, work);
	work_multiply(work, &mixed, &output, 1);
	return ERR_OK;
}
