/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per panel and block: weights are unpacked once into signed bytes, as tiles
 * that all rows of activations are multiplied with, sixteen rows at a time;
 * what the tiles hold, integers, is then scaled as product.h lays down.
 *
 *     A  16 rows of activations x 64 (or 32) columns
 *     B  16 (or 8) times 4 columns x 16 outputs: a panel's vectors
 *     C  16 rows x 16 outputs, 32-bit
 *
 * Integer scales are multiplied into the weights.  Where the product needs more
 * than a byte it is split into two, high * 2^shift + low, and so into two
 * tiles; that is exact, and cheaper than to scale between short tiles.
 */
#include "inference/product_amx.h"

#include "inference/product_avx512.h"
#include "inference/product_formats.h"

#if defined(__x86_64__)

#include <asm/prctl.h>
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inference/product_part.h"
#include "inference/tiles_amx.h"

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE inline __attribute__((always_inline, target(FEATURES)))

/* Below this, unpacking and half-empty tiles cost more than they save. */
#define ROWS_MIN 12
/* What of weights, results and products is used at once fits the first cache,
 * so that only activations come from the second, once for all panels. */
#define ROWS_AT_ONCE 128
#define PANELS_AT_ONCE 4
#define GROUPS 8 /* of 32 columns in a block */
#define PLANES 2

/* A block of a panel as tiles. */
struct unpacked {
	int8_t planes[PLANES][PANEL_COLUMNS * PANEL_ROWS];
} __attribute__((aligned(64)));

/* Two tiles of products. */
struct products {
	int32_t of[2][TILE_ROWS * PANEL_ROWS];
} __attribute__((aligned(64)));

/* Formats whose weights, times their integer scales, exceed a byte. */
static INLINE unsigned shift_of(enum panel_format format)
{
	if (format == PANEL_Q6_K)
		return 6;
	return format == PANEL_Q4_K || format == PANEL_Q5_K ? 4 : 0;
}

static INLINE __m512i load(const void *from)
{
	return _mm512_loadu_si512(from);
}

/* By a count in a register: compilers disagree on the type of a constant. */
static INLINE __m512i shift_right(__m512i x, size_t bits)
{
	return _mm512_srl_epi16(x, _mm_cvtsi64_si128((long long)bits));
}

/* The same for signed numbers. */
static INLINE __m512i shift_down(__m512i x, size_t bits)
{
	return _mm512_sra_epi16(x, _mm_cvtsi64_si128((long long)bits));
}

/* Vector i of a block: columns 4i to 4i + 3 of 16 outputs, unsigned. */
static INLINE __m512i load_integers(enum panel_format format,
				    const uint8_t *block, size_t i)
{
	const __m512i one_bit = _mm512_set1_epi8(16);
	const __m512i two_bits = _mm512_set1_epi8(3);
	const __m512i four_bits = _mm512_set1_epi8(15);
	unsigned bits = panel_forms[format].bits;
	__m512i low, high;
	uint64_t mask;

	if (bits == 8)
		return load(block + 64 * i);
	high = load(block + (bits == 2 ? 0 : 2048) + i / 16 * 256 + i % 4 * 64);
	high = _mm512_and_si512(shift_right(high, i % 16 / 4 * 2), two_bits);
	if (bits == 2)
		return high;
	low = load(block + i / 8 * 256 + i % 4 * 64);
	low = _mm512_and_si512(shift_right(low, i % 8 / 4 * 4), four_bits);
	if (bits == 6)
		return _mm512_or_si512(low, _mm512_slli_epi16(high, 4));
	if (bits == 4)
		return low;
	memcpy(&mask, block + 2048 + 8 * i, sizeof(mask));
	return _mm512_mask_add_epi8(low, _cvtu64_mask64(mask), low, one_bit);
}

/* factor * q - zero */
static INLINE __m512i load_values(enum panel_format format,
				  const uint8_t *block, size_t i)
{
	const struct panel_form *form = &panel_forms[format];
	__m512i q = load_integers(format, block, i);

	if (form->factor == 2)
		q = _mm512_add_epi8(q, q);
	return _mm512_sub_epi8(q, _mm512_set1_epi8((char)form->zero));
}

