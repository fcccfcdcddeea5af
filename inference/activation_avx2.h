/* SPDX-License-Identifier: Apache-2.0 */
/* activation_avx2: activation_set() for processors with AVX2. */
#ifndef INFERENCE_ACTIVATION_AVX2_H
#define INFERENCE_ACTIVATION_AVX2_H

#include "inference/activation.h"

/* Only where product_avx2_is_there(). */
void activation_avx2(struct activation *activation, size_t row, const float *x,
		     size_t columns);

#endif
