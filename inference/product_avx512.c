/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tile is a few rows of activations times a few panels, whose sums stay in
 * registers along all columns.  Weights are unpacked once for all rows of a
 * tile; a tile of one row takes four panels at once, because four streams from
 * memory are faster than one.
 *
 * Everything is inlined into one function for each format and size of tile, in
 * which formats and sizes are constants.
 */
#include "inference/product_avx512.h"

#include "inference/product_formats.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TARGET                                                                 \
	__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni," \
			      "avx2,fma,f16c")))
#define INLINE                                                             \
	inline __attribute__((always_inline,                               \
			      target("avx512f,avx512bw,avx512vl,avx512dq," \
				     "avx512vnni,avx2,fma,"                \
				     "f16c")))

#define CHUNK ((size_t)32) /* columns that are unpacked at once */
#define CHUNKS (PANEL_COLUMNS / CHUNK)
#define ROWS_MAX 4
#define PANELS_MAX 4
/* Hardware does not look across pages, nor far enough ahead. */
#define AHEAD 2048

struct size {
	size_t rows;
	size_t panels;
};

/* 32 columns of a panel: vector i has columns 4i to 4i + 3, unsigned. */
struct chunk {
	__m512i of[8];
};

static INLINE __m512i load(const uint8_t *from)
{
	return _mm512_loadu_si512(from);
}

/* Planes of 4 bits: columns 0 to 15 are low halves, the others high ones. */
static INLINE struct chunk load_nibbles(const uint8_t *plane, size_t c)
{
	const __m512i low = _mm512_set1_epi8(15);
	struct chunk made;

#pragma GCC unroll 4
	for (size_t j = 0; j < 4; j++) {
		__m512i both = load(plane + 256 * c + 64 * j);

		made.of[j] = _mm512_and_si512(both, low);
		made.of[4 + j] =
			_mm512_and_si512(_mm512_srli_epi16(both, 4), low);
	}
	return made;
}

/* Planes of 2 bits; chunk c has bits 4 (c % 2) to 4 (c % 2) + 3 of vectors. */
static INLINE struct chunk load_pairs(const uint8_t *plane, size_t c)
{
	const __m512i low = _mm512_set1_epi8(3);
	struct chunk made;

#pragma GCC unroll 4
	for (size_t j = 0; j < 4; j++) {
		__m512i all = load(plane + 256 * (c / 2) + 64 * j);

		if (c % 2 == 1)
			all = _mm512_srli_epi16(all, 4);
		made.of[j] = _mm512_and_si512(all, low);
		made.of[4 + j] =
			_mm512_and_si512(_mm512_srli_epi16(all, 2), low);
	}
	return made;
}

static INLINE struct chunk load_bytes(const uint8_t *plane, size_t c)
{
	struct chunk made;

#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		made.of[i] = load(plane + 512 * c + 64 * i);
	return made;
}

/* A plane of one bit is a mask a vector. */
static INLINE void add_fifth_bits(struct chunk *chunk, const uint8_t *plane,
				  size_t c)
{
	const __m512i bit = _mm512_set1_epi8(16);

#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++) {
		uint64_t mask;

		memcpy(&mask, plane + 64 * c + 8 * i, sizeof(mask));
		chunk->of[i] = _mm512_mask_add_epi8(
			chunk->of[i], _cvtu64_mask64(mask), chunk->of[i], bit);
	}
}

static INLINE void add_sixth_bits(struct chunk *chunk, const uint8_t *plane,
				  size_t c)
{
	struct chunk high = load_pairs(plane, c);

#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		chunk->of[i] = _mm512_or_si512(
			chunk->of[i], _mm512_slli_epi16(high.of[i], 4));
}

static INLINE struct chunk load_chunk(enum panel_format format,
				      const uint8_t *block, size_t c)
{
	struct chunk made;

	switch (panel_forms[format].bits) {
	case 8:
		return load_bytes(block, c);
	case 2:
		return load_pairs(block, c);
	default:
		made = load_nibbles(block, c);
		if (panel_forms[format].bits == 5)
			add_fifth_bits(&made, block + 2048, c);
		if (panel_forms[format].bits == 6)
			add_sixth_bits(&made, block + 2048, c);
		return made;
	}
}