/* The integer scales of a part, one in each 16-bit lane of its output. */
static INLINE __m512i load_part_scales(enum panel_format format,
				       const uint8_t *block, size_t part)
{
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *from = block + form->parts;
	__m512i scales;

	if (form->minima == form->parts && form->has_minimum) {
		/* Two parts side by side, minima above. */
		scales = _mm512_cvtepu8_epi16(_mm256_loadu_si256(
			(const __m256i *)(from + part / 2 * 32)));
		if (part % 2 == 1)
			scales = _mm512_srli_epi32(scales, 16);
		scales = _mm512_and_si512(scales, _mm512_set1_epi32(15));
	} else if (form->has_minimum) {
		scales = _mm512_cvtepu8_epi32(
			_mm_loadu_si128((const __m128i *)(from + part * 16)));
	} else {
		scales = _mm512_and_si512(
			_mm512_cvtepi8_epi32(_mm_loadu_si128(
				(const __m128i *)(from + part * 16))),
			_mm512_set1_epi32(0xffff));
	}
	return _mm512_or_si512(scales, _mm512_slli_epi32(scales, 16));
}

/* Bytes of both: of even lanes' 16-bit numbers, and of odd ones. */
static INLINE __m512i join(__m512i even, __m512i odd)
{
	return _mm512_mask_mov_epi8(even, 0xaaaaaaaaaaaaaaaau,
				    _mm512_slli_epi16(odd, 8));
}

/* value * scale = high * 2^shift + low, byte by byte. */
static INLINE void split(__m512i values, __m512i scales, unsigned shift,
			 __m512i *low, __m512i *high)
{
	__m512i mask = _mm512_set1_epi16((short)((1 << shift) - 1));
	__m512i even = _mm512_srai_epi16(_mm512_slli_epi16(values, 8), 8);
	__m512i odd = _mm512_srai_epi16(values, 8);

	even = _mm512_mullo_epi16(even, scales);
	odd = _mm512_mullo_epi16(odd, scales);
	if (shift == 0) {
		*low = join(even, odd);
		return;
	}
	*low = join(_mm512_and_si512(even, mask), _mm512_and_si512(odd, mask));
	*high = join(shift_down(even, shift), shift_down(odd, shift));
}

static INLINE void unpack_scaled(enum panel_format format, const uint8_t *block,
				 struct unpacked *out)
{
	size_t vectors = panel_forms[format].part / 4; /* of a part */
	__m512i scales, low, high;

#pragma GCC unroll 64
	for (size_t i = 0; i < 64; i++) {
		if (i % vectors == 0)
			scales = load_part_scales(format, block, i / vectors);
		split(load_values(format, block, i), scales, shift_of(format),
		      &low, &high);
		_mm512_store_si512(out->planes[0] + 64 * i, low);
		if (shift_of(format) != 0)
			_mm512_store_si512(out->planes[1] + 64 * i, high);
	}
}

static INLINE void unpack(enum panel_format format, const uint8_t *block,
			  struct unpacked *out)
{
	if (panel_forms[format].part != 0) {
		unpack_scaled(format, block, out);
		return;
	}
#pragma GCC unroll 64
	for (size_t i = 0; i < 64; i++)
		_mm512_store_si512(out->planes[0] + 64 * i,
				   load_values(format, block, i));
}

/* Sixteen rows of activations in one block. */
struct rows {
	const int8_t *values; /* [16][stride] */
	size_t stride;
	const struct activation_block *sums; /* [16], sums_stride apart */
	size_t sums_stride;
};

/* Begin the products of 32 columns, in tile c by way of a and b. */
#define MULTIPLY_GROUP(tile, group, c, a, b)                                  \
	do {                                                                  \
		TILE_ZERO(c);                                                 \
		TILE_LOAD(a, (tile)->x.values + (size_t)32 * (group),         \
			  (tile)->x.stride);                                  \
		TILE_LOAD(b,                                                  \
			  (tile)->weights->planes[0] + (size_t)512 * (group), \
			  64);                                                \
		TILE_MULTIPLY(c, a, b);                                       \
	} while (0)

