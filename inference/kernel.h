/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: the arithmetic of the model, in several instruction sets.
 *
 * All paths give the same bits.  What makes that possible is that the order of
 * every sum is fixed here and not left to the hardware:
 *
 *   A dot product has 8 lanes.  Lane j takes the products of the elements
 *   8i + j, i = 0, 1, ..., each by one fused multiply-add; a short end counts
 *   as zeros.  The lanes are then added as
 *       ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)).
 *
 * It follows that a result does not depend on how many rows or outputs are
 * worked on together, so a prompt may be cut into chunks anywhere.
 *
 * Shapes: x is [rows][columns], row after row; out is [rows][matrix->rows].
 */
#ifndef INFERENCE_KERNEL_H
#define INFERENCE_KERNEL_H

#include <stddef.h>

#include "inference/matrix.h"

struct kernel {
	const char *name;

	/* out[r][o] = dot(x[r], matrix row o). */
	void (*multiply)(const struct matrix *matrix, const float *x,
			 size_t rows, float *out);

	/* dot(a, b) of count elements. */
	float (*dot)(const float *a, const float *b, size_t count);

	/*
	 * out[c] += sum over r of weights[r] * values[r][c], one fused
	 * multiply-add at a time, r rising.  values is F32.
	 */
	void (*blend)(const float *weights, const struct matrix *values,
		      float *out);

	/* x[i] = exp(x[i] - max) / sum, in place; the sum is in 8 lanes. */
	void (*softmax)(float *x, size_t count);

	/* gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i], in place. */
	void (*swiglu)(float *gate, const float *up, size_t count);
};

/* The fastest that this processor runs. */
const struct kernel *kernel_best(void);

/* Number i of those that this processor runs, plainest first, or NULL. */
const struct kernel *kernel_at(size_t i);

/* out[i] = x[i] / sqrt(mean(x^2) + epsilon) * weight[i], count elements. */
struct kernel_norm {
	const float *weight;
	size_t count;
	float epsilon;
};

/* Normalise one row; out may be x. */
void kernel_rms_norm(const struct kernel *kernel,
		     const struct kernel_norm *norm, const float *x,
		     float *out);

#endif
