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

/* In the order that kernel.h lays down. */
static INLINE_AVX2 float lanes_sum(__m256 lanes)
{
	__m128 low = _mm256_castps256_ps128(lanes);
	__m128 four = _mm_add_ps(low, _mm256_extractf128_ps(lanes, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#endif
