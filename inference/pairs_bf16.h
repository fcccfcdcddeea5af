/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_bf16: a row of a tile of bf16: two vectors of sixteen floats, rounded,
 * element by element in turn.
 *
 * For functions whose target has avx512bf16, which this is inlined in.
 */
#ifndef INFERENCE_PAIRS_BF16_H
#define INFERENCE_PAIRS_BF16_H

#include <immintrin.h>
#include <stdint.h>

/* out[32], at a multiple of 64. */
static inline __attribute__((always_inline,
			     target("avx512f,avx512bw,avx512bf16"))) void
pairs_bf16_store(__m512 first, __m512 second, uint16_t *out)
{
	const __m512i order = _mm512_set_epi16(
		31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
		23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
	__m512i both = (__m512i)_mm512_cvtne2ps_pbh(second, first);

	_mm512_store_si512(out, _mm512_permutexvar_epi16(order, both));
}

#endif
