/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of a panel is unpacked once into signed bytes, and then multiplied
 * with one row of activations after the other.  A vector has eight of the
 * sixteen outputs.
 */
#include "inference/product_avx2.h"

#include "inference/product_formats.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define INLINE inline __attribute__((always_inline, target("avx2,fma,f16c")))

#define HALF 32 /* bytes: four columns of eight outputs */
#define VECTORS (2 * PANEL_COLUMNS / 4)

/* Vector 2i + h: columns 4i to 4i + 3 of outputs 8h to 8h + 7. */
struct unpacked {
	__m256i of[VECTORS];
};

static INLINE __m256i load(const uint8_t *from)
{
	return _mm256_loadu_si256((const __m256i *)from);
}

/* Vector v of a plane of 2 or 4 bits, with other bits above. */
static INLINE __m256i load_bits(const uint8_t *plane, unsigned bits, size_t v)
{
	size_t i = v / 2, span = 32 / bits; /* vectors that share bytes */
	const uint8_t *from =
		plane + i / span * 256 + i % 4 * 64 + v % 2 * HALF;
	__m128i shift = _mm_cvtsi32_si128((int)(i % span / 4 * bits));

	return _mm256_and_si256(_mm256_srl_epi16(load(from), shift),
				_mm256_set1_epi8((char)((1u << bits) - 1)));
}

/* 16 in each byte whose bit is set. */
static INLINE __m256i load_fifth_bits(const uint8_t *plane, size_t v)
{
	const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
						1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
						2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
	uint32_t mask;
	__m256i bytes;

	memcpy(&mask, plane + 4 * v, sizeof(mask));
	bytes = _mm256_shuffle_epi8(_mm256_set1_epi32((int)mask), spread);
	bytes = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
	return _mm256_and_si256(bytes, _mm256_set1_epi8(16));
}

static INLINE __m256i load_integers(const struct panel_form *form,
				    const uint8_t *block, size_t v)
{
	__m256i low, high;

	if (form->bits == 8)
		return load(block + HALF * v);
	if (form->bits == 2)
		return load_bits(block, 2, v);
	low = load_bits(block, 4, v);
	if (form->bits == 4)
		return low;
	if (form->bits == 5)
		return _mm256_or_si256(low, load_fifth_bits(block + 2048, v));
	high = load_bits(block + 2048, 2, v);
	return _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
}

static INLINE void unpack(const struct panel_form *form, const uint8_t *block,
			  struct unpacked *out)
{
	const __m256i zero = _mm256_set1_epi8((char)form->zero);

	for (size_t v = 0; v < VECTORS; v++) {
		__m256i q = load_integers(form, block, v);

		if (form->factor == 2)
			q = _mm256_add_epi8(q, q);
		out->of[v] = _mm256_sub_epi8(q, zero);
	}
}

/* Products of columns [first, first + count) of eight outputs. */
static INLINE __m256i dot(const __m256i *weights, const int8_t *x, size_t first,
			  size_t count)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i sum = _mm256_setzero_si256();

	for (size_t c = first; c < first + count; c += 4) {
		__m256i w = weights[c / 2];
		__m256i four, pairs;
		int32_t columns;

		memcpy(&columns, x + c, sizeof(columns));
		/* No pair overflows: 128 * 127 * 2 is below 2^15. */
		four = _mm256_sign_epi8(_mm256_set1_epi32(columns), w);
		pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), four);
		sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
	}
	return sum;
}

/* A block, for eight of its outputs. */
struct eight {
	const struct panel_form *form;
	const uint8_t *block;
	const __m256i *weights; /* every second one */
	size_t half;		/* which eight */
};

/* Integer scales or minima of a part; pairs lie `step` bytes apart. */
static INLINE __m256i load_part(const struct eight *eight, size_t part)
{
	const struct panel_form *form = eight->form;
	const uint8_t *from = eight->block + form->parts;
	__m128i bytes;

	if (form->minima == form->parts && form->has_minimum) {
		__m256i pairs = _mm256_cvtepu16_epi32(
			_mm_loadu_si128((const __m128i *)(from + part / 2 * 32 +
							  16 * eight->half)));

		if (part % 2 == 1)
			pairs = _mm256_srli_epi32(pairs, 8);
		return _mm256_and_si256(pairs, _mm256_set1_epi32(15));
	}
	bytes = _mm_loadl_epi64(
		(const __m128i *)(from + 16 * part + 8 * eight->half));
	return form->has_minimum ? _mm256_cvtepu8_epi32(bytes)
				 : _mm256_cvtepi8_epi32(bytes);
}

