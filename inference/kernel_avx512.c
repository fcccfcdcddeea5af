/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here follows kernel_scalar.c step by step, lane for lane; where
 * the two could differ, tests compare them to the bit.  What is bound by memory
 * or rare is taken from kernel_avx2.
 */
#include "inference/kernel_avx512.h"

#include "inference/kernel_store.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "inference/activation_avx2.h"
#include "inference/kernel_avx2.h"
#include "inference/numeric.h"
#include "inference/product_avx512.h"

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE inline __attribute__((always_inline, target(FEATURES)))

#define LANES ((size_t)16)
#define SUMS 8 /* that hide the latency of one another */

static INLINE __mmask16 mask_of(size_t count)
{
	return (__mmask16)(count >= LANES ? 0xffffu : (1u << count) - 1);
}

/* Sixteen elements of keys or values, or those of the mask. */
static INLINE __m512 load_sixteen(enum kernel_store store, const void *from,
				  size_t i, __mmask16 mask)
{
	if (store == KERNEL_F32)
		return _mm512_maskz_loadu_ps(mask, (const float *)from + i);
	if (store == KERNEL_F16)
		return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(
			mask, (const uint16_t *)from + i));
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
		_mm_maskz_loadu_epi8(mask, (const int8_t *)from + i)));
}

/* Some queries against some groups of positions. */
struct size {
	size_t queries;
	size_t groups;
};

static INLINE void score_tile(enum kernel_store store,
			      const struct kernel_score *job, struct size size,
			      size_t query, size_t group)
{
	size_t stride = KERNEL_POSITIONS * job->width;
	const float *queries = job->queries + query * job->query_stride;
	__m512 sums[SUMS];

#pragma GCC unroll 8
	for (size_t i = 0; i < size.queries * size.groups; i++)
		sums[i] = _mm512_setzero_ps();
	for (size_t d = 0; d < job->width; d++) {
#pragma GCC unroll 8
		for (size_t g = 0; g < size.groups; g++) {
			__m512 key = load_sixteen(store, job->keys,
						  (group + g) * stride +
							  d * KERNEL_POSITIONS,
						  0xffff);

#pragma GCC unroll 8
			for (size_t q = 0; q < size.queries; q++) {
				__m512 *sum = &sums[g * size.queries + q];

				*sum = _mm512_fmadd_ps(
					_mm512_set1_ps(
						queries[q * job->query_stride +
							d]),
					key, *sum);
			}
		}
	}
#pragma GCC unroll 8
	for (size_t g = 0; g < size.groups; g++) {
#pragma GCC unroll 8
		for (size_t q = 0; q < size.queries; q++) {
			_mm512_storeu_ps(
				job->scores + (query + q) * job->score_stride +
					(group + g) * LANES,
				sums[g * size.queries + q]);
		}
	}
}

/* All groups for so many queries, by tiles of eight sums. */
static INLINE void score_queries(enum kernel_store store,
				 const struct kernel_score *job, size_t queries,
				 size_t query)
{
	struct size many = { queries, SUMS / queries };
	size_t group = 0;

	for (; group + many.groups <= job->groups; group += many.groups)
		score_tile(store, job, many, query, group);
	for (; group < job->groups; group++)
		score_tile(store, job, (struct size){ queries, 1 }, query,
			   group);
}

static INLINE void score_store(enum kernel_store store,
			       const struct kernel_score *job)
{
	size_t query = 0;

	for (; query + 8 <= job->count; query += 8)
		score_queries(store, job, 8, query);
	for (; query + 4 <= job->count; query += 4)
		score_queries(store, job, 4, query);
	for (; query + 2 <= job->count; query += 2)
		score_queries(store, job, 2, query);
	if (query < job->count)
		score_queries(store, job, 1, query);
}

static TARGET void score(const struct kernel_score *job)
{
	KERNEL_BY_STORE(score_store, job);
}

/* A few queries, a few vectors of their values. */
struct part {
	size_t queries;
	size_t vectors;
};

static INLINE void blend_part(enum kernel_store store,
			      const struct kernel_blend *job, struct part part,
			      size_t query, size_t column, __mmask16 last)
{
	const float *weights = job->weights + query * job->weight_stride;
	float *out = job->out + query * job->out_stride + column;
	__m512 sums[4][4];

#pragma GCC unroll 4
	for (size_t q = 0; q < part.queries; q++) {
#pragma GCC unroll 4
		for (size_t v = 0; v < part.vectors; v++)
			sums[q][v] = _mm512_maskz_loadu_ps(
				last, out + q * job->out_stride + v * LANES);
	}
	for (size_t p = 0; p < job->positions; p++) {
#pragma GCC unroll 4
		for (size_t v = 0; v < part.vectors; v++) {
			__m512 wide = load_sixteen(
				store, job->values,
				p * job->width + column + v * LANES, last);

#pragma GCC unroll 4
			for (size_t q = 0; q < part.queries; q++) {
				sums[q][v] = _mm512_fmadd_ps(
					_mm512_set1_ps(
						weights[q * job->weight_stride +
							p]),
					wide, sums[q][v]);
			}
		}
	}
#pragma GCC unroll 4
	for (size_t q = 0; q < part.queries; q++) {
#pragma GCC unroll 4
		for (size_t v = 0; v < part.vectors; v++) {
			_mm512_mask_storeu_ps(out + q * job->out_stride +
						      v * LANES,
					      last, sums[q][v]);
		}
	}
}

