/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/kernel.h"

#include <math.h>

#include "inference/kernel_avx2.h"
#include "inference/kernel_scalar.h"

/* From the plainest to the fastest: kernel_best() takes the last. */
const struct kernel *kernel_at(size_t i)
{
	if (i == 0)
		return &kernel_scalar;
	return i == 1 ? kernel_avx2() : NULL;
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