static INLINE __m512i four_columns(const int8_t *x)
{
	int32_t columns;

	memcpy(&columns, x, sizeof(columns));
	return _mm512_set1_epi32(columns);
}

/* first + the products of 16 columns; two sums hide each other's latency. */
static INLINE __m512i dot_16(const __m512i *weights, const int8_t *x,
			     __m512i first)
{
	__m512i odd = _mm512_dpbusd_epi32(_mm512_setzero_si512(), weights[1],
					  four_columns(x + 4));

	first = _mm512_dpbusd_epi32(first, weights[0], four_columns(x));
	first = _mm512_dpbusd_epi32(first, weights[2], four_columns(x + 8));
	odd = _mm512_dpbusd_epi32(odd, weights[3], four_columns(x + 12));
	return _mm512_add_epi32(first, odd);
}

static INLINE __m512i dot_32(const struct chunk *chunk, const int8_t *x,
			     __m512i first)
{
	__m512i odd = _mm512_setzero_si512();

#pragma GCC unroll 4
	for (size_t i = 0; i < 8; i += 2) {
		first = _mm512_dpbusd_epi32(first, chunk->of[i],
					    four_columns(x + 4 * i));
		odd = _mm512_dpbusd_epi32(odd, chunk->of[i + 1],
					  four_columns(x + 4 * i + 4));
	}
	return _mm512_add_epi32(first, odd);
}

static INLINE __m512 load_halves(const uint8_t *from)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}

static INLINE __m512i load_small(const uint8_t *from, int is_signed)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)from);

	return is_signed ? _mm512_cvtepi8_epi32(bytes)
			 : _mm512_cvtepu8_epi32(bytes);
}

static INLINE __m512i load_small_pairs(const uint8_t *from)
{
	return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)from));
}

/* One row of activations in a block. */
struct row {
	const int8_t *values;
	const struct activation_block *sums;
};

/* What a block has added up so far, for one row and one panel. */
struct part {
	__m512 part;   /* as in product.h */
	__m512i whole; /* of a group of 256 columns */
	__m512i minima;
};

static INLINE struct part part_empty(void)
{
	return (struct part){ _mm512_setzero_ps(), _mm512_setzero_si512(),
			      _mm512_setzero_si512() };
}

/* What weights of value `zero` would have added. */
static INLINE __m512i zeros(enum panel_format format, int32_t sum)
{
	return _mm512_set1_epi32(-panel_forms[format].zero * sum);
}

/* Two neighbouring sums of 16 bits, for two neighbouring minima. */
static INLINE __m512i two_sums(const int16_t *sums)
{
	int32_t both;

	memcpy(&both, sums, sizeof(both));
	return _mm512_set1_epi32(both);
}

/* Q8, Q4: a float scale for these 32 columns. */
static INLINE void add_group(enum panel_format format, const uint8_t *block,
			     size_t c, const struct chunk *chunk, struct row x,
			     struct part *part)
{
	__m512 scale = load_halves(block + panel_forms[format].scales + 32 * c);
	__m512i whole = dot_32(chunk, x.values + CHUNK * c,
			       zeros(format, x.sums->of_32[c]));

	part->part =
		_mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scale, part->part);
}

/* Q4_K, Q5_K: an integer scale for them, and a minimum. */
static INLINE void add_part_of_32(enum panel_format format,
				  const uint8_t *block, size_t c,
				  const struct chunk *chunk, struct row x,
				  struct part *part)
{
	const struct panel_form *form = &panel_forms[format];
	__m512i scale = load_small(block + form->parts + 16 * c, 0);
	__m512i dot =
		dot_32(chunk, x.values + CHUNK * c, _mm512_setzero_si512());

	part->whole =
		_mm512_add_epi32(part->whole, _mm512_mullo_epi32(dot, scale));
	if (c % 2 == 1) {
		part->minima = _mm512_dpwssd_epi32(
			part->minima,
			load_small_pairs(block + form->minima + 32 * (c / 2)),
			two_sums(&x.sums->of_32[c - 1]));
	}
}

