/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention: each row looks back at the rows of its session so far.
 */
#ifndef INFERENCE_ATTENTION_H
#define INFERENCE_ATTENTION_H

#include "inference/layer.h"

/*
 * work->branch [R][H] from work->normed [R][H]; keys and values are kept.
 * ERR_MALFORMED when one of these is infinite or NaN.
 */
MUST_CHECK enum err attention_apply(struct work *work,
				    const struct layer_place *place,
				    const struct weights_layer *weights);

#endif