/* Products of all 256, with one plane of weights or two. */
static INLINE void multiply_block(enum panel_format format,
				  const struct rows *x,
				  const struct unpacked *weights,
				  struct products *out)
{
	const int8_t *low = weights->planes[0], *high = weights->planes[1];

	TILE_ZERO(0);
	if (shift_of(format) != 0)
		TILE_ZERO(1);
#pragma GCC unroll 4
	for (size_t k = 0; k < 4; k++) {
		TILE_LOAD(4, x->values + 64 * k, x->stride);
		TILE_LOAD(6, low + TILE_BYTES * k, 64);
		TILE_MULTIPLY(0, 4, 6);
		if (shift_of(format) != 0) {
			TILE_LOAD(7, high + TILE_BYTES * k, 64);
			TILE_MULTIPLY(1, 4, 7);
		}
	}
	TILE_STORE(0, out->of[0], 64);
	if (shift_of(format) != 0)
		TILE_STORE(1, out->of[1], 64);
}

static INLINE __m512 load_halves(const uint8_t *from)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

static INLINE size_t pairs_of(enum panel_format format)
{
	return PANEL_COLUMNS / 2 / panel_forms[format].part;
}

/* The integer minima of two parts, side by side. */
static INLINE __m512i load_minima(enum panel_format format,
				  const uint8_t *block, size_t pair)
{
	const struct panel_form *form = &panel_forms[format];
	__m512i both = _mm512_cvtepu8_epi16(_mm256_loadu_si256(
		(const __m256i *)(block + form->minima + 32 * pair)));

	return form->minima == form->parts ? _mm512_srli_epi16(both, 4) : both;
}

static INLINE __m512i sum_minima(enum panel_format format, const uint8_t *block,
				 const struct activation_block *x)
{
	const int16_t *sums =
		panel_forms[format].part == 16 ? x->of_16 : x->of_32;
	__m512i sum = _mm512_setzero_si512();

#pragma GCC unroll 8
	for (size_t j = 0; j < pairs_of(format); j++) {
		int32_t both;

		memcpy(&both, sums + 2 * j, sizeof(both));
		sum = _mm512_dpwssd_epi32(sum, load_minima(format, block, j),
					  _mm512_set1_epi32(both));
	}
	return sum;
}

/* `part` of product.h of sixteen rows, in registers. */
struct parts {
	__m512 of[TILE_ROWS];
};

static INLINE void clear_parts(struct parts *parts)
{
#pragma GCC unroll 16
	for (size_t r = 0; r < TILE_ROWS; r++)
		parts->of[r] = _mm512_setzero_ps();
}

/* A group's products by their scales. */
static INLINE void scale_group(enum panel_format format,
			       const int32_t *products, const uint8_t *block,
			       size_t group, struct parts *parts)
{
	__m512 scale =
		load_halves(block + panel_forms[format].scales + 32 * group);

#pragma GCC unroll 16
	for (size_t r = 0; r < TILE_ROWS; r++) {
		parts->of[r] = _mm512_fmadd_ps(
			_mm512_cvtepi32_ps(load(products + PANEL_ROWS * r)),
			scale, parts->of[r]);
	}
}

/* result = fma(part, scale of the activations, result) */
static INLINE __m512 finish_row(__m512 part, const struct rows *x, size_t r,
				__m512 result)
{
	const struct activation_block *sums = x->sums + r * x->sums_stride;

	return _mm512_fmadd_ps(part, _mm512_set1_ps(sums->scale), result);
}

static INLINE void finish_parts(const struct parts *parts, const struct rows *x,
				float results[][PANEL_ROWS])
{
#pragma GCC unroll 16
	for (size_t r = 0; r < TILE_ROWS; r++) {
		_mm512_store_ps(results[r],
				finish_row(parts->of[r], x, r,
					   _mm512_load_ps(results[r])));
	}
}