/* Q6_K: two signed integer scales for them. */
static INLINE void add_parts_of_16(enum panel_format format,
				   const uint8_t *block, size_t c,
				   const struct chunk *chunk, struct row x,
				   struct part *part)
{
	const uint8_t *scales = block + panel_forms[format].parts + 32 * c;

#pragma GCC unroll 2
	for (size_t h = 0; h < 2; h++) {
		__m512i dot =
			dot_16(&chunk->of[4 * h], x.values + CHUNK * c + 16 * h,
			       zeros(format, x.sums->of_16[2 * c + h]));

		part->whole = _mm512_add_epi32(
			part->whole,
			_mm512_mullo_epi32(dot,
					   load_small(scales + 16 * h, 1)));
	}
}

/* Q2_K: the same with minima; sums so small that two share a lane. */
static INLINE void add_shared_parts(enum panel_format format,
				    const uint8_t *block, size_t c,
				    const struct chunk *chunk, struct row x,
				    struct part *part)
{
	const __m512i zero = _mm512_setzero_si512();
	const __m512i low = _mm512_set1_epi16(15);
	__m512i both =
		load_small_pairs(block + panel_forms[format].parts + 32 * c);
	__m512i first = dot_16(&chunk->of[0], x.values + CHUNK * c, zero);
	__m512i second = dot_16(&chunk->of[4], x.values + CHUNK * c + 16, zero);
	__m512i dots = _mm512_mask_mov_epi16(first, 0xaaaaaaaau,
					     _mm512_slli_epi32(second, 16));

	part->whole = _mm512_dpwssd_epi32(part->whole, dots,
					  _mm512_and_si512(both, low));
	part->minima =
		_mm512_dpwssd_epi32(part->minima, _mm512_srli_epi16(both, 4),
				    two_sums(&x.sums->of_16[2 * c]));
}

static INLINE void add_chunk(enum panel_format format, const uint8_t *block,
			     size_t c, const struct chunk *chunk, struct row x,
			     struct part *part)
{
	const struct panel_form *form = &panel_forms[format];

	if (form->group == CHUNK)
		add_group(format, block, c, chunk, x, part);
	else if (form->part == 0)
		part->whole = dot_32(chunk, x.values + CHUNK * c, part->whole);
	else if (form->part == 32)
		add_part_of_32(format, block, c, chunk, x, part);
	else if (form->has_minimum)
		add_shared_parts(format, block, c, chunk, x, part);
	else
		add_parts_of_16(format, block, c, chunk, x, part);
}

/* The float scales of a block whose group it is. */
static INLINE __m512 finish_part(enum panel_format format, const uint8_t *block,
				 struct row x, struct part part)
{
	const struct panel_form *form = &panel_forms[format];
	const uint8_t *scales = block + form->scales;
	__m512i whole = part.whole;

	if (form->group == CHUNK)
		return part.part;
	if (form->part == 0) {
		whole = _mm512_mullo_epi32(whole,
					   _mm512_set1_epi32(form->factor));
		whole = _mm512_add_epi32(whole, zeros(format, x.sums->sum));
		return _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole),
				       _mm512_loadu_ps(scales), part.part);
	}
	part.part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole),
				    load_halves(scales), part.part);
	if (form->has_minimum) {
		part.part =
			_mm512_fnmadd_ps(_mm512_cvtepi32_ps(part.minima),
					 load_halves(scales + 32), part.part);
	}
	return part.part;
}

/* Ask for what this stream needs a little later. */
static INLINE void prefetch(enum panel_format format, const uint8_t *block,
			    size_t c)
{
	const struct panel_form *form = &panel_forms[format];
	size_t step = form->bytes / 64 / CHUNKS * 64;
	size_t end = c + 1 == CHUNKS ? form->bytes : step * (c + 1);

#pragma GCC unroll 16
	for (size_t at = step * c; at < end; at += 64)
		_mm_prefetch((const char *)(block + AHEAD + at), _MM_HINT_T0);
}

/* Where a tile lies. */
struct tile {
	const uint8_t *panels;
	size_t stride; /* bytes from a panel to the next */
	const struct activation *x;
	size_t row; /* the first */
};

static INLINE struct row row_of(const struct tile *tile, size_t r, size_t b)
{
	const struct activation *x = tile->x;

	return (struct row){
		x->values + (tile->row + r) * x->stride + b * PANEL_COLUMNS,
		x->sums + (tile->row + r) * x->blocks + b,
	};
}

