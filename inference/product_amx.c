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
 *
 * The instructions stand here by themselves because the intrinsics of gcc 12
 * do not tell the compiler that they read memory.
 */
#include "inference/product_amx.h"

#include "inference/product_avx512.h"

#if defined(__x86_64__)

#include <asm/prctl.h>
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE inline __attribute__((always_inline, target(FEATURES)))

#define TILE_ROWS ((size_t)16)
#define TILE_BYTES ((size_t)1024)
/* Below this, unpacking and half-empty tiles cost more than they save. */
#define ROWS_MIN 12
/* What of weights, results and products is used at once fits the first cache,
 * so that only activations come from the second, once for all panels. */
#define ROWS_AT_ONCE 128
#define PANELS_AT_ONCE 4
#define GROUPS 8 /* of 32 columns in a block */
#define PLANES 2

#define TILE_LOAD(tile, from, stride)                              \
	__asm__ volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"( \
				 (const void *)(from)),            \
			 "r"((size_t)(stride))                     \
			 : "memory")
#define TILE_STORE(tile, to)                                \
	__asm__ volatile("tilestored %%tmm" #tile           \
			 ", (%0,%1,1)" ::"r"((void *)(to)), \
			 "r"((size_t)64)                    \
			 : "memory")
#define TILE_ZERO(tile) __asm__ volatile("tilezero %tmm" #tile)
/* c += a * b, all signed. */
#define TILE_MULTIPLY(c, a, b) \
	__asm__ volatile("tdpbssd %tmm" #b ", %tmm" #a ", %tmm" #c)

/* The layout that ldtilecfg reads (Intel SDM, palette 1). */
struct tile_config {
	uint8_t palette, start_row;
	uint8_t reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

/* Tiles 0 to 3 are C, 4 and 5 A, 6 and 7 B with so many columns. */
static void configure(uint16_t columns)
{
	struct tile_config config = { .palette = 1 };

	for (size_t t = 0; t < 8; t++) {
		config.row_bytes[t] = t == 4 || t == 5 ? columns : 64;
		config.rows[t] = t >= 6 ? (uint8_t)(columns / 4) : 16;
	}
	__asm__ volatile("ldtilecfg (%0)" ::"r"(&config) : "memory");
}

static void release(void)
{
	__asm__ volatile("tilerelease");
}

/* A block of a panel as tiles. */
struct weights {
	int8_t planes[PLANES][PANEL_COLUMNS * PANEL_ROWS];
} __attribute__((aligned(64)));

/* The tiles of products with it, of each group of columns or plane. */
struct products {
	int32_t of[GROUPS][TILE_ROWS * PANEL_ROWS];
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
	high = _mm512_and_si512(_mm512_srli_epi16(high, (int)(i % 16 / 4 * 2)),
				two_bits);
	if (bits == 2)
		return high;
	low = load(block + i / 8 * 256 + i % 4 * 64);
	low = _mm512_and_si512(_mm512_srli_epi16(low, (int)(i % 8 / 4 * 4)),
			       four_bits);
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
	*high = join(_mm512_srai_epi16(even, (int)shift),
		     _mm512_srai_epi16(odd, (int)shift));
}

static INLINE void unpack_scaled(enum panel_format format, const uint8_t *block,
				 struct weights *out)
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
			  struct weights *out)
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

#define GROUP(tile, a, b, g)                                      \
	do {                                                      \
		TILE_ZERO(tile);                                  \
		TILE_LOAD(a, x->values + 32 * (g), x->stride);    \
		TILE_LOAD(b, weights->planes[0] + 512 * (g), 64); \
		TILE_MULTIPLY(tile, a, b);                        \
	} while (0)

/* Products of each 32 columns by themselves; a tile is stored while others are
 * being computed. */
static INLINE void multiply_groups(const struct rows *x,
				   const struct weights *weights,
				   struct products *out)
{
	GROUP(0, 4, 6, 0);
	GROUP(1, 5, 7, 1);
	GROUP(2, 4, 6, 2);
	GROUP(3, 5, 7, 3);
	TILE_STORE(0, out->of[0]);
	GROUP(0, 4, 6, 4);
	TILE_STORE(1, out->of[1]);
	GROUP(1, 5, 7, 5);
	TILE_STORE(2, out->of[2]);
	GROUP(2, 4, 6, 6);
	TILE_STORE(3, out->of[3]);
	GROUP(3, 5, 7, 7);
	TILE_STORE(0, out->of[4]);
	TILE_STORE(1, out->of[5]);
	TILE_STORE(2, out->of[6]);
	TILE_STORE(3, out->of[7]);
}

/* Products of all 256, with one plane of weights or two. */
static INLINE void multiply_block(enum panel_format format,
				  const struct rows *x,
				  const struct weights *weights,
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
	TILE_STORE(0, out->of[0]);
	if (shift_of(format) != 0)
		TILE_STORE(1, out->of[1]);
}

static INLINE __m512 load_halves(const uint8_t *from)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

/* The scales of a block, ready for every row. */
struct scales {
	__m512 of[GROUPS];
	__m512 minimum;
	__m512i minima[GROUPS]; /* pairs of parts */
};

static INLINE size_t pairs_of(enum panel_format format)
{
	return PANEL_COLUMNS / 2 / panel_forms[format].part;
}

static INLINE struct scales load_scales(enum panel_format format,
					const uint8_t *block)
{
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *from = block + form->scales;
	struct scales made;

	if (form->part == 0 && form->group == PANEL_COLUMNS) {
		made.of[0] = _mm512_loadu_ps(from);
		return made;
	}
#pragma GCC unroll 8
	for (size_t g = 0; g < PANEL_COLUMNS / form->group; g++)
		made.of[g] = load_halves(from + 32 * g);
	if (!form->has_minimum)
		return made;
	made.minimum = load_halves(from + 32);
#pragma GCC unroll 8
	for (size_t j = 0; j < pairs_of(format); j++) {
		made.minima[j] = _mm512_cvtepu8_epi16(_mm256_loadu_si256(
			(const __m256i *)(block + form->minima + 32 * j)));
		if (form->minima == form->parts)
			made.minima[j] = _mm512_srli_epi16(made.minima[j], 4);
	}
	return made;
}

static INLINE __m512i sum_minima(enum panel_format format,
				 const struct scales *scales,
				 const struct activation_block *x)
{
	const int16_t *sums =
		panel_forms[format].part == 16 ? x->of_16 : x->of_32;
	__m512i sum = _mm512_setzero_si512();

#pragma GCC unroll 8
	for (size_t j = 0; j < pairs_of(format); j++) {
		int32_t both;

		memcpy(&both, sums + 2 * j, sizeof(both));
		sum = _mm512_dpwssd_epi32(sum, scales->minima[j],
					  _mm512_set1_epi32(both));
	}
	return sum;
}

/* One row's `part` of product.h, from the tiles. */
static INLINE __m512 scale_row(enum panel_format format,
			       const struct products *products, size_t r,
			       const struct scales *scales,
			       const struct activation_block *x)
{
	const struct panel_form *form = &panel_forms[format];
	__m512 part = _mm512_setzero_ps();
	__m512i whole;

#pragma GCC unroll 8
	for (size_t g = 0; g < PANEL_COLUMNS / form->group; g++) {
		whole = load(products->of[g] + PANEL_ROWS * r);
		if (shift_of(format) != 0)
			whole = _mm512_add_epi32(
				whole, _mm512_slli_epi32(load(products->of[1] +
							      PANEL_ROWS * r),
							 shift_of(format)));
		part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scales->of[g],
				       part);
	}
	if (form->has_minimum)
		part = _mm512_fnmadd_ps(
			_mm512_cvtepi32_ps(sum_minima(format, scales, x)),
			scales->minimum, part);
	return part;
}