static INLINE __m256i sum_group(const struct eight *eight, const int8_t *x,
				size_t first)
{
	const struct panel_form *form = eight->form;
	__m256i sum = _mm256_setzero_si256();

	if (form->part == 0)
		return dot(eight->weights, x, first, form->group);
	for (size_t c = 0; c < form->group; c += form->part) {
		sum = _mm256_add_epi32(
			sum, _mm256_mullo_epi32(
				     dot(eight->weights, x, c, form->part),
				     load_part(eight, c / form->part)));
	}
	return sum;
}

static INLINE __m256i sum_minima(const struct eight *eight,
				 const struct activation_block *x)
{
	const struct panel_form *form = eight->form;
	const int16_t *sums = form->part == 16 ? x->of_16 : x->of_32;
	__m256i sum = _mm256_setzero_si256();

	for (size_t j = 0; j < PANEL_COLUMNS / 2 / form->part; j++) {
		__m256i minima = _mm256_cvtepu8_epi16(_mm_loadu_si128(
			(const __m128i *)(eight->block + form->minima + 32 * j +
					  16 * eight->half)));
		int32_t both;

		if (form->minima == form->parts)
			minima = _mm256_srli_epi16(minima, 4);
		memcpy(&both, sums + 2 * j, sizeof(both));
		sum = _mm256_add_epi32(
			sum,
			_mm256_madd_epi16(minima, _mm256_set1_epi32(both)));
	}
	return sum;
}

static INLINE __m256 load_scales(const struct eight *eight, size_t index)
{
	const uint8_t *from = eight->block + eight->form->scales;

	if (eight->form->group == PANEL_COLUMNS && eight->form->part == 0)
		return _mm256_loadu_ps((const float *)from + 8 * eight->half);
	return _mm256_cvtph_ps(_mm_loadu_si128(
		(const __m128i *)(from + 32 * index + 16 * eight->half)));
}

/* `part` of product.h. */
static INLINE __m256 multiply_block(const struct eight *eight, const int8_t *x,
				    const struct activation_block *sums)
{
	const struct panel_form *form = eight->form;
	__m256 part = _mm256_setzero_ps();

	for (size_t c = 0; c < PANEL_COLUMNS; c += form->group) {
		part = _mm256_fmadd_ps(
			_mm256_cvtepi32_ps(sum_group(eight, x, c)),
			load_scales(eight, c / form->group), part);
	}
	if (form->has_minimum) {
		part = _mm256_fnmadd_ps(
			_mm256_cvtepi32_ps(sum_minima(eight, sums)),
			load_scales(eight, 1), part);
	}
	return part;
}

static INLINE __m256i outputs_of(const struct product *product, size_t output)
{
	const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	size_t left = product->outputs > output ? product->outputs - output : 0;

	return _mm256_cmpgt_epi32(_mm256_set1_epi32(left > 8 ? 8 : (int)left),
				  lanes);
}

/* Eight outputs of one block, for all rows; block 0 begins their sums. */
static INLINE void add_eight(const struct eight *eight,
			     const struct product *product, size_t output,
			     size_t b)
{
	const struct activation *x = product->x;
	__m256i mask = outputs_of(product, output);

	for (size_t r = 0; r < product->rows; r++) {
		const struct activation_block *sums =
			x->sums + r * x->blocks + b;
		float *out = product->out + r * product->stride + output;
		__m256 part = multiply_block(
			eight, x->values + r * x->stride + b * PANEL_COLUMNS,
			sums);
		__m256 result = b == 0 ? _mm256_setzero_ps()
				       : _mm256_maskload_ps(out, mask);

		_mm256_maskstore_ps(out, mask,
				    _mm256_fmadd_ps(part,
						    _mm256_set1_ps(sums->scale),
						    result));
	}
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *block = product->panels;
	struct unpacked weights;

	for (size_t o = 0; o < product->outputs; o += PANEL_ROWS) {
		for (size_t b = 0; b < product->x->blocks; b++) {
			unpack(form, block, &weights);
			for (size_t h = 0; h < 2; h++) {
				struct eight eight = { form, block,
						       weights.of + h, h };

				add_eight(&eight, product, o + 8 * h, b);
			}
			block += form->bytes;
		}
	}
}

PRODUCT_DISPATCH()

void product_avx2(const struct product *product)
{
	compute_by_format(product);
}

/* Asked by hand: clang 14's builtin does not know the name. */
static bool has_half_floats(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

bool product_avx2_is_there(void)
{
	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("fma") && has_half_floats();
}

#else

bool product_avx2_is_there(void)
{
	return false;
}

void product_avx2(const struct product *product)
{
	product_scalar(product);
}

#endif
