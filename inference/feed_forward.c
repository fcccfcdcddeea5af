/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Experts are run expert by expert, not row by row: rows that chose the same
 * one are gathered and go through its weights together.  What each row gets
 * back is nevertheless what it would get alone.
 */
#include "inference/feed_forward.h"

#include <math.h>
#include <string.h>

#include "inference/numeric.h"

/* A dense network, while the team computes it. */
struct dense {
	struct work *work;
	const struct weights_layer *weights;
	const struct multiply_input *in;
};

/* A member's share of gate and up, and SwiGLU where both are its own. */
static void open_part(void *context, size_t member)
{
	const struct dense *dense = context;
	struct work *work = dense->work;
	const struct kernel *kernel = work->model->kernel;
	size_t width = dense->weights->gate.rows;
	struct team_share share = multiply_share(&dense->weights->gate, member,
						 team_size(work->team));

	multiply(kernel, &dense->weights->gate, dense->in, share,
		 (struct multiply_output){ work->gate, width });
	multiply(kernel, &dense->weights->up, dense->in, share,
		 (struct multiply_output){ work->up, width });
	for (size_t r = 0; r < dense->in->rows; r++) {
		kernel->swiglu(work->gate + r * width + share.first,
			       work->up + r * width + share.first,
			       share.end - share.first);
	}
}

static void quantise_gate(void *context, size_t row)
{
	struct work *work = context;
	size_t width = work->model->config->feed_forward;

	work->model->kernel->set_row(&work->inner_activation, row,
				     work->gate + row * width, width);
}

/* [R][H] to [R][F] twice, to one [R][F], to [R][H] */
static void run_dense(struct work *work, size_t rows,
		      const struct weights_layer *weights)
{
	const struct multiply_input in = { work->normed,
					   &work->normed_activation, rows };
	const struct multiply_input inner = { work->gate,
					      &work->inner_activation, rows };
	const struct work_product down = { &weights->down, work->branch };
	struct dense dense = { work, weights, &in };

	team_run(work->team, open_part, &dense);
	activation_resize(&work->inner_activation, weights->gate.rows);
	work_each(work, rows, quantise_gate, work);
	work_multiply(work, &inner, &down, 1);
}

/* The order in which experts are chosen: a total one, whatever ties. */
static bool comes_before(const float *probability, uint32_t a, uint32_t b)
{
	if (probability[a] != probability[b])
		return probability[a] > probability[b];
	return a < b;
}

/* The best expert that comes after `last`, or of all (CHOICE_FIRST). */
#define CHOICE_FIRST UINT32_MAX

static uint32_t next_best(const float *probability, uint32_t experts,
			  uint32_t last)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t e = 0; e < experts; e++) {
		if (last != CHOICE_FIRST && !comes_before(probability, last, e))
			continue;
		if (best == UINT32_MAX || comes_before(probability, e, best))
			best = e;
	}
	return best;
}

/* The k most probable experts of one row, and their shares. */
static void choose(const struct config *config, const float *probability,
		   uint32_t *chosen, float *shares)
{
	uint32_t last = CHOICE_FIRST;
	float sum = 0;

	for (size_t slot = 0; slot < config->experts_used; slot++) {
		last = next_best(probability, config->experts, last);
		chosen[slot] = last;
		shares[slot] = probability[last];
		sum += probability[last];
	}
	if (config->shares == CONFIG_SHARES_PLAIN)
		return;
	for (size_t slot = 0; slot < config->experts_used; slot++)
		shares[slot] /= sum;
}

/* For tests; see work_trace. */
static void report_choice(const struct work *work,
			  const struct layer_place *place)
{
	size_t count = place->batch->count * work->model->config->experts_used;

	if (work->trace == NULL)
		return;
	/* The trace knows floats alone; `answers` is free at this point. */
	for (size_t i = 0; i < count; i++)
		work->answers[i] = (float)work->chosen[i];
	layer_report(work, place, "experts", work->answers, count);
	layer_report(work, place, "expert_weights", work->shares, count);
}

/* A row's probabilities, and the experts that it has from them. */
static void choose_row(void *context, size_t row)
{
	struct work *work = context;
	const struct config *config = work->model->config;
	float *p = work->router + row * config->experts;
	size_t slot = row * config->experts_used;

	for (size_t e = 0; config->logit_cap > 0 && e < config->experts; e++)
		p[e] = config->logit_cap *
		       numeric_tanh(p[e] / config->logit_cap);
	work->model->kernel->softmax(p, 0, config->experts);
	/* The sum divides all of a row: one NaN makes all NaN, and leaves no
	 * choice; route() will say so. */
	if (!isnan(p[0]))
		choose(config, p, work->chosen + slot, work->shares + slot);
}

