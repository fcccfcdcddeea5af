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

#include "inference/look.h"
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

/* What a row may see. */
static struct look_range range_of(const struct attention *attention, size_t row)
{
	const struct config *config = attention->work->model->config;
	size_t position = attention->place->batch->rows[row].position;
	struct look_range range = { 0, position + 1 };

	if (config_reach_of(config, attention->place->layer) == CONFIG_LOCAL &&
	    position > config->window)
		range.first = position - config->window;
	return range;
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
	size_t most = look_queries(work->form);
	struct look look = { .work = work,
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
