/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes_avx2: the eight lanes of kernel.h in one register.
 *
 * The compiler's flags stay those of any x86-64 machine: each function names
 * the instruction set that it needs, and kernel_avx2() asks the processor
 * before any of them runs.
 */
#ifndef INFERENCE_LANES_AVX2_H
#define INFERENCE_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>

#include "inference/activation.h"

#define LANES ((size_t)8)
#define TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
/* Inlined wherever it is used, so that formats and sizes are constants there
 * and loops over them unroll into registers. */
#define INLINE_AVX2 \
	inline __attribute__((always_inline, target("avx2,fma,f16c")))

/* Lane j is all ones where j < count. */
static INLINE_AVX2 __m256i lanes_mask(size_t count)
{
	const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes);
}

/* The first count < 8 floats; the other lanes are zero, and their memory is
 * not touched. */
static INLINE_AVX2 __m256 lanes_load_short(const float *from, size_t count)
{
	return _mm256_maskload_ps(from, lanes_mask(count));
}

/* As activation_bf16(), in the lower halves of lanes; a NaN stays one. */
static INLINE_AVX2 __m256i lanes_bf16(__m256 x)
{
	__m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
	__m256 is_least = _mm256_cmp_ps(
		magnitude, _mm256_set1_ps(ACTIVATION_BF16_LEAST), _CMP_LT_OQ);
	__m256 is_nan = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
	__m256i bits = _mm256_castps_si256(_mm256_andnot_ps(is_least, x));
	__m256i upper = _mm256_srli_epi32(bits, 16);
	__m256i round =
		_mm256_add_epi32(_mm256_set1_epi32(0x7fff),
				 _mm256_and_si256(upper, _mm256_set1_epi32(1)));
	__m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, round), 16);
	__m256i nan = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));

	return _mm256_blendv_epi8(rounded, nan, _mm256_castps_si256(is_nan));
}

/* The value of a bf16 in every lane. */
static INLINE_AVX2 __m256 lanes_spread_bf16(uint16_t bf16)
{
	return _mm256_castsi256_ps(
		_mm256_set1_epi32((int)((uint32_t)bf16 << 16)));
}

/* In the order that kernel.h lays down. */
static INLINE_AVX2 float lanes_sum(__m256 lanes)
{
	__m128 low = _mm256_castps256_ps128(lanes);
	__m128 four = _mm_add_ps(low, _mm256_extractf128_ps(lanes, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#endif
