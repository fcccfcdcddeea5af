/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x [R][H] is the residual stream of one track.  Each half of a layer reads it
 * through a norm into `normed`, leaves its answer in `branch`, and only then
 * is x changed: so no step sees a row that is half new.
 */
#include "inference/layer.h"

#include "inference/attention.h"
#include "inference/feed_forward.h"

void layer_report(const struct work *work, const struct layer_place *place,
		  const char *name, const float *values, size_t count)
{
	work_report(work, name, place->layer, place->track, values, count);
}

struct norm {
	struct work *work;
	const float *weight;
};

/* normed = norm(x), also as the activations that panels want. */
static void norm_row(void *context, size_t row)
{
	const struct norm *norm = context;
	struct work *work = norm->work;
	const struct kernel *kernel = work->model->kernel;
	size_t hidden = work->model->config->hidden;
	const struct kernel_norm job = { norm->weight, hidden,
					 work->model->config->rms_epsilon };
	float *normed = work->normed + row * hidden;

	kernel_rms_norm(kernel, &job, work->x + row * hidden, normed);
	kernel->set_row(&work->normed_activation, row, normed, hidden);
}

/* x += branch */
static void add_row(void *context, size_t row)
{
	struct work *work = context;
	size_t hidden = work->model->config->hidden;

	work->model->kernel->add_scaled(1.0f, work->branch + row * hidden,
					hidden, work->x + row * hidden);
}

/* The names are those of the reference's records: tests/reference/README.md. */
enum err layer_apply(struct work *work, const struct layer_place *place)
{
	const struct config *config = work->model->config;
	const struct weights_layer *weights = weights_layer_of(
		work->model->weights, config, place->layer, place->track);
	size_t rows = place->batch->count, count = rows * config->hidden;
	struct norm before_attention = { work, weights->attention_norm };
	struct norm before_feed_forward = { work, weights->feed_norm };

	work_each(work, rows, norm_row, &before_attention);
	layer_report(work, place, "attn_norm", work->normed, count);
	TRY(attention_apply(work, place, weights));
	work_each(work, rows, add_row, work);
	layer_report(work, place, "x_attn", work->x, count);

	work_each(work, rows, norm_row, &before_feed_forward);
	layer_report(work, place, "ffn_norm", work->normed, count);
	TRY(feed_forward_apply(work, place, weights));
	work_each(work, rows, add_row, work);
	layer_report(work, place, "x_ffn", work->x, count);
	return ERR_OK;
}
