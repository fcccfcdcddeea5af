/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here follows kernel_scalar.c step by step, lane for lane; where
 * the two could differ, tests compare them to the bit.
 */
#include "inference/kernel_avx2.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include "inference/lanes_avx2.h"
#include "inference/multiply_avx2.h"
#include "inference/numeric.h"

/* A short end is loaded as zeros, which the definition counts it as. */
static TARGET_AVX2 float dot(const float *a, const float *b, size_t count)
{
	__m256 sum = _mm256_setzero_ps();
	size_t i;

	for (i = 0; i + LANES <= count; i += LANES)
		sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i),
				      _mm256_loadu_ps(b + i), sum);
	if (i < count)
		sum = _mm256_fmadd_ps(lanes_load_short(a + i, count - i),
				      lanes_load_short(b + i, count - i), sum);
	return lanes_sum(sum);
}

/* Columns [at, at + 8 * vectors), or `mask` of them where vectors is 1. */
static INLINE_AVX2 void blend_columns(const float *weights,
				      const struct matrix *values, float *out,
				      size_t vectors, __m256i mask)
{
	const uint8_t *row = values->data;
	__m256 sum[4];

#pragma GCC unroll 4
	for (size_t v = 0; v < vectors; v++)
		sum[v] = _mm256_maskload_ps(out + v * LANES, mask);
	for (size_t r = 0; r < values->rows; r++) {
		const float *from = (const float *)row;
		__m256 weight = _mm256_set1_ps(weights[r]);
		__m256 value;

#pragma GCC unroll 4
		for (size_t v = 0; v < vectors; v++) {
			value = _mm256_maskload_ps(from + v * LANES, mask);
			sum[v] = _mm256_fmadd_ps(weight, value, sum[v]);
		}
		row += values->stride;
	}
#pragma GCC unroll 4
	for (size_t v = 0; v < vectors; v++)
		_mm256_maskstore_ps(out + v * LANES, mask, sum[v]);
}

/* Columns do not meet, so any cut of them gives the same sums. */
static TARGET_AVX2 void blend(const float *weights, const struct matrix *values,
			      float *out)
{
	const __m256i all = _mm256_set1_epi32(-1);
	struct matrix rest = *values;

	while (rest.columns > 0) {
		size_t width = rest.columns;

		if (width >= 4 * LANES) {
			blend_columns(weights, &rest, out, 4, all);
			width = 4 * LANES;
		} else if (width >= LANES) {
			blend_columns(weights, &rest, out, 1, all);
			width = LANES;
		} else {
			blend_columns(weights, &rest, out, 1,
				      lanes_mask(width));
		}
		rest.columns -= width;
		rest.data += width * sizeof(float);
		out += width;
	}
}

/* The steps of numeric_exp(); see numeric.h. */
static INLINE_AVX2 __m256 exponential(__m256 x)
{
	const __m256 least = _mm256_set1_ps(NUMERIC_EXP_LEAST);
	const __m256 round = _mm256_set1_ps(NUMERIC_ROUND);
	__m256 cut = _mm256_min_ps(x, _mm256_set1_ps(NUMERIC_EXP_MOST));
	__m256 n, r, p, two_to_n, result;

	cut = _mm256_max_ps(cut, least);
	n = _mm256_mul_ps(cut, _mm256_set1_ps(NUMERIC_LOG2E));
	n = _mm256_sub_ps(_mm256_add_ps(n, round), round);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(NUMERIC_LN2_HIGH), cut);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(NUMERIC_LN2_LOW), r);
	p = _mm256_set1_ps(NUMERIC_EXP_P0);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NUMERIC_EXP_P1));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NUMERIC_EXP_P2));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NUMERIC_EXP_P3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NUMERIC_EXP_P4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(NUMERIC_EXP_P5));
	p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r),
			  _mm256_set1_ps(1.0f));
	two_to_n = _mm256_castsi256_ps(_mm256_slli_epi32(
		_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)),
		23));
	result = _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ),
				  _mm256_mul_ps(p, two_to_n));
	return _mm256_blendv_ps(result, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

/* Short rows take the same steps in a register's worth of memory. */
static TARGET_AVX2 void softmax(float *x, size_t count)
{
	float most = x[0];
	__m256 sum = _mm256_setzero_ps();
	__m256 shift, total;

	for (size_t i = 1; i < count; i++)
		most = x[i] > most ? x[i] : most;
	shift = _mm256_set1_ps(most);
	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = lanes_mask(left);
		__m256 part = _mm256_maskload_ps(x + i, mask);

		part = exponential(_mm256_sub_ps(part, shift));
		part = _mm256_and_ps(part, _mm256_castsi256_ps(mask));
		_mm256_maskstore_ps(x + i, mask, part);
		sum = _mm256_add_ps(sum, part);
	}
	total = _mm256_set1_ps(lanes_sum(sum));
	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = lanes_mask(left);
		__m256 part = _mm256_maskload_ps(x + i, mask);

		_mm256_maskstore_ps(x + i, mask, _mm256_div_ps(part, total));
	}
}

/* x / (1 + e^-x) * up; the sign is flipped by its bit. */
static TARGET_AVX2 void swiglu(float *gate, const float *up, size_t count)
{
	const __m256 one = _mm256_set1_ps(1.0f);
	const __m256 sign = _mm256_set1_ps(-0.0f);

	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = lanes_mask(left);
		__m256 g = _mm256_maskload_ps(gate + i, mask);
		__m256 u = _mm256_maskload_ps(up + i, mask);
		__m256 e = exponential(_mm256_xor_ps(g, sign));

		g = _mm256_div_ps(g, _mm256_add_ps(one, e));
		_mm256_maskstore_ps(gate + i, mask, _mm256_mul_ps(g, u));
	}
}

static const struct kernel avx2 = {
	.name = "avx2",
	.multiply = multiply_avx2,
	.dot = dot,
	.blend = blend,
	.softmax = softmax,
	.swiglu = swiglu,
};

/* Asked by hand: clang 14's builtin does not know the name. */
static bool has_half_floats(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

const struct kernel *kernel_avx2(void)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    has_half_floats())
		return &avx2;
	return NULL;
}

#else

const struct kernel *kernel_avx2(void)
{
	return NULL;
}

#endif