/* All of a block whose scales are of 256 columns. */
static INLINE void scale_block(enum panel_format format,
			       const struct products *products,
			       const uint8_t *block, const struct rows *x,
			       float results[][PANEL_ROWS])
{
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *from = block + form->scales;
	__m512 scale =
		form->part == 0 ? _mm512_loadu_ps(from) : load_halves(from);
	__m512 minimum = form->has_minimum ? load_halves(from + 32)
					   : _mm512_setzero_ps();

	for (size_t r = 0; r < TILE_ROWS; r++) {
		__m512i whole = load(products->of[0] + PANEL_ROWS * r);
		__m512 part = _mm512_setzero_ps();

		if (shift_of(format) != 0) {
			whole = _mm512_add_epi32(
				whole, _mm512_slli_epi32(load(products->of[1] +
							      PANEL_ROWS * r),
							 shift_of(format)));
		}
		part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scale, part);
		if (form->has_minimum) {
			part = _mm512_fnmadd_ps(
				_mm512_cvtepi32_ps(sum_minima(
					format, block,
					x->sums + r * x->sums_stride)),
				minimum, part);
		}
		_mm512_store_ps(
			results[r],
			finish_row(part, x, r, _mm512_load_ps(results[r])));
	}
}

/* What a part is computed in. */
struct scratch {
	struct products products[2];
	struct unpacked weights[PANELS_AT_ONCE];
	float results[PANELS_AT_ONCE][ROWS_AT_ONCE][PANEL_ROWS];
} __attribute__((aligned(64)));

/* Sixteen rows of a part and one of its panels, in one block. */
struct tile {
	struct rows x;
	const uint8_t *block;
	const struct unpacked *weights;
	float (*results)[PANEL_ROWS];
};

static INLINE struct tile tile_of(const struct product_part *part, size_t b,
				  size_t i, struct scratch *scratch)
{
	const struct activation *x = part->product->x;
	size_t p = i % part->panels, r = i / part->panels * TILE_ROWS;
	size_t row = part->row + r;

	return (struct tile){
		{ x->values + row * x->stride + b * PANEL_COLUMNS, x->stride,
		  x->sums + row * x->blocks + b, x->blocks },
		product_part_block(part->product, part->panel + p, b),
		&scratch->weights[p],
		scratch->results[p] + r,
	};
}

/* Take tile c of a group out, and scale it.  The compiler is not to begin with
 * the second before the first. */
#define SCALE_GROUP(tile, group, c)                                     \
	do {                                                            \
		int32_t *out = scratch->products[0].of[(group) % 2];    \
		TILE_STORE(c, out, 64);                                 \
		scale_group(format, out, (tile)->block, group, &parts); \
	} while (0)

/* Four groups are under way: one is taken out where the fourth after it is
 * about to begin, across the borders of tiles. */
static INLINE void add_groups(enum panel_format format,
			      const struct product_part *part, size_t b,
			      size_t tiles, struct scratch *scratch)
{
	struct tile tile = tile_of(part, b, 0, scratch);
	struct parts parts;

	MULTIPLY_GROUP(&tile, 0, 0, 4, 6);
	MULTIPLY_GROUP(&tile, 1, 1, 5, 7);
	MULTIPLY_GROUP(&tile, 2, 2, 4, 6);
	MULTIPLY_GROUP(&tile, 3, 3, 5, 7);
	for (size_t i = 1;; i++) {
		const struct tile last = tile;

		clear_parts(&parts);
		SCALE_GROUP(&last, 0, 0);
		MULTIPLY_GROUP(&last, 4, 0, 4, 6);
		SCALE_GROUP(&last, 1, 1);
		MULTIPLY_GROUP(&last, 5, 1, 5, 7);
		SCALE_GROUP(&last, 2, 2);
		MULTIPLY_GROUP(&last, 6, 2, 4, 6);
		SCALE_GROUP(&last, 3, 3);
		MULTIPLY_GROUP(&last, 7, 3, 5, 7);
		/* After the last tile this repeats it, which harms nothing. */
		if (i < tiles)
			tile = tile_of(part, b, i, scratch);
		SCALE_GROUP(&last, 4, 0);
		MULTIPLY_GROUP(&tile, 0, 0, 4, 6);
		SCALE_GROUP(&last, 5, 1);
		MULTIPLY_GROUP(&tile, 1, 1, 5, 7);
		SCALE_GROUP(&last, 6, 2);
		MULTIPLY_GROUP(&tile, 2, 2, 4, 6);
		SCALE_GROUP(&last, 7, 3);
		MULTIPLY_GROUP(&tile, 3, 3, 5, 7);
		finish_parts(&parts, &last.x, last.results);
		if (i == tiles)
			return;
	}
}