/* work->chosen and work->shares from work->normed. */
static enum err route(struct work *work, const struct layer_place *place,
		      const struct matrix *router)
{
	size_t rows = place->batch->count;
	size_t experts = work->model->config->experts;
	const struct multiply_input in = { work->normed,
					   &work->normed_activation, rows };
	const struct work_product to_router = { router, work->router };

	work_multiply(work, &in, &to_router, 1);
	work_each(work, rows, choose_row, work);
	layer_report(work, place, "router", work->router, rows * experts);
	report_choice(work, place);
	for (size_t r = 0; r < rows; r++)
		if (isnan(work->router[r * experts]))
			return ERR_MALFORMED;
	return ERR_OK;
}

/* The experts of a layer, while the team runs them. */
struct experts {
	struct work *work;
	const struct weights_layer *weights;
	size_t rows;
};

/* Collect the rows that chose an expert, and where their answers go. */
static size_t gather(const struct experts *experts, struct work_bench *bench,
		     uint32_t expert)
{
	const struct work *work = experts->work;
	size_t hidden = work->model->config->hidden;
	size_t used = work->model->config->experts_used;
	size_t count = 0;

	activation_resize(&bench->activation, hidden);
	for (size_t i = 0; i < experts->rows * used; i++) {
		if (work->chosen[i] != expert)
			continue;
		memcpy(bench->gathered + count * hidden,
		       work->normed + i / used * hidden,
		       hidden * sizeof(float));
		activation_copy(&bench->activation, count,
				&work->normed_activation, i / used);
		bench->places[count++] = (uint32_t)i;
	}
	return count;
}

/* Put an expert's answers where they belong. */
static void scatter(const struct work *work, const struct work_bench *bench,
		    size_t count)
{
	size_t hidden = work->model->config->hidden;

	for (size_t i = 0; i < count; i++)
		memcpy(work->answers + bench->places[i] * hidden,
		       bench->answer + i * hidden, hidden * sizeof(float));
}

/* Expert number i of three tensors. */
static struct matrix pick(const struct matrix *first, size_t i)
{
	struct matrix one = *first;

	one.data += i * first->apart;
	return one;
}

/* All of a matrix, by this thread alone. */
static void multiply_whole(const struct kernel *kernel,
			   const struct matrix *matrix,
			   const struct multiply_input *in, float *out)
{
	multiply(kernel, matrix, in, multiply_share(matrix, 0, 1),
		 (struct multiply_output){ out, matrix->rows });
}

/* One expert for all rows that chose it, while its weights are in the cache. */
static void run_expert(void *context, size_t member, size_t expert)
{
	const struct experts *experts = context;
	const struct work *work = experts->work;
	const struct kernel *kernel = work->model->kernel;
	struct work_bench *bench = &work->benches[member];
	struct matrix gate = pick(&experts->weights->gate, expert);
	struct matrix up = pick(&experts->weights->up, expert);
	struct matrix down = pick(&experts->weights->down, expert);
	size_t count = gather(experts, bench, (uint32_t)expert);
	struct multiply_input in = { bench->gathered, &bench->activation,
				     count };

	if (count == 0)
		return;
	multiply_whole(kernel, &gate, &in, bench->gate);
	multiply_whole(kernel, &up, &in, bench->up);
	kernel->swiglu(bench->gate, bench->up, count * gate.rows);
	in.values = bench->gate;
	activation_resize(&bench->activation, gate.rows);
	for (size_t r = 0; r < count; r++)
		kernel->set_row(&bench->activation, r,
				bench->gate + r * gate.rows, gate.rows);
	multiply_whole(kernel, &down, &in, bench->answer);
	scatter(work, bench, count);
}

/* One row's expert, where the row is alone: only those chosen are visited. */
static void run_choice(void *context, size_t member, size_t slot)
{
	const struct experts *experts = context;

	run_expert(context, member, experts->work->chosen[slot]);
}

/* In the order of the choice, not of the experts: as one row alone would. */
static void combine_row(void *context, size_t row)
{
	struct work *work = context;
	size_t hidden = work->model->config->hidden;
	size_t used = work->model->config->experts_used;
	float *branch = work->branch + row * hidden;

	memset(branch, 0, hidden * sizeof(*branch));
	for (size_t slot = row * used; slot < (row + 1) * used; slot++) {
		work->model->kernel->add_scaled(work->shares[slot],
						work->answers + slot * hidden,
						hidden, branch);
	}
}

enum err feed_forward_apply(struct work *work, const struct layer_place *place,
			    const struct weights_layer *weights)
{
	const struct config *config = work->model->config;
	struct experts experts = { work, weights, place->batch->count };

	if (config_kind_of(config, place->layer) == CONFIG_DENSE) {
		run_dense(work, experts.rows, weights);
		return ERR_OK;
	}
	TRY(route(work, place, &weights->router));
	if (experts.rows == 1)
		work_items(work, config->experts_used, run_choice, &experts);
	else
		work_items(work, config->experts, run_expert, &experts);
	work_each(work, experts.rows, combine_row, work);
	return ERR_OK;
}
