/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: what one layer of one track does to the rows of a chunk.
 *
 *     x += attention(norm(x))
 *     x += feed_forward(norm(x))
 *
 * Shapes as in session.h.
 */
#ifndef INFERENCE_LAYER_H
#define INFERENCE_LAYER_H

#include "inference/session.h"

/* Where in the model, and how much of the session's buffers is in use. */
struct layer_place {
	uint32_t layer;
	uint32_t track;
	size_t rows;  /* of session->x */
	size_t first; /* position of row 0 */
};

/*
 * Apply a layer to session->x, and remember its keys and values.
 * ERR_MALFORMED when a router's numbers break down.
 */
MUST_CHECK enum err layer_apply(struct session *session,
				const struct layer_place *place);

/* Hand an intermediate [count] to the test that looks on, if one does. */
void layer_report(const struct session *session,
		  const struct layer_place *place, const char *name,
		  const float *values, size_t count);

/* session->normed = norm(session->x), row by row. */
void layer_norm(struct session *session, const float *weight, size_t rows);

#endif
