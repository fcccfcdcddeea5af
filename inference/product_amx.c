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

/* A block of a panel as tiles, and the tiles of products with it. */
struct scratch {
	int8_t weights[PLANES][PANEL_COLUMNS * PANEL_ROWS];
	int32_t products[GROUPS][TILE_ROWS * PANEL_ROWS];
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
				 struct scratch *scratch)
{
	size_t vectors = panel_forms[format].part / 4; /* of a part */
	__m512i scales, low, high;

#pragma GCC unroll 64
	for (size_t i = 0; i < 64; i++) {
		if (i % vectors == 0)
			scales = load_part_scales(format, block, i / vectors);
		split(load_values(format, block, i), scales, shift_of(format),
		      &low, &high);
		_mm512_store_si512(scratch->weights[0] + 64 * i, low);
		if (shift_of(format) != 0)
			_mm512_store_si512(scratch->weights[1] + 64 * i, high);
	}
}

static INLINE void unpack(enum panel_format format, const uint8_t *block,
			  struct scratch *scratch)
{
	if (panel_forms[format].part != 0) {
		unpack_scaled(format, block, scratch);
		return;
	}
#pragma GCC unroll 64
	for (size_t i = 0; i < 64; i++)
		_mm512_store_si512(scratch->weights[0] + 64 * i,
				   load_values(format, block, i));
}

/* Sixteen rows of activations in one block. */
struct rows {
	const int8_t *values; /* [16][stride] */
	size_t stride;
	const struct activation_block *sums; /* [16], sums_stride apart */
	size_t sums_stride;
};

#define GROUP(tile, a, b, g)                                       \
	do {                                                       \
		TILE_ZERO(tile);                                   \
		TILE_LOAD(a, x->values + 32 * (g), x->stride);     \
		TILE_LOAD(b, scratch->weights[0] + 512 * (g), 64); \
		TILE_MULTIPLY(tile, a, b);                         \
	} while (0)

/* Products of each 32 columns by themselves. */
static INLINE void multiply_groups(const struct rows *x,
				   struct scratch *scratch)
{
	for (size_t g = 0; g < GROUPS; g += 4) {
		GROUP(0, 4, 6, g);
		GROUP(1, 5, 7, g + 1);
		GROUP(2, 4, 6, g + 2);
		GROUP(3, 5, 7, g + 3);
		TILE_STORE(0, scratch->products[g]);
		TILE_STORE(1, scratch->products[g + 1]);
		TILE_STORE(2, scratch->products[g + 2]);
		TILE_STORE(3, scratch->products[g + 3]);
	}
}

/* Products of all 256, with one plane of weights or two. */
static INLINE void multiply_block(enum panel_format format,
				  const struct rows *x, struct scratch *scratch)
{
	const int8_t *low = scratch->weights[0], *high = scratch->weights[1];

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
	TILE_STORE(0, scratch->products[0]);
	if (shift_of(format) != 0)
		TILE_STORE(1, scratch->products[1]);
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
			       const struct scratch *scratch, size_t r,
			       const struct scales *scales,
			       const struct activation_block *x)
{
	const struct panel_form *form = &panel_forms[format];
	__m512 part = _mm512_setzero_ps();
	__m512i whole;

#pragma GCC unroll 8
	for (size_t g = 0; g < PANEL_COLUMNS / form->group; g++) {
		whole = load(scratch->products[g] + PANEL_ROWS * r);
		if (shift_of(format) != 0)
			whole = _mm512_add_epi32(
				whole,
				_mm512_slli_epi32(load(scratch->products[1] +
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
			      const struct scratch *scratch,
			      const struct scales *scales, const struct rows *x,
			      size_t count, const struct product *product,
			      float *out, __mmask16 before, __mmask16 mask)
{
	for (size_t r = 0; r < count; r++) {
		const struct activation_block *sums =
			x->sums + r * x->sums_stride;
		__m512 part = scale_row(format, scratch, r, scales, sums);
		__m512 result = _mm512_maskz_loadu_ps(before, out);

		result = _mm512_fmadd_ps(part, _mm512_set1_ps(sums->scale),
					 result);
		_mm512_mask_storeu_ps(out, mask, result);
		out += product->stride;
	}
}

/* One panel, block by block, for all rows. */
static INLINE void compute_panel(enum panel_format format,
				 const struct product *product, size_t panel,
				 struct scratch *scratch)
{
	const struct activation *x = product->x;
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *block =
		product->panels + panel * x->blocks * form->bytes;
	size_t left = product->outputs - panel * PANEL_ROWS;
	__mmask16 mask =
		left >= PANEL_ROWS ? 0xffff : (__mmask16)((1u << left) - 1);

	for (size_t b = 0; b < x->blocks; b++) {
		struct scales scales = load_scales(format, block);

		unpack(format, block, scratch);
		for (size_t r = 0; r < product->rows; r += TILE_ROWS) {
			size_t rest = product->rows - r;
			struct rows rows = { x->values + r * x->stride +
						     b * PANEL_COLUMNS,
					     x->stride,
					     x->sums + r * x->blocks + b,
					     x->blocks };

			if (form->group == PANEL_COLUMNS)
				multiply_block(format, &rows, scratch);
			else
				multiply_groups(&rows, scratch);
			scale_rows(format, scratch, &scales, &rows,
				   rest < TILE_ROWS ? rest : TILE_ROWS, product,
				   product->out + r * product->stride +
					   panel * PANEL_ROWS,
				   b == 0 ? 0 : mask, mask);
		}
		block += form->bytes;
	}
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	size_t panels = (product->outputs + PANEL_ROWS - 1) / PANEL_ROWS;
	struct scratch scratch;

	configure(panel_forms[format].group == PANEL_COLUMNS ? 64 : 32);
	for (size_t panel = 0; panel < panels; panel++)
		compute_panel(format, product, panel, &scratch);
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