static INLINE void scale_rows(enum panel_format format,
			      const struct products *products,
			      const struct scales *scales, const struct rows *x,
			      size_t count, float results[][PANEL_ROWS])
{
	for (size_t r = 0; r < count; r++) {
		const struct activation_block *sums =
			x->sums + r * x->sums_stride;
		__m512 part = scale_row(format, products, r, scales, sums);
		__m512 result = _mm512_load_ps(results[r]);

		result = _mm512_fmadd_ps(part, _mm512_set1_ps(sums->scale),
					 result);
		_mm512_store_ps(results[r], result);
	}
}

/* Some rows and some panels of a product. */
struct part {
	size_t row;
	size_t rows; /* at most ROWS_AT_ONCE */
	size_t panel;
	size_t panels; /* at most PANELS_AT_ONCE */
};

/* What such a part is computed in. */
struct scratch {
	struct weights weights[PANELS_AT_ONCE];
	struct products products[2];
	float results[PANELS_AT_ONCE][ROWS_AT_ONCE][PANEL_ROWS];
} __attribute__((aligned(64)));

static INLINE const uint8_t *block_of(const struct product *product,
				      size_t panel, size_t b)
{
	return product->panels + (panel * product->x->blocks + b) *
					 panel_forms[product->format].bytes;
}

/* Sixteen rows of a part, or fewer, and one of its panels. */
struct tile {
	size_t block;
	size_t row; /* of the part */
	size_t panel;
};

static INLINE struct rows rows_of(const struct product *product,
				  const struct part *part,
				  const struct tile *tile)
{
	const struct activation *x = product->x;
	size_t row = part->row + tile->row;

	return (struct rows){
		x->values + row * x->stride + tile->block * PANEL_COLUMNS,
		x->stride, x->sums + row * x->blocks + tile->block, x->blocks
	};
}

static INLINE void
multiply_tile(enum panel_format format, const struct product *product,
	      const struct part *part, const struct tile *tile,
	      struct scratch *scratch, struct products *products)
{
	struct rows rows = rows_of(product, part, tile);

