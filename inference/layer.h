/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: what one layer of one track does to the rows of a batch.
 *
 *     x += attention(norm(x))
 *     x += feed_forward(norm(x))
 *
 * Shapes as in work.h.
 */
#ifndef INFERENCE_LAYER_H
#define INFERENCE_LAYER_H

#include "inference/work.h"

/* Where in the model, and whose rows. */
struct layer_place {
	uint32_t layer;
	uint32_t track;
	const struct batch *batch;
};

/*
 * Apply a layer to work->x, and remember its keys and values.
 * ERR_MALFORMED when keys, values or a router's numbers break down.
 */
MUST_CHECK enum err layer_apply(struct work *work,
				const struct layer_place *place);

/* work_report() with the place. */
void layer_report(const struct work *work, const struct layer_place *place,
		  const char *name, const float *values, size_t count);

#endif
