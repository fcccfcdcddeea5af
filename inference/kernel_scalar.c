/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For reading, and to compare with.  fmaf() rounds once, whatever the
 * processor: where it has no such instruction the C library computes it.
 */
#include "inference/kernel_scalar.h"

#include <math.h>

#include "inference/half.h"
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

/* A row is decoded a block at a time, or several; 256 is a multiple of the
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

static void multiply(const struct kernel_multiply *multiply)
{
	const struct matrix *matrix = multiply->matrix;

	for (size_t r = 0; r < multiply->rows; r++) {
		for (size_t o = 0; o < matrix->rows; o++)
			multiply->out[r * multiply->stride + o] = dot_row(
				matrix, o, multiply->x + r * matrix->columns);
	}
}

/* Element i of keys or values. */
static float load(enum kernel_store store, const void *from, size_t i)
{
	if (store == KERNEL_F32)
		return ((const float *)from)[i];
	if (store == KERNEL_F16)
		return half_value(((const uint16_t *)from)[i]);
	return ((const int8_t *)from)[i];
}

static void score(const struct kernel_score *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const float *query = job->queries + q * job->query_stride;
		float *scores = job->scores + q * job->score_stride;

		for (size_t p = 0; p < job->groups * KERNEL_POSITIONS; p++) {
			size_t first = p / KERNEL_POSITIONS * job->width;
			float sum = 0.0f;

			for (size_t d = 0; d < job->width; d++) {
				sum = fmaf(query[d],
					   load(job->store, job->keys,
						(first + d) * KERNEL_POSITIONS +
							p % KERNEL_POSITIONS),
					   sum);
			}
			scores[p] = sum;
		}
	}
}

/* Element i, as bf16 has it. */
static float load_bf16(enum kernel_store store, const void *from, size_t i)
{
	return half_value_brain(activation_bf16(load(store, from, i)));
}

/* A position's score; keys of the position lie 16 elements apart. */
static float score_one_bf16(const struct kernel_score_bf16 *job,
			    const uint16_t *query, size_t first)
{
	float sum = 0.0f;

	for (size_t i = 0; i < job->width; i += 32) {
		float part[2] = { 0.0f, 0.0f };

		for (size_t d = i; d < i + 32 && d < job->width; d++) {
			part[d % 2] =
				fmaf(half_value_brain(query[d]),
				     load_bf16(job->store, job->keys,
					       first + d * KERNEL_POSITIONS),
				     part[d % 2]);
		}
		sum += part[0] + part[1];
	}
	return sum;
}

static void score_bf16(const struct kernel_score_bf16 *job)
{
	size_t group = job->width * KERNEL_POSITIONS;

	for (size_t q = 0; q < job->count; q++) {
		for (size_t p = 0; p < job->groups * KERNEL_POSITIONS; p++) {
			job->scores[q * job->score_stride + p] = score_one_bf16(
				job, job->queries + q * job->query_stride,
				p / KERNEL_POSITIONS * group +
					p % KERNEL_POSITIONS);
		}
	}
}

/* The largest comes off first, so that no exponential overflows; where one is
 * NaN the comparison skips it, and the sum makes all of them NaN. */
static void softmax(float *x, size_t first, size_t end)
{
	float most = x[first];
	float lane[2 * LANES] = { 0 };
	float share;

	for (size_t i = first + 1; i < end; i++)
		most = x[i] > most ? x[i] : most;
	for (size_t i = first; i < end; i++) {
		x[i] = numeric_exp(x[i] - most);
		lane[i % (2 * LANES)] += x[i];
	}
	for (size_t j = 0; j < LANES; j++)
		lane[j] += lane[j + LANES];
	share = 1.0f / sum_of_lanes(lane);
	for (size_t i = first; i < end; i++)
		x[i] *= share;
}

static void blend(const struct kernel_blend *job)
{
	for (size_t q = 0; q < job->count; q++) {
		const float *weights = job->weights + q * job->weight_stride;
		float *out = job->out + q * job->out_stride;

		for (size_t p = 0; p < job->positions; p++) {
			for (size_t c = 0; c < job->width; c++) {
				out[c] = fmaf(weights[p],
					      load(job->store, job->values,
						   p * job->width + c),
					      out[c]);
			}
		}
	}
}

static void blend_bf16(const struct kernel_blend_bf16 *job)
{
	for (size_t i = 0; i < job->count * job->width; i++) {
		size_t q = i / job->width, c = i % job->width;
		const uint16_t *weights = job->weights + q * job->weight_stride;
		float *out = &job->out[q * job->out_stride + c];

		for (size_t first = 0; first < job->positions; first += 32) {
			float part[2] = { 0.0f, 0.0f };

			for (size_t p = first; p < first + 32; p++) {
				part[p % 2] =
					fmaf(half_value_brain(weights[p]),
					     load_bf16(job->store, job->values,
						       p * job->width + c),
					     part[p % 2]);
			}
			*out += part[0] + part[1];
		}
	}
}

static void swiglu(float *gate, const float *up, size_t count)
{
	for (size_t i = 0; i < count; i++)
		gate[i] = gate[i] / (1.0f + numeric_exp(-gate[i])) * up[i];
}

static void narrow(const float *x, size_t count, uint16_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = half_of(x[i]);
}

static void add_scaled(float scale, const float *x, size_t count, float *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = fmaf(scale, x[i], out[i]);
}

const struct kernel kernel_scalar = {
	.name = "scalar",
	.product = product_scalar,
	.product_bf16 = product_scalar_bf16,
	.set_row = activation_set,
	.multiply = multiply,
	.dot = dot,
	.score = score,
	.softmax = softmax,
	.blend = blend,
	.score_bf16 = score_bf16,
	.blend_bf16 = blend_bf16,
	.swiglu = swiglu,
	.narrow = narrow,
	.narrow_bf16 = activation_narrow,
	.add_scaled = add_scaled,
};
