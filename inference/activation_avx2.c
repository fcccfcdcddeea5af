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

/* Eight numbers as bf16, in the lower halves of lanes; NaNs stay NaNs. */
static INLINE_AVX2 __m256i bf16_of_eight(const float *x)
{
	const __m256i one = _mm256_set1_epi32(1);
	__m256 value = _mm256_loadu_ps(x);
	__m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value);
	__m256 is_least = _mm256_cmp_ps(
		magnitude, _mm256_set1_ps(ACTIVATION_BF16_LEAST), _CMP_LT_OQ);
	__m256 is_nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
	__m256i bits = _mm256_castps_si256(_mm256_andnot_ps(is_least, value));
	__m256i upper = _mm256_srli_epi32(bits, 16);
	__m256i round = _mm256_add_epi32(_mm256_set1_epi32(0x7fff),
					 _mm256_and_si256(upper, one));
	__m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, round), 16);
	__m256i nan = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));

	return _mm256_blendv_epi8(rounded, nan, _mm256_castps_si256(is_nan));
}

static INLINE_AVX2 void set_bf16(const float *x, uint16_t *out)
{
	for (size_t i = 0; i < PANEL_COLUMNS; i += 2 * LANES) {
		__m256i both = _mm256_packus_epi32(
			bf16_of_eight(x + i), bf16_of_eight(x + i + LANES));

		/* Packing works in halves, which are put back in order. */
		_mm256_storeu_si256((__m256i *)(out + i),
				    _mm256_permute4x64_epi64(both, 0xd8));
	}
}

static INLINE_AVX2 void set_bf16_row(const float *x, size_t columns,
				     uint16_t *out)
{
	float rest[PANEL_COLUMNS] = { 0 };

	for (; columns >= PANEL_COLUMNS; columns -= PANEL_COLUMNS) {
		set_bf16(x, out);
		x += PANEL_COLUMNS;
		out += PANEL_COLUMNS;
	}
	if (columns > 0) {
		memcpy(rest, x, columns * sizeof(*rest));
		set_bf16(rest, out);
	}
}

TARGET_AVX2 void activation_avx2(struct activation *activation, size_t row,
				 const float *x, size_t columns)
{
	int8_t *values = activation->values + row * activation->stride;
	struct activation_block *sums =
		activation->sums + row * activation->blocks;
	float rest[PANEL_COLUMNS] = { 0 };

	if (activation->form == ACTIVATION_BF16)
		set_bf16_row(x, columns,
			     activation->bf16 + row * activation->stride);
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

void activation_avx2(struct activation *activation, size_t row, const float *x,
		     size_t columns)
{
	activation_set(activation, row, x, columns);
}

#endif
