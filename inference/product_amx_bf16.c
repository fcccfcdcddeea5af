/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two panels and 32 rows at a time: four tiles of results, so that each factor
 * that is loaded is used twice.
 *
 *     A  16 rows of activations x 32 columns
 *     B  16 pairs of columns x 16 outputs x 2: weights, decoded once a block
 *        for all rows
 *     C  16 rows x 16 outputs, floats
 *
 * A tile adds 32 columns to its results just as product.h says.
 */
#include "inference/product_amx_bf16.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "inference/pairs_bf16.h"
#include "inference/product_part.h"
#include "inference/tiles_amx.h"

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE inline __attribute__((always_inline, target(FEATURES)))

#define GROUP ((size_t)32) /* columns of a float scale, and of a tile */
#define GROUPS (PANEL_COLUMNS / GROUP)
#define ROWS_AT_ONCE ((size_t)256)
#define PANELS_AT_ONCE ((size_t)4)

/* A block of a panel as tiles. */
struct unpacked {
	uint16_t of[GROUPS][GROUP * PANEL_ROWS];
} __attribute__((aligned(64)));

/* A panel's results for some rows. */
struct results {
	float of[ROWS_AT_ONCE][PANEL_ROWS];
} __attribute__((aligned(64)));

/* Sixteen outputs' scales of a group, and these times what is to be taken off
 * again of numbers that read_column() makes. */
struct scales {
	__m512 scale;
	__m512 offset;
};

/*
 * An integer q of b bits becomes a float without converting it: put where the
 * mantissa of 2^b has its highest bits, it makes 2^b + q.
 */
struct magic {
	int place;    /* bit that q's lowest goes to */
	int mask;     /* q's bits there */
	int exponent; /* 2^b as a float */
	float offset; /* 2^b + zero */
};

static INLINE struct magic magic_of(enum panel_format format)
{
	if (format == PANEL_Q8)
		return (struct magic){ 15, 0xff << 15, 0x43800000, 256 + 128 };
	return (struct magic){ 19, 0xf << 19, 0x41800000, 16 + 8 };
}

static INLINE struct scales load_scales(enum panel_format format,
					const uint8_t *block, size_t group)
{
	__m512 scale = _mm512_cvtph_ps(_mm256_loadu_si256(
		(const __m256i *)(block + panel_forms[format].scales +
				  group * PANEL_ROWS * 2)));

	return (struct scales){
		scale,
		_mm512_mul_ps(scale, _mm512_set1_ps(magic_of(format).offset)),
	};
}

static INLINE __m512i shift(__m512i x, int left)
{
	return left >= 0 ? _mm512_slli_epi32(x, (unsigned)left)
			 : _mm512_srli_epi32(x, (unsigned)-left);
}

/* The weights of a column, whose integers begin at a bit of each lane.  All of
 * this is exact: 2^b + q and the offset have few bits. */
static INLINE __m512 read_column(enum panel_format format, __m512i integers,
				 int bit, const struct scales *scales)
{
	const struct magic magic = magic_of(format);
	__m512i number = _mm512_ternarylogic_epi32(
		shift(integers, magic.place - bit),
		_mm512_set1_epi32(magic.mask),
		_mm512_set1_epi32(magic.exponent), 0xea); /* a & b | c */

	return _mm512_fmsub_ps(_mm512_castsi512_ps(number), scales->scale,
			       scales->offset);
}

/* Four columns, a byte apart in each lane, from a bit of it on. */
static INLINE void store_four(enum panel_format format, __m512i integers,
			      int bit, const struct scales *scales,
			      uint16_t *out)
{
	pairs_bf16_store(read_column(format, integers, bit, scales),
			 read_column(format, integers, bit + 8, scales), out);
	pairs_bf16_store(read_column(format, integers, bit + 16, scales),
			 read_column(format, integers, bit + 24, scales),
			 out + 32);
}

/* The order of columns is that of panel.h. */
static INLINE void unpack(enum panel_format format, const uint8_t *block,
			  struct unpacked *out)
{
	size_t vectors = panel_forms[format].bits; /* of a group */

	for (size_t g = 0; g < GROUPS; g++) {
		const struct scales scales = load_scales(format, block, g);
		const uint8_t *from = block + 64 * vectors * g;

#pragma GCC unroll 8
		for (size_t i = 0; i < vectors; i++) {
			__m512i integers = _mm512_loadu_si512(from + 64 * i);

			store_four(format, integers, 0, &scales,
				   out->of[g] + 64 * i);
			if (format == PANEL_Q4)
				store_four(format, integers, 4, &scales,
					   out->of[g] + 256 + 64 * i);
		}
	}
}

/* Activations of one block stay in the second cache while all panels of a part
 * pass. */
struct scratch {
	struct unpacked weights[2];
	struct results results[PANELS_AT_ONCE];
};

/* Whether all of a tile is wanted: sixteen rows, sixteen outputs. */
static INLINE bool is_whole(const struct product_part *part, size_t p,
			    size_t row)
{
	return row + TILE_ROWS <= part->rows &&
	       (part->panel + p + 1) * PANEL_ROWS <= part->product->outputs;
}

/* One block of one or two panels. */
struct step {
	const struct product_part *part;
	struct scratch *scratch;
	size_t block;
	size_t p; /* the first of these panels, counted within the part */
};

/* Where the results of a tile go after the last block, or are kept till then. */
struct place {
	float *to;
	size_t stride; /* bytes */
};

