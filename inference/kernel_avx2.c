/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here follows kernel_scalar.c step by step, lane for lane; where
 * the two could differ, tests compare them to the bit.
 */
#include "inference/kernel_avx2.h"

#include "inference/kernel_store.h"

#if defined(__x86_64__)

#include <string.h>

#include "inference/activation_avx2.h"
#include "inference/lanes_avx2.h"
#include "inference/multiply_avx2.h"
#include "inference/numeric.h"
#include "inference/product_avx2.h"
#include "inference/product_bf16.h"

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

/* Lanes of the places from `at` on that are in [first, end). */
static INLINE_AVX2 __m256i places_mask(size_t at, size_t first, size_t end)
{
	size_t before = first > at ? first - at : 0;
	size_t until = end > at ? end - at : 0;

	return _mm256_andnot_si256(lanes_mask(before < LANES ? before : LANES),
				   lanes_mask(until < LANES ? until : LANES));
}

static TARGET_AVX2 void softmax(float *x, size_t first, size_t end)
{
	float most = x[first];
	__m256 sums[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	size_t begin = first - first % (2 * LANES);
	__m256 shift, share;

	for (size_t i = first + 1; i < end; i++)
		most = x[i] > most ? x[i] : most;
	shift = _mm256_set1_ps(most);
	for (size_t i = begin; i < end; i += LANES) {
		__m256i mask = places_mask(i, first, end);
		__m256 part = _mm256_maskload_ps(x + i, mask);
		__m256 *sum = &sums[i / LANES % 2];

		part = exponential(_mm256_sub_ps(part, shift));
		part = _mm256_and_ps(part, _mm256_castsi256_ps(mask));
		_mm256_maskstore_ps(x + i, mask, part);
		*sum = _mm256_add_ps(*sum, part);
	}
	share = _mm256_set1_ps(1.0f /
			       lanes_sum(_mm256_add_ps(sums[0], sums[1])));
	for (size_t i = begin; i < end; i += LANES) {
		__m256i mask = places_mask(i, first, end);
		__m256 part = _mm256_maskload_ps(x + i, mask);

		_mm256_maskstore_ps(x + i, mask, _mm256_mul_ps(part, share));
	}
}

/* Eight elements of keys or values, from number i on. */
static INLINE_AVX2 __m256 load_eight(enum kernel_store store, const void *from,
				     size_t i)
{
	const uint16_t *halves = from;
	const uint8_t *bytes = from;

	if (store == KERNEL_F32)
		return _mm256_loadu_ps((const float *)from + i);
	if (store == KERNEL_F16)
		return _mm256_cvtph_ps(
			_mm_loadu_si128((const __m128i *)(halves + i)));
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
		_mm_loadl_epi64((const __m128i *)(bytes + i))));
}

/* The last count < 8 of a value. */
static INLINE_AVX2 __m256 load_short(enum kernel_store store, const void *from,
				     size_t i, size_t count)
{
	uint16_t halves[LANES] = { 0 };
	uint8_t bytes[LANES] = { 0 };

	if (store == KERNEL_F32)
		return lanes_load_short((const float *)from + i, count);
	if (store == KERNEL_F16) {
		memcpy(halves, (const uint16_t *)from + i,
		       count * sizeof(*halves));
		return load_eight(store, halves, 0);
	}
	memcpy(bytes, (const uint8_t *)from + i, count);
	return load_eight(store, bytes, 0);
}

static INLINE_AVX2 void score_store(enum kernel_store store,
				    const struct kernel_score *job)
{
	size_t group = KERNEL_POSITIONS * job->width;

	for (size_t i = 0; i < job->count * job->groups; i++) {
		size_t q = i / job->groups, g = i % job->groups;
		const float *query = job->queries + q * job->query_stride;
		float *scores = job->scores + q * job->score_stride +
				g * KERNEL_POSITIONS;
		__m256 low = _mm256_setzero_ps(), high = low;

		for (size_t d = 0; d < job->width; d++) {
			size_t at = g * group + d * KERNEL_POSITIONS;
			__m256 one = _mm256_set1_ps(query[d]);

			low = _mm256_fmadd_ps(
				one, load_eight(store, job->keys, at), low);
			high = _mm256_fmadd_ps(
				one, load_eight(store, job->keys, at + LANES),
				high);
		}
		_mm256_storeu_ps(scores, low);
		_mm256_storeu_ps(scores + LANES, high);
	}
}

static TARGET_AVX2 void score(const struct kernel_score *job)
{
	KERNEL_BY_STORE(score_store, job);
}

/* Eight elements of one query's blend. */
static INLINE_AVX2 void blend_eight(enum kernel_store store,
				    const struct kernel_blend *job, size_t q,
				    size_t c)
{
	const float *weights = job->weights + q * job->weight_stride;
	float *out = job->out + q * job->out_stride + c;
	size_t left = job->width - c;
	__m256i mask = lanes_mask(left < LANES ? left : LANES);
	__m256 sum = _mm256_maskload_ps(out, mask);

	for (size_t p = 0; p < job->positions; p++) {
		size_t at = p * job->width + c;
		__m256 eight =
			left < LANES ? load_short(store, job->values, at, left)
				     : load_eight(store, job->values, at);

		sum = _mm256_fmadd_ps(_mm256_set1_ps(weights[p]), eight, sum);
	}
	_mm256_maskstore_ps(out, mask, sum);
}

static INLINE_AVX2 void blend_store(enum kernel_store store,
				    const struct kernel_blend *job)
{
	for (size_t q = 0; q < job->count; q++)
		for (size_t c = 0; c < job->width; c += LANES)
			blend_eight(store, job, q, c);
}

