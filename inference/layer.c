/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x [R][H] is the residual stream of one track.  Each half of a layer reads it
 * through a norm into `normed`, leaves its answer in `branch`, and only then
 * is x changed: so no step sees a row that is half new.
 */
#include "inference/layer.h"

#include "inference/attention.h"
#include "inference/feed_forward.h"

void layer_report(const struct session *session,
		  const struct layer_place *place, const char *name,
		  const float *values, size_t count)
{
	const struct session_trace *trace = session->trace;

	if (trace != NULL)
		trace->report(trace->context, name, place->layer, place->track,
			      values, count);
}

void layer_norm(struct session *session, const float *weight, size_t rows)
{
	const struct config *config = session->model.config;
	const struct kernel_norm norm = { weight, config->hidden,
					  config->rms_epsilon };

	for (size_t r = 0; r < rows; r++) {
		size_t at = r * config->hidden;

		kernel_rms_norm(session->model.kernel, &norm, session->x + at,
				session->normed + at);
	}
}

/* The residual: x += branch. */
static void add_branch(struct session *session, size_t count)
{
	for (size_t i = 0; i < count; i++)
		session->x[i] += session->branch[i];
}

/* The names are those of the reference's records: tests/reference/README.md. */
enum err layer_apply(struct session *session, const struct layer_place *place)
{
	const struct config *config = session->model.config;
	const struct weights_layer *weights = weights_layer_of(
		session->model.weights, config, place->layer, place->track);
	size_t count = place->rows * config->hidden;

	layer_norm(session, weights->attention_norm, place->rows);
	layer_report(session, place, "attn_norm", session->normed, count);
	attention_apply(session, place);
	add_branch(session, count);
	layer_report(session, place, "x_attn", session->x, count);

	layer_norm(session, weights->feed_norm, place->rows);
	layer_report(session, place, "ffn_norm", session->normed, count);
	TRY(feed_forward_apply(session, place));
	add_branch(session, count);
	layer_report(session, place, "x_ffn", session->x, count);
	return ERR_OK;
}
