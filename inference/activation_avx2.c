/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/activation_avx2.h"

#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "inference/lanes_avx2.h"

/* As integers magnitudes order as they do as floats, NaNs above all. */
static INLINE_AVX2 float largest(const float *x)
{
	const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
	__m256i most = _mm256_setzero_si256();
	uint32_t lanes[LANES], bits = 0;
	float value;

	for (size_t i = 0; i < PANEL_COLUMNS; i += LANES) {
		__m256i part = _mm256_castps_si256(_mm256_loadu_ps(x + i));

		most = _mm256_max_epu32(most,
					_mm256_and_si256(part, magnitude));
	}
	_mm256_storeu_si256((__m256i *)lanes, most);
	for (size_t i = 0; i < LANES; i++)
		bits = lanes[i] > bits ? lanes[i] : bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Eight values, rounded. */
static INLINE_AVX2 __m256i round_eight(const float *x, __m256 inverse)
{
	return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
}

/* 32 of them as bytes; packing works in halves, which are put back in order. */
static INLINE_AVX2 __m256i round_32(const float *x, __m256 inverse)
{
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256i low = _mm256_packs_epi32(round_eight(x, inverse),
					 round_eight(x + 8, inverse));
	__m256i high = _mm256_packs_epi32(round_eight(x + 16, inverse),
					  round_eight(x + 24, inverse));

	return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high),
					   order);
}

/* The sums of the first and of the second 16 of 32 bytes. */
static INLINE_AVX2 void sum_32(__m256i values, int16_t *of_16)
{
	const __m256i offset = _mm256_set1_epi8((char)0x80);
	__m256i sums = _mm256_sad_epu8(_mm256_xor_si256(values, offset),
				       _mm256_setzero_si256());

	of_16[0] = (int16_t)(_mm256_extract_epi16(sums, 0) +
			     _mm256_extract_epi16(sums, 4) - 16 * 128);
	of_16[1] = (int16_t)(_mm256_extract_epi16(sums, 8) +
			     _mm256_extract_epi16(sums, 12) - 16 * 128);
}

static INLINE_AVX2 void set_block(const float *x, int8_t *values,
				  struct activation_block *out)
{
	float most = largest(x);
	bool is_usual = most >= ACTIVATION_LEAST && isfinite(most);
	__m256 inverse = _mm256_set1_ps(127.0f / most);

	out->sum = 0;
	for (size_t i = 0; i < 8; i++) {
		__m256i part = is_usual ? round_32(x + 32 * i, inverse)
					: _mm256_setzero_si256();

		_mm256_storeu_si256((__m256i *)(values + 32 * i), part);
		sum_32(part, out->of_16 + 2 * i);
		out->of_32[i] =
			(int16_t)(out->of_16[2 * i] + out->of_16[2 * i + 1]);
		out->sum += out->of_32[i];
	}
	out->scale = most / 127.0f;
	if (!is_usual)
		out->scale = isfinite(most) ? 0.0f : NAN;
}

/* Sixteen numbers as bf16; packing works in halves, put back in order. */
static INLINE_AVX2 __m256i narrow_sixteen(__m256 low, __m256 high)
{
	__m256i both = _mm256_packus_epi32(lanes_bf16(low), lanes_bf16(high));

	return _mm256_permute4x64_epi64(both, 0xd8);
}

TARGET_AVX2 void activation_avx2_narrow(const float *x, size_t count,
					uint16_t *out)
{
	float rest[2 * LANES] = { 0 };
	uint16_t narrow[2 * LANES];

	for (; count >= 2 * LANES; count -= 2 * LANES) {
		_mm256_storeu_si256((__m256i *)out,
				    narrow_sixteen(_mm256_loadu_ps(x),
						   _mm256_loadu_ps(x + LANES)));
		x += 2 * LANES;
		out += 2 * LANES;
	}
	if (count == 0)
		return;
	memcpy(rest, x, count * sizeof(*x));
	_mm256_storeu_si256((__m256i *)narrow,
			    narrow_sixteen(_mm256_loadu_ps(rest),
					   _mm256_loadu_ps(rest + LANES)));
	memcpy(out, narrow, count * sizeof(*out));
}

static void set_bf16(const struct activation *activation, size_t row,
		     const float *x, size_t columns)
{
	uint16_t *out = activation->bf16 + row * activation->stride;
	size_t end = activation->blocks * PANEL_COLUMNS;

	activation_avx2_narrow(x, columns, out);
	memset(out + columns, 0, (end - columns) * sizeof(*out));
}

TARGET_AVX2 void activation_avx2(struct activation *activation, size_t row,
				 const float *x, size_t columns)
{
	int8_t *values = activation->values + row * activation->stride;
	struct activation_block *sums =
		activation->sums + row * activation->blocks;
	float rest[PANEL_COLUMNS] = { 0 };

	if (activation->form == ACTIVATION_BF16)
		set_bf16(activation, row, x, columns);
	for (; columns >= PANEL_COLUMNS; columns -= PANEL_COLUMNS) {
		set_block(x, values, sums++);
		values += PANEL_COLUMNS;
		x += PANEL_COLUMNS;
	}
	if (columns > 0) {
		memcpy(rest, x, columns * sizeof(*rest));
		set_block(rest, values, sums);
	}
}

#else

void activation_avx2_narrow(const float *x, size_t count, uint16_t *out)
{
	activation_narrow(x, count, out);
}

void activation_avx2(struct activation *activation, size_t row, const float *x,
		     size_t columns)
{
	activation_set(activation, row, x, columns);
}

#endif
