/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention: every row looks back at the positions before it.
 *
 *     q, k, v = heads of normed, with biases; q and k normalised and rotated
 *               by their position (rope.h), as the configuration says
 *     branch  = output weights * softmax(q k / sqrt(d)) v
 */
#ifndef INFERENCE_ATTENTION_H
#define INFERENCE_ATTENTION_H

#include "inference/layer.h"

/* session->branch from session->normed; keys and values enter the cache,
 * but of layers that use those of another. */
void attention_apply(struct session *session, const struct layer_place *place);

/* session->rotations for `rows` positions from `first` on. */
void attention_rotations(struct session *session, size_t first, size_t rows);

#endif
