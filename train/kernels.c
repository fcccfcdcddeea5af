/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The element-wise halves of training in one pass each: torch spends as long
 * on them as on the matrix products. fused.py calls these and keeps the plain
 * versions, with which the tests compare.
 *
 * rows are spread over weights: row r uses weight r / rows_per_weight (the
 * tracks come first in every tensor).
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float from_bf16(uint16_t half)
{
	uint32_t bits = (uint32_t)half << 16;
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline uint16_t to_bf16(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* e^x to about 1e-7, in a form that the compiler turns into vectors. */
static inline float exponential(float x)
{
	x = fminf(fmaxf(x, -87.0f), 87.0f);
	float n = rintf(x * 1.44269504f);
	float r = x - n * 0.693359375f + n * 2.12194440e-4f;
	float p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
	float power;
	memcpy(&power, &bits, sizeof power);
	return p * power;
}

/* out = x / sqrt(mean x^2 + epsilon) * weight; scale keeps 1 / sqrt(...). */
void rms_forward(const float *x, const float *weight, float *out, float *scale,
		 long rows, long width, long rows_per_weight, float epsilon)
{
#pragma omp parallel for
	for (long row = 0; row < rows; row++) {
		const float *in = x + row * width;
		const float *w = weight + row / rows_per_weight * width;
		float sum = 0;
		for (long i = 0; i < width; i++)
			sum += in[i] * in[i];
		float s = 1.0f / sqrtf(sum / width + epsilon);
		scale[row] = s;
		for (long i = 0; i < width; i++)
			out[row * width + i] = in[i] * s * w[i];
	}
}

/* One block of rows that share a weight; for_weight is summed into. */
static void rms_backward_rows(const float *gradient, const float *x,
			      const float *scale, const float *w, float *for_x,
			      float *for_weight, long rows, long width)
{
	for (long row = 0; row < rows; row++) {
		const float *g = gradient + row * width, *in = x + row * width;
		float s = scale[row], inner = 0;
		for (long i = 0; i < width; i++)
			inner += g[i] * w[i] * in[i];
		inner *= s * s / width;
		float *out = for_x + row * width;
		for (long i = 0; i < width; i++) {
			out[i] = s * (g[i] * w[i] - in[i] * inner);
			for_weight[i] += g[i] * in[i] * s;
		}
	}
}

/* for_weight: [2 * weights, width], two partial sums a weight, so that two
 * threads share the work and the order of summing stays the same. */
void rms_backward(const float *gradient, const float *x, const float *scale,
		  const float *weight, float *for_x, float *for_weight,
		  long rows, long width, long rows_per_weight)
{
	long parts = rows / rows_per_weight * 2;
	long half = (rows_per_weight + 1) / 2;
#pragma omp parallel for schedule(static, 1)
	for (long part = 0; part < parts; part++) {
		long first = part / 2 * rows_per_weight + part % 2 * half;
		long count = part % 2 ? rows_per_weight - half : half;
		rms_backward_rows(gradient + first * width, x + first * width,
				  scale + first, weight + part / 2 * width,
				  for_x + first * width,
				  for_weight + part * width, count, width);
	}
}

/* Each row of in is [a (width) | b (width)]; out = silu(a) * b * gate, with
 * one gate for each of width / expert_width experts (gates NULL: 1). */
void swiglu_forward(const uint16_t *in, const float *gates, uint16_t *out,
		    long rows, long width, long expert_width)
{
	long experts = width / expert_width;
#pragma omp parallel for
	for (long row = 0; row < rows; row++) {
		for (long e = 0; e < experts; e++) {
			long at = row * 2 * width + e * expert_width;
			const uint16_t *a = in + at, *b = a + width;
			uint16_t *o = out + row * width + e * expert_width;
			float gate = gates ? gates[row * experts + e] : 1.0f;
			if (gate == 0.0f) {
				memset(o, 0, expert_width * sizeof *o);
				continue;
			}
			for (long i = 0; i < expert_width; i++) {
				float x = from_bf16(a[i]);
				float s = 1.0f / (1.0f + exponential(-x));
				o[i] = to_bf16(x * s * from_bf16(b[i]) * gate);
			}
		}
	}
}

/* An expert that was not chosen gets no gradient, nor does its gate: the
 * router learns through the gates of the chosen, as with a true dispatch. */
void swiglu_backward(const uint16_t *gradient, const uint16_t *in,
		     const float *gates, uint16_t *for_in, float *for_gates,
		     long rows, long width, long expert_width)
{
	long experts = width / expert_width;
#pragma omp parallel for
	for (long row = 0; row < rows; row++) {
		for (long e = 0; e < experts; e++) {
			long at = row * 2 * width + e * expert_width;
			const uint16_t *a = in + at, *b = a + width;
			const uint16_t *g = gradient + at - row * width;
			uint16_t *for_a = for_in + at, *for_b = for_a + width;
			float gate = gates ? gates[row * experts + e] : 1.0f;
			float sum = 0;
			if (gate == 0.0f) {
				memset(for_a, 0, expert_width * sizeof *for_a);
				memset(for_b, 0, expert_width * sizeof *for_b);
				continue;
			}
			for (long i = 0; i < expert_width; i++) {
				float x = from_bf16(a[i]), y = from_bf16(b[i]);
				float d = from_bf16(g[i]);
				float s = 1.0f / (1.0f + exponential(-x));
				float swish = x * s;
				sum += d * swish * y;
				d *= gate;
				for_b[i] = to_bf16(d * swish);
				s += swish * (1.0f - s);
				for_a[i] = to_bf16(d * y * s);
			}
			if (gates)
				for_gates[row * experts + e] = sum;
		}
	}
}
