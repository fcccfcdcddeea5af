/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For reading, and to compare with.  fmaf() rounds once, whatever the
 * processor: where it has no such instruction the C library computes it.
 */
#include "inference/kernel_scalar.h"

#include <math.h>

#include "inference/numeric.h"

#define LANES 8

/* The order in which a vector register folds in half. */
static float sum_of_lanes(const float lane[static LANES])
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
	       ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/*
 * The vectors multiply a short end as zeros, and so does this: where a lane
 * holds -0, adding a product of zeros makes it +0.
 */
static void accumulate(float lane[static LANES], const float *a, const float *b,
		       size_t count)
{
	size_t padded = (count + LANES - 1) / LANES * LANES;

	for (size_t i = 0; i < padded; i++) {
		float left = i < count ? a[i] : 0.0f;
		float right = i < count ? b[i] : 0.0f;

		lane[i % LANES] = fmaf(left, right, lane[i % LANES]);
	}
}

static float dot(const float *a, const float *b, size_t count)
{
	float lane[LANES] = { 0 };

	accumulate(lane, a, b, count);
	return sum_of_lanes(lane);
}

/* A row is decoded a block at a time, or several; 32 is a multiple of the
 * lanes, so the lanes do not notice. */
static float dot_row(const struct matrix *matrix, size_t row, const float *x)
{
	float weights[MATRIX_BLOCK_MAX];
	float lane[LANES] = { 0 };

	for (size_t i = 0; i < matrix->columns; i += MATRIX_BLOCK_MAX) {
		size_t left = matrix->columns - i;
		size_t count =
			left < MATRIX_BLOCK_MAX ? left : MATRIX_BLOCK_MAX;

		matrix_decode(matrix, row, i, count, weights);
		accumulate(lane, weights, x + i, count);
	}
	return sum_of_lanes(lane);
}

static void multiply(const struct matrix *matrix, const float *x, size_t rows,
		     float *out)
{
	for (size_t r = 0; r < rows; r++) {
		for (size_t o = 0; o < matrix->rows; o++)
			*out++ = dot_row(matrix, o, x);
		x += matrix->columns;
	}
}

static void blend(const float *weights, const struct matrix *values, float *out)
{
	for (size_t r = 0; r < values->rows; r++) {
		const float *row =
			(const float *)(values->data + r * values->stride);

		for (size_t c = 0; c < values->columns; c++)
			out[c] = fmaf(weights[r], row[c], out[c]);
	}
}

/* The largest comes off first, so that no exponential overflows; where one is
 * NaN the comparison skips it, and the sum makes all of them NaN. */
static void softmax(float *x, size_t count)
{
	float most = x[0];
	float lane[LANES] = { 0 };
	float sum;

	for (size_t i = 1; i < count; i++)
		most = x[i] > most ? x[i] : most;
	for (size_t i = 0; i < count; i++) {
		x[i] = numeric_exp(x[i] - most);
		lane[i % LANES] += x[i];
	}
	sum = sum_of_lanes(lane);
	for (size_t i = 0; i < count; i++)
		x[i] /= sum;
}

static void swiglu(float *gate, const float *up, size_t count)
{
	for (size_t i = 0; i < count; i++)
		gate[i] = gate[i] / (1.0f + numeric_exp(-gate[i])) * up[i];
}

const struct kernel kernel_scalar = {
	.name = "scalar",
	.multiply = multiply,
	.dot = dot,
	.blend = blend,
	.softmax = softmax,
	.swiglu = swiglu,
};