/* One block of every panel of a tile. */
static INLINE void add_block(enum panel_format format, struct size size,
			     const struct tile *tile, size_t b,
			     __m512 sums[PANELS_MAX][ROWS_MAX])
{
	size_t at = b * panel_forms[format].bytes;
	struct part parts[PANELS_MAX][ROWS_MAX];

#pragma GCC unroll 4
	for (size_t p = 0; p < size.panels; p++) {
#pragma GCC unroll 4
		for (size_t r = 0; r < size.rows; r++)
			parts[p][r] = part_empty();
	}
#pragma GCC unroll 8
	for (size_t c = 0; c < CHUNKS; c++) {
#pragma GCC unroll 4
		for (size_t p = 0; p < size.panels; p++) {
			const uint8_t *block =
				tile->panels + p * tile->stride + at;
			struct chunk chunk = load_chunk(format, block, c);

			prefetch(format, block, c);
#pragma GCC unroll 4
			for (size_t r = 0; r < size.rows; r++)
				add_chunk(format, block, c, &chunk,
					  row_of(tile, r, b), &parts[p][r]);
		}
	}
#pragma GCC unroll 4
	for (size_t p = 0; p < size.panels; p++) {
		const uint8_t *block = tile->panels + p * tile->stride + at;

#pragma GCC unroll 4
		for (size_t r = 0; r < size.rows; r++) {
			struct row x = row_of(tile, r, b);

			sums[p][r] = _mm512_fmadd_ps(
				finish_part(format, block, x, parts[p][r]),
				_mm512_set1_ps(x.sums->scale), sums[p][r]);
		}
	}
}

/* Lanes of the last panel that are outputs. */
static INLINE __mmask16 outputs_of(const struct product *product, size_t panel)
{
	size_t left = product->outputs - panel * PANEL_ROWS;

	return (__mmask16)(left >= PANEL_ROWS ? 0xffffu : (1u << left) - 1);
}

static INLINE void compute_tile(enum panel_format format, struct size size,
				const struct product *product, size_t panel,
				size_t row)
{
	size_t stride = product->x->blocks * panel_forms[format].bytes;
	struct tile tile = { product->panels + panel * stride, stride,
			     product->x, row };
	__m512 sums[PANELS_MAX][ROWS_MAX];

#pragma GCC unroll 4
	for (size_t p = 0; p < size.panels; p++) {
#pragma GCC unroll 4
		for (size_t r = 0; r < size.rows; r++)
			sums[p][r] = _mm512_setzero_ps();
	}
	for (size_t b = 0; b < product->x->blocks; b++)
		add_block(format, size, &tile, b, sums);
#pragma GCC unroll 4
	for (size_t p = 0; p < size.panels; p++) {
#pragma GCC unroll 4
		for (size_t r = 0; r < size.rows; r++) {
			_mm512_mask_storeu_ps(
				product->out + (row + r) * product->stride +
					(panel + p) * PANEL_ROWS,
				outputs_of(product, panel + p), sums[p][r]);
		}
	}
}

/* All rows for one panel: its weights stay in the cache. */
static INLINE void compute_panel(enum panel_format format,
				 const struct product *product, size_t panel)
{
	size_t row = 0;

	for (; row + 4 <= product->rows; row += 4)
		compute_tile(format, (struct size){ 4, 1 }, product, panel,
			     row);
	if (row + 2 <= product->rows) {
		compute_tile(format, (struct size){ 2, 1 }, product, panel,
			     row);
		row += 2;
	}
	if (row < product->rows)
		compute_tile(format, (struct size){ 1, 1 }, product, panel,
			     row);
}

static INLINE void compute(enum panel_format format,
			   const struct product *product)
{
	size_t panels = (product->outputs + PANEL_ROWS - 1) / PANEL_ROWS;
	size_t panel = 0;

	if (product->rows == 1) {
		for (; panel + 4 <= panels; panel += 4)
			compute_tile(format, (struct size){ 1, 4 }, product,
				     panel, 0);
	}
	for (; panel < panels; panel++)
		compute_panel(format, product, panel);
}

PRODUCT_DISPATCH()

void product_avx512(const struct product *product)
{
	compute_by_format(product);
}

bool product_avx512_is_there(void)
{
	return __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("fma");
}

#else

bool product_avx512_is_there(void)
{
	return false;
}

void product_avx512(const struct product *product)
{
	product_scalar(product);
}

#endif