/* A tile is multiplied before the products of the one before are scaled, so
 * that neither unit of the processor waits for the other. */
static INLINE void add_whole(enum panel_format format,
			     const struct product_part *part, size_t b,
			     size_t tiles, struct scratch *scratch)
{
	struct tile last = { 0 };

	for (size_t i = 0; i < tiles; i++) {
		struct tile tile = tile_of(part, b, i, scratch);

		multiply_block(format, &tile.x, tile.weights,
			       &scratch->products[i % 2]);
		if (i > 0)
			scale_block(format, &scratch->products[(i - 1) % 2],
				    last.block, &last.x, last.results);
		last = tile;
	}
	scale_block(format, &scratch->products[(tiles - 1) % 2], last.block,
		    &last.x, last.results);
}

static INLINE void store_results(const struct product_part *part, size_t p,
				 const struct scratch *scratch)
{
	const struct product *product = part->product;
	size_t output = (part->panel + p) * PANEL_ROWS;
	size_t left = product->outputs - output;
	__mmask16 mask =
		(__mmask16)(left >= PANEL_ROWS ? 0xffffu : (1u << left) - 1);

	for (size_t r = 0; r < part->rows; r++) {
		_mm512_mask_storeu_ps(
			product->out + (part->row + r) * product->stride +
				output,
			mask, _mm512_load_ps(scratch->results[p][r]));
	}
}

static INLINE void compute_part(enum panel_format format,
				const struct product_part *part,
				struct scratch *scratch)
{
	size_t tiles = (part->rows + TILE_ROWS - 1) / TILE_ROWS * part->panels;

	memset(scratch->results, 0, sizeof(scratch->results));
	for (size_t b = 0; b < part->product->x->blocks; b++) {
		for (size_t p = 0; p < part->panels; p++) {
			const uint8_t *block = product_part_block(
				part->product, part->panel + p, b);

			product_part_prefetch(
				format, block + panel_forms[format].bytes);
			unpack(format, block, &scratch->weights[p]);
		}
		if (panel_forms[format].group == PANEL_COLUMNS)
			add_whole(format, part, b, tiles, scratch);
		else
			add_groups(format, part, b, tiles, scratch);
	}
	for (size_t p = 0; p < part->panels; p++)
		store_results(part, p, scratch);
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	const struct product_most most = { ROWS_AT_ONCE, PANELS_AT_ONCE };
	struct product_part part = product_part_first(product, most);
	struct scratch scratch;

	/* Tiles 0 to 3 are C, 4 and 5 A, 6 and 7 B. */
	tiles_configure(panel_forms[format].group == PANEL_COLUMNS ? 64 : 32);
	for (; part.panels > 0; product_part_next(&part))
		compute_part(format, &part, &scratch);
	tiles_release();
}

PRODUCT_DISPATCH()

void product_amx(const struct product *product)
{
	if (product->rows < ROWS_MIN)
		product_avx512(product);
	else
		compute_by_format(product);
}

#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILE_DATA 18		  /* the component that it is asked for */
#define AMX_TILE (1u << 24)	  /* of leaf 7, register d */
#define AMX_INT8 (1u << 25)

bool product_amx_is_there(void)
{
	unsigned int a, b, c, d = 0;

	if (!product_avx512_is_there() ||
	    !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & AMX_TILE) == 0 ||
	    (d & AMX_INT8) == 0)
		return false;
	return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#else

bool product_amx_is_there(void)
{
	return false;
}

void product_amx(const struct product *product)
{
	product_scalar(product);
}

#endif