	if (panel_forms[format].group == PANEL_COLUMNS)
		multiply_block(format, &rows, &scratch->weights[tile->panel],
			       products);
	else
		multiply_groups(&rows, &scratch->weights[tile->panel],
				products);
}

static INLINE size_t at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

static INLINE void scale_tile(enum panel_format format,
			      const struct product *product,
			      const struct part *part, const struct tile *tile,
			      struct scratch *scratch,
			      const struct products *products)
{
	struct rows rows = rows_of(product, part, tile);
	struct scales scales =
		load_scales(format, block_of(product, part->panel + tile->panel,
					     tile->block));

	scale_rows(format, products, &scales, &rows,
		   at_most(part->rows - tile->row, TILE_ROWS),
		   scratch->results[tile->panel] + tile->row);
}

/* All tiles of a block.  The next one is multiplied before one is scaled, so
 * that neither waits for the other. */
static INLINE void add_block(enum panel_format format,
			     const struct product *product,
			     const struct part *part, size_t b,
			     struct scratch *scratch)
{
	struct tile last = { b, 0, 0 };
	size_t i = 0;

	for (size_t r = 0; r < part->rows; r += TILE_ROWS) {
		for (size_t p = 0; p < part->panels; p++) {
			struct tile tile = { b, r, p };

			multiply_tile(format, product, part, &tile, scratch,
				      &scratch->products[i % 2]);
			if (i++ > 0)
				scale_tile(format, product, part, &last,
					   scratch, &scratch->products[i % 2]);
			last = tile;
		}
	}
	scale_tile(format, product, part, &last, scratch,
		   &scratch->products[(i + 1) % 2]);
}

static INLINE void store_results(const struct product *product,
				 const struct part *part, size_t p,
				 const struct scratch *scratch)
{
	size_t output = (part->panel + p) * PANEL_ROWS;
	size_t left = product->outputs - output;
	__mmask16 mask =
		left >= PANEL_ROWS ? 0xffff : (__mmask16)((1u << left) - 1);

	for (size_t r = 0; r < part->rows; r++)
		_mm512_mask_storeu_ps(
			product->out + (part->row + r) * product->stride +
				output,
			mask, _mm512_load_ps(scratch->results[p][r]));
}

static INLINE void compute_part(enum panel_format format,
				const struct product *product,
				const struct part *part,
				struct scratch *scratch)
{
	memset(scratch->results, 0, sizeof(scratch->results));
	for (size_t b = 0; b < product->x->blocks; b++) {
		for (size_t p = 0; p < part->panels; p++)
			unpack(format, block_of(product, part->panel + p, b),
			       &scratch->weights[p]);
		add_block(format, product, part, b, scratch);
	}
	for (size_t p = 0; p < part->panels; p++)
		store_results(product, part, p, scratch);
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	size_t panels = (product->outputs + PANEL_ROWS - 1) / PANEL_ROWS;
	struct scratch scratch;
	struct part part;

	configure(panel_forms[format].group == PANEL_COLUMNS ? 64 : 32);
	for (part.panel = 0; part.panel < panels; part.panel += part.panels) {
		part.panels = at_most(panels - part.panel, PANELS_AT_ONCE);
		for (part.row = 0; part.row < product->rows;
		     part.row += part.rows) {
			part.rows =
				at_most(product->rows - part.row, ROWS_AT_ONCE);
			compute_part(format, product, &part, &scratch);
		}
	}
	release();
}

#define COMPUTE(name, format)                                  \
	static TARGET void name(const struct product *product) \
	{                                                      \
		compute(format, product);                      \
	}

COMPUTE(compute_q8, PANEL_Q8)
COMPUTE(compute_q4, PANEL_Q4)
COMPUTE(compute_q4_k, PANEL_Q4_K)
COMPUTE(compute_q5_k, PANEL_Q5_K)
COMPUTE(compute_q6_k, PANEL_Q6_K)
COMPUTE(compute_q2_k, PANEL_Q2_K)
COMPUTE(compute_c8, PANEL_C8)
COMPUTE(compute_c4, PANEL_C4)
COMPUTE(compute_c2, PANEL_C2)

void product_amx(const struct product *product)
{
	static void (*const of[PANEL_FORMATS])(const struct product *) = {
		[PANEL_Q8] = compute_q8,     [PANEL_Q4] = compute_q4,
		[PANEL_Q4_K] = compute_q4_k, [PANEL_Q5_K] = compute_q5_k,
		[PANEL_Q6_K] = compute_q6_k, [PANEL_Q2_K] = compute_q2_k,
		[PANEL_C8] = compute_c8,     [PANEL_C4] = compute_c4,
		[PANEL_C2] = compute_c2,
	};

	if (product->rows < ROWS_MIN)
		product_avx512(product);
	else
		of[product->format](product);
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
