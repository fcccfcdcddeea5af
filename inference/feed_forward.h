/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_forward: dense, or a mixture of experts.
 *
 *     dense   branch = down * (silu(gate * y) x (up * y))
 *     sparse  p = softmax(cap tanh(router * y / cap)); the k most probable
 *             experts, the lower number first where they tie, have p for
 *             their shares, or share out 1 as p does, as the configuration
 *             says; branch = sum of share * expert(y), each one a dense one
 *
 * No token is dropped, however unevenly the experts are chosen.
 */
#ifndef INFERENCE_FEED_FORWARD_H
#define INFERENCE_FEED_FORWARD_H

#include "inference/layer.h"

/*
 * work->branch [R][H] from work->normed [R][H].  ERR_MALFORMED when the
 * router's numbers break down, which leaves no choice that could be justified.
 */
MUST_CHECK enum err feed_forward_apply(struct work *work,
				       const struct layer_place *place,
				       const struct weights_layer *weights);

#endif