static INLINE void blend_queries(enum kernel_store store,
				 const struct kernel_blend *job, size_t queries,
				 size_t query)
{
	size_t column = 0;

	for (; column + 4 * LANES <= job->width; column += 4 * LANES)
		blend_part(store, job, (struct part){ queries, 4 }, query,
			   column, 0xffff);
	for (; column < job->width; column += LANES)
		blend_part(store, job, (struct part){ queries, 1 }, query,
			   column, mask_of(job->width - column));
}

static INLINE void blend_store(enum kernel_store store,
			       const struct kernel_blend *job)
{
	size_t query = 0;

	for (; query + 4 <= job->count; query += 4)
		blend_queries(store, job, 4, query);
	for (; query < job->count; query++)
		blend_queries(store, job, 1, query);
}

static TARGET void blend(const struct kernel_blend *job)
{
	KERNEL_BY_STORE(blend_store, job);
}

/* The steps of numeric_exp(); see numeric.h. */
static INLINE __m512 exponential(__m512 x)
{
	const __m512 least = _mm512_set1_ps(NUMERIC_EXP_LEAST);
	const __m512 round = _mm512_set1_ps(NUMERIC_ROUND);
	__m512 cut = _mm512_min_ps(x, _mm512_set1_ps(NUMERIC_EXP_MOST));
	__m512 n, r, p, result;
	__m512i two_to_n;

	cut = _mm512_max_ps(cut, least);
	n = _mm512_mul_ps(cut, _mm512_set1_ps(NUMERIC_LOG2E));
	n = _mm512_sub_ps(_mm512_add_ps(n, round), round);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(NUMERIC_LN2_HIGH), cut);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(NUMERIC_LN2_LOW), r);
	p = _mm512_set1_ps(NUMERIC_EXP_P0);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NUMERIC_EXP_P1));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NUMERIC_EXP_P2));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NUMERIC_EXP_P3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NUMERIC_EXP_P4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(NUMERIC_EXP_P5));
	p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r),
			  _mm512_set1_ps(1.0f));
	two_to_n = _mm512_slli_epi32(
		_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)),
		23);
	result = _mm512_mul_ps(p, _mm512_castsi512_ps(two_to_n));
	result = _mm512_mask_mov_ps(result,
				    _mm512_cmp_ps_mask(x, least, _CMP_LT_OQ),
				    _mm512_setzero_ps());
	return _mm512_mask_mov_ps(result,
				  _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
}

/* In the order of kernel.h: lane j + 8 to lane j, and so on in halves. */
static INLINE float sum_of_lanes(__m512 lanes)
{
	__m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes),
				     _mm512_extractf32x8_ps(lanes, 1));
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(eight),
				 _mm256_extractf128_ps(eight, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Places from `at` on that are in [first, end). */
static INLINE __mmask16 places(size_t at, size_t first, size_t end)
{
	__mmask16 until = mask_of(end - at);

	return first > at ? (__mmask16)(until & ~mask_of(first - at)) : until;
}

static TARGET void softmax(float *x, size_t first, size_t end)
{
	size_t begin = first - first % LANES;
	__m512 sum = _mm512_setzero_ps();
	__m512 most = _mm512_set1_ps(x[first]);
	__m512 share;

	/* A NaN is skipped by the comparison, and its sum makes all NaN. */
	for (size_t i = begin; i < end; i += LANES) {
		most = _mm512_mask_max_ps(
			most, places(i, first, end),
			_mm512_maskz_loadu_ps(places(i, first, end), x + i),
			most);
	}
	most = _mm512_set1_ps(_mm512_reduce_max_ps(most));
	for (size_t i = begin; i < end; i += LANES) {
		__mmask16 mask = places(i, first, end);
		__m512 part = _mm512_maskz_loadu_ps(mask, x + i);

		part = exponential(_mm512_sub_ps(part, most));
		_mm512_mask_storeu_ps(x + i, mask, part);
		sum = _mm512_mask_add_ps(sum, mask, sum, part);
	}
	share = _mm512_set1_ps(1.0f / sum_of_lanes(sum));
	for (size_t i = begin; i < end; i += LANES) {
		__mmask16 mask = places(i, first, end);
		__m512 part = _mm512_maskz_loadu_ps(mask, x + i);

		_mm512_mask_storeu_ps(x + i, mask, _mm512_mul_ps(part, share));
	}
}

/* x / (1 + e^-x) * up; the sign is flipped by its bit. */
static TARGET void swiglu(float *gate, const float *up, size_t count)
{
	const __m512 one = _mm512_set1_ps(1.0f);
	const __m512 sign = _mm512_set1_ps(-0.0f);

	for (size_t i = 0; i < count; i += LANES) {
		__mmask16 mask = mask_of(count - i);
		__m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 u = _mm512_maskz_loadu_ps(mask, up + i);
		__m512 e = exponential(_mm512_xor_ps(g, sign));

		g = _mm512_div_ps(g, _mm512_add_ps(one, e));
		_mm512_mask_storeu_ps(gate + i, mask, _mm512_mul_ps(g, u));
	}
}

/* Made at the first call, which is before there are threads. */
const struct kernel *kernel_avx512(void)
{
	static struct kernel avx512;

	if (avx512.name != NULL)
		return &avx512;
	if (!product_avx512_is_there() || kernel_avx2() == NULL)
		return NULL;
	avx512 = *kernel_avx2();
	avx512.name = "avx512";
	avx512.product = product_avx512;
	avx512.score = score;
	avx512.softmax = softmax;
	avx512.blend = blend;
	avx512.swiglu = swiglu;
	return &avx512;
}

#else

const struct kernel *kernel_avx512(void)
{
	return NULL;
}

#endif
