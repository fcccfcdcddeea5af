/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/kernel.h"

#include <math.h>

#include "inference/kernel_amx.h"
#include "inference/kernel_avx2.h"
#include "inference/kernel_avx512.h"
#include "inference/kernel_scalar.h"

/* From the plainest to the fastest, and each needs what the one before needs:
 * the first that is not there is the end. */
const struct kernel *kernel_at(size_t i)
{
	switch (i) {
	case 0:
		return &kernel_scalar;
	case 1:
		return kernel_avx2();
	case 2:
		return kernel_avx512();
	case 3:
		return kernel_amx();
	default:
		return NULL;
	}
}

const struct kernel *kernel_best(void)
{
	const struct kernel *best = kernel_at(0);

	for (size_t i = 1; kernel_at(i) != NULL; i++)
		best = kernel_at(i);
	return best;
}

void kernel_rms_norm(const struct kernel *kernel,
		     const struct kernel_norm *norm, const float *x, float *out)
{
	float mean = kernel->dot(x, x, norm->count) / (float)norm->count;
	float scale = 1.0f / sqrtf(mean + norm->epsilon);

	/* Squares that overflow must not pass for a row of zeros. */
	if (!isfinite(mean))
		scale = NAN;
	for (size_t i = 0; i < norm->count; i++)
		out[i] = x[i] * scale * norm->weight[i];
}
