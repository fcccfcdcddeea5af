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

/* One SwiGLU network of inner width W, a dense layer's F or an expert's X:
 * gate and up are W x H, down is H x W. */
struct network {
	struct matrix gate;
	struct matrix up;
	struct matrix down;
};

/* out [rows][H] from in [rows][H]; gate and up of the session are scratch. */
static void run_network(struct session *session, const struct network *network,
			const float *in, size_t rows, float *out)
{
	const struct kernel *kernel = session->model.kernel;

	kernel->multiply(&network->gate, in, rows, session->gate);
	kernel->multiply(&network->up, in, rows, session->up);
	kernel->swiglu(session->gate, session->up, rows * network->gate.rows);
	kernel->multiply(&network->down, session->gate, rows, out);
}

/* Matrix number i of a stack of matrices of that many rows. */
static struct matrix pick(const struct matrix *stack, size_t i, size_t rows)
{
	struct matrix one = *stack;

	one.data += i * rows * stack->stride;
	one.rows = rows;
	return one;
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

/* For tests; see session_trace. */
static void report_choice(const struct session *session,
			  const struct layer_place *place)
{
	size_t count = place->rows * session->model.config->experts_used;

	if (session->trace == NULL)
		return;
	/* The trace knows floats alone; `answers` is free at this point. */
	for (size_t i = 0; i < count; i++)
		session->answers[i] = (float)session->chosen[i];
	layer_report(session, place, "experts", session->answers, count);
	layer_report(session, place, "expert_weights", session->shares, count);
}

/* session->chosen and session->shares from session->normed. */
static enum err route(struct session *session, const struct layer_place *place,
		      const struct matrix *router)
{
	const struct config *config = session->model.config;
	const struct kernel *kernel = session->model.kernel;
	size_t experts = config->experts;

	kernel->multiply(router, session->normed, place->rows, session->router);
	for (size_t r = 0; r < place->rows; r++) {
		float *p = session->router + r * experts;
		size_t slot = r * config->experts_used;

		for (size_t e = 0; config->logit_cap > 0 && e < experts; e++)
			p[e] = config->logit_cap *
			       numeric_tanh(p[e] / config->logit_cap);
		kernel->softmax(p, experts);
		/* Their sum divides all of them: one NaN makes all NaN. */
		if (isnan(p[0]))
			return ERR_MALFORMED;
		choose(config, p, session->chosen + slot,
		       session->shares + slot);
	}
	layer_report(session, place, "router", session->router,
		     place->rows * experts);
	report_choice(session, place);
	return ERR_OK;
}

/* Collect the rows that chose an expert, and where their answers go. */
static size_t gather(struct session *session, size_t rows, uint32_t expert)
{
	size_t hidden = session->model.config->hidden;
	size_t used = session->model.config->experts_used;
	size_t count = 0;

	for (size_t i = 0; i < rows * used; i++) {
		if (session->chosen[i] != expert)
			continue;
		memcpy(session->gathered + count * hidden,
		       session->normed + i / used * hidden,
		       hidden * sizeof(float));
		session->places[count++] = (uint32_t)i;
	}
	return count;
}

/* Put an expert's answers, row by row in branch, where they belong. */
static void scatter(struct session *session, size_t count)
{
	size_t hidden = session->model.config->hidden;

	for (size_t i = 0; i < count; i++) {
		memcpy(session->answers + session->places[i] * hidden,
		       session->branch + i * hidden, hidden * sizeof(float));
	}
}

/* session->answers from session->normed: rows sorted by expert, so that each
 * expert's weights are read once a chunk. */
static void run_experts(struct session *session, size_t rows,
			const struct weights_layer *weights)
{
	const struct config *config = session->model.config;
	size_t hidden = config->hidden;

	for (uint32_t e = 0; e < config->experts; e++) {
		const struct network expert = {
			.gate = pick(&weights->gate, e, config->expert_width),
			.up = pick(&weights->up, e, config->expert_width),
			.down = pick(&weights->down, e, hidden),
		};
		size_t count = gather(session, rows, e);

		if (count == 0)
			continue;
		run_network(session, &expert, session->gathered, count,
			    session->branch);
		scatter(session, count);
	}
}

/* In the order of the choice, not of the experts: as one row alone would. */
static void combine_experts(struct session *session, size_t rows)
{
	const struct config *config = session->model.config;
	size_t hidden = config->hidden;
	size_t used = config->experts_used;

	memset(session->branch, 0, rows * hidden * sizeof(float));
	for (size_t r = 0; r < rows; r++) {
		const struct matrix answers = matrix_of_floats(
			session->answers + r * used * hidden, used, hidden);

		session->model.kernel->blend(session->shares + r * used,
					     &answers,
					     session->branch + r * hidden);
	}
}

enum err feed_forward_apply(struct session *session,
			    const struct layer_place *place)
{
	const struct config *config = session->model.config;
	const struct weights_layer *weights = weights_layer_of(
		session->model.weights, config, place->layer, place->track);
	const struct network dense = { weights->gate, weights->up,
				       weights->down };

	if (config_kind_of(config, place->layer) == CONFIG_DENSE) {
		run_network(session, &dense, session->normed, place->rows,
			    session->branch);
		return ERR_OK;
	}
	TRY(route(session, place, &weights->router));
	run_experts(session, place->rows, weights);
	combine_experts(session, place->rows);
	return ERR_OK;
}