static INLINE struct place place_of(const struct step *step, size_t p,
				    size_t row)
{
	const struct product_part *part = step->part;
	const struct product *product = part->product;

	if (step->block + 1 < product->x->blocks || !is_whole(part, p, row))
		return (struct place){ step->scratch->results[p].of[row],
				       PANEL_ROWS * sizeof(float) };
	return (struct place){ product->out +
				       (part->row + row) * product->stride +
				       (part->panel + p) * PANEL_ROWS,
			       product->stride * sizeof(float) };
}

#define BEGIN(tile, panel, row)                                                \
	do {                                                                   \
		if (step->block == 0)                                          \
			TILE_ZERO(tile);                                       \
		else                                                           \
			TILE_LOAD(tile, step->scratch->results[panel].of[row], \
				  64);                                         \
	} while (0)
#define END(tile, panel, row)                                    \
	do {                                                     \
		struct place place = place_of(step, panel, row); \
		TILE_STORE(tile, place.to, place.stride);        \
	} while (0)

/* Sixteen rows or 32, by one panel or two: constants wherever inlined.  Tiles
 * 0 and 1 have the first panel's results, 2 and 3 the second's. */
static INLINE void add_tiles(const struct step *step, size_t tiles,
			     size_t panels, size_t row)
{
	const struct unpacked *weights = step->scratch->weights;
	const struct activation *x = step->part->product->x;
	const struct tiles_bf16 job = {
		.rows = x->bf16 + (step->part->row + row) * x->stride +
			step->block * PANEL_COLUMNS,
		.stride = x->stride,
		.columns = { weights[0].of[0], weights[1].of[0] },
		.groups = GROUPS,
	};
	size_t next = row + TILE_ROWS;

	BEGIN(0, step->p, row);
	if (tiles == 2)
		BEGIN(1, step->p, next);
	if (panels == 2)
		BEGIN(2, step->p + 1, row);
	if (tiles == 2 && panels == 2)
		BEGIN(3, step->p + 1, next);
	tiles_add_bf16(&job, tiles, panels);
	END(0, step->p, row);
	if (tiles == 2)
		END(1, step->p, next);
	if (panels == 2)
		END(2, step->p + 1, row);
	if (tiles == 2 && panels == 2)
		END(3, step->p + 1, next);
}

/* All rows of the part. */
static INLINE void add_rows(const struct step *step, size_t panels)
{
	size_t row = 0;

	for (; row + TILE_ROWS < step->part->rows; row += 2 * TILE_ROWS)
		add_tiles(step, 2, panels, row);
	if (row < step->part->rows)
		add_tiles(step, 1, panels, row);
}

static INLINE void add_block(enum panel_format format, const struct step *step)
{
	const struct product_part *part = step->part;
	size_t panels = part->panels - step->p < 2 ? 1 : 2;

	for (size_t i = 0; i < panels; i++) {
		size_t panel = part->panel + step->p + i;

		product_part_prefetch(format, product_part_block(part->product,
								 panel + 2,
								 step->block));
		unpack(format,
		       product_part_block(part->product, panel, step->block),
		       &step->scratch->weights[i]);
	}
	if (panels == 2)
		add_rows(step, 2);
	else
		add_rows(step, 1);
}

/* Results that are not a whole tile's go where they belong. */
static INLINE void hand_over(const struct product_part *part, size_t p,
			     const struct scratch *scratch)
{
	const struct product *product = part->product;
	size_t output = (part->panel + p) * PANEL_ROWS;
	size_t left = product->outputs - output;
	size_t count = left < PANEL_ROWS ? left : PANEL_ROWS;

	for (size_t row = 0; row < part->rows; row++) {
		if (!is_whole(part, p, row / TILE_ROWS * TILE_ROWS)) {
			memcpy(product->out +
				       (part->row + row) * product->stride +
				       output,
			       scratch->results[p].of[row],
			       count * sizeof(float));
		}
	}
}

static INLINE void compute_part(enum panel_format format,
				const struct product_part *part,
				struct scratch *scratch)
{
	for (size_t b = 0; b < part->product->x->blocks; b++) {
		for (size_t p = 0; p < part->panels; p += 2)
			add_block(format,
				  &(struct step){ part, scratch, b, p });
	}
	for (size_t p = 0; p < part->panels; p++)
		hand_over(part, p, scratch);
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	const struct product_most most = { ROWS_AT_ONCE, PANELS_AT_ONCE };
	struct product_part part = product_part_first(product, most);
	struct scratch scratch;

	tiles_configure(64);
	for (; part.panels > 0; product_part_next(&part))
		compute_part(format, &part, &scratch);
	tiles_release();
}

TARGET void product_amx_bf16(const struct product *product)
{
	if (product->format == PANEL_Q8)
		compute(PANEL_Q8, product);
	else
		compute(PANEL_Q4, product);
}

#define AMX_BF16 (1u << 22)   /* of leaf 7, register d */
#define AVX512_BF16 (1u << 5) /* of its subleaf 1, register a */

bool product_amx_bf16_is_there(void)
{
	unsigned int a, b, c, d = 0, first = 0;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) != 0 &&
	       __get_cpuid_count(7, 1, &first, &b, &c, &d) &&
	       (first & AVX512_BF16) != 0;
}

#else

bool product_amx_bf16_is_there(void)
{
	return false;
}

void product_amx_bf16(const struct product *product)
{
	product_scalar_bf16(product);
}

#endif