static TARGET_AVX2 void blend(const struct kernel_blend *job)
{
	KERNEL_BY_STORE(blend_store, job);
}

/* As bf16 has them. */
static INLINE_AVX2 __m256 round_bf16(__m256 x)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(lanes_bf16(x), 16));
}

/* Eight positions' scores with one query. */
static INLINE_AVX2 __m256 score_eight_bf16(enum kernel_store store,
					   const struct kernel_score_bf16 *job,
					   const uint16_t *query, size_t first)
{
	__m256 sum = _mm256_setzero_ps();

	for (size_t i = 0; i < job->width; i += 32) {
		__m256 part[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

		for (size_t d = i; d < i + 32 && d < job->width; d++) {
			__m256 key = round_bf16(
				load_eight(store, job->keys,
					   first + d * KERNEL_POSITIONS));

			part[d % 2] = _mm256_fmadd_ps(
				lanes_spread_bf16(query[d]), key, part[d % 2]);
		}
		sum = _mm256_add_ps(sum, _mm256_add_ps(part[0], part[1]));
	}
	return sum;
}

static INLINE_AVX2 void score_bf16_store(enum kernel_store store,
					 const struct kernel_score_bf16 *job)
{
	size_t group = KERNEL_POSITIONS * job->width;

	for (size_t i = 0; i < job->count * job->groups; i++) {
		size_t q = i / job->groups, g = i % job->groups;
		const uint16_t *query = job->queries + q * job->query_stride;
		float *scores = job->scores + q * job->score_stride +
				g * KERNEL_POSITIONS;

		for (size_t h = 0; h < KERNEL_POSITIONS; h += LANES) {
			_mm256_storeu_ps(scores + h,
					 score_eight_bf16(store, job, query,
							  g * group + h));
		}
	}
}

static TARGET_AVX2 void score_bf16(const struct kernel_score_bf16 *job)
{
	KERNEL_BY_STORE(score_bf16_store, job);
}

/* Eight elements of one query's blend, or the last ones of it. */
static INLINE_AVX2 void blend_eight_bf16(enum kernel_store store,
					 const struct kernel_blend_bf16 *job,
					 size_t q, size_t c)
{
	const uint16_t *weights = job->weights + q * job->weight_stride;
	float *out = job->out + q * job->out_stride + c;
	size_t left = job->width - c;
	__m256i mask = lanes_mask(left < LANES ? left : LANES);
	__m256 sum = _mm256_maskload_ps(out, mask);

	for (size_t first = 0; first < job->positions; first += 32) {
		__m256 part[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

		for (size_t p = first; p < first + 32; p++) {
			size_t at = p * job->width + c;
			__m256 eight =
				left < LANES
					? load_short(store, job->values, at,
						     left)
					: load_eight(store, job->values, at);

			part[p % 2] =
				_mm256_fmadd_ps(lanes_spread_bf16(weights[p]),
						round_bf16(eight), part[p % 2]);
		}
		sum = _mm256_add_ps(sum, _mm256_add_ps(part[0], part[1]));
	}
	_mm256_maskstore_ps(out, mask, sum);
}

static INLINE_AVX2 void blend_bf16_store(enum kernel_store store,
					 const struct kernel_blend_bf16 *job)
{
	for (size_t q = 0; q < job->count; q++)
		for (size_t c = 0; c < job->width; c += LANES)
			blend_eight_bf16(store, job, q, c);
}

static TARGET_AVX2 void blend_bf16(const struct kernel_blend_bf16 *job)
{
	KERNEL_BY_STORE(blend_bf16_store, job);
}

/* NaNs keep some of their bits here and lose them in half_of(): no number
 * that is none gets this far. */
static TARGET_AVX2 void narrow(const float *x, size_t count, uint16_t *out)
{
	uint16_t rest[LANES];
	size_t i;

	for (i = 0; i + LANES <= count; i += LANES) {
		_mm_storeu_si128((__m128i *)(out + i),
				 _mm256_cvtps_ph(_mm256_loadu_ps(x + i),
						 _MM_FROUND_TO_NEAREST_INT));
	}
	if (i == count)
		return;
	_mm_storeu_si128((__m128i *)rest,
			 _mm256_cvtps_ph(lanes_load_short(x + i, count - i),
					 _MM_FROUND_TO_NEAREST_INT));
	memcpy(out + i, rest, (count - i) * sizeof(*out));
}

static TARGET_AVX2 void add_scaled(float scale, const float *x, size_t count,
				   float *out)
{
	__m256 by = _mm256_set1_ps(scale);

	for (size_t i = 0; i < count; i += LANES) {
		__m256i mask =
			lanes_mask(count - i < LANES ? count - i : LANES);
		__m256 part = _mm256_maskload_ps(out + i, mask);

		part = _mm256_fmadd_ps(by, _mm256_maskload_ps(x + i, mask),
				       part);
		_mm256_maskstore_ps(out + i, mask, part);
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
	.product = product_avx2,
	.product_bf16 = product_bf16_avx2,
	.set_row = activation_avx2,
	.multiply = multiply_avx2,
	.dot = dot,
	.score = score,
	.softmax = softmax,
	.blend = blend,
	.score_bf16 = score_bf16,
	.blend_bf16 = blend_bf16,
	.swiglu = swiglu,
	.narrow = narrow,
	.narrow_bf16 = activation_avx2_narrow,
	.add_scaled = add_scaled,
};

const struct kernel *kernel_avx2(void)
{
	return product_avx2_is_there() ? &avx2 : NULL;
}

#else

const struct kernel *kernel_avx2(void)
{
	return NULL;
}

#endif
