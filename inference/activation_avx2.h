/* SPDX-License-Identifier: Apache-2.0 */
/* activation_avx2: rows as activation.h defines them, on processors with AVX2. */
#ifndef INFERENCE_ACTIVATION_AVX2_H
#define INFERENCE_ACTIVATION_AVX2_H

#include "inference/activation.h"

/* Only where product_avx2_is_there(): as activation_set(), */
void activation_avx2(struct activation *activation, size_t row, const float *x,
		     size_t columns);

/* and as activation_narrow(). */
void activation_avx2_narrow(const float *x, size_t count, uint16_t *out);

#endif
