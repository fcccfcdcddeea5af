/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention: every row looks back at the positions before it.
 *
 *     q, k, v = heads of normed; q and k rotated by their position (RoPE), and
 *               each head normalised, where the configuration says so
 *     branch  = output weights * softmax(q k / sqrt(d)) v
 */
#ifndef INFERENCE_ATTENTION_H
#define INFERENCE_ATTENTION_H

#include "inference/layer.h"

/* session->branch from session->normed; keys and values enter the cache. */
void attention_apply(struct session *session, const struct layer_place *place);

/* session->rotations for `rows` positions from `first` on. */
void attention_rotations(struct session *session, size_t first, size_t rows);

#endif
