/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work is cut into tiles: a few outputs times a few rows of x, each pair
 * with its own register of eight sums.  A weight that has been loaded and
 * decoded serves all rows of the tile, a piece of x all its outputs.  What is
 * added to a sum, and in which order, is the same for every tile size.
 */
#include "inference/multiply_avx2.h"

#if defined(__x86_64__)

#include <string.h>

#include "inference/lanes_avx2.h"

/* Their sums fill 12 of the 16 registers. */
#define TILE_OUTPUTS 4
#define TILE_ROWS 3
/* With a single row, more outputs hide the latency of additions. */
#define TILE_OUTPUTS_ALONE 8

/* Constants wherever they are used, once all is inlined. */
struct size {
	size_t outputs;
	size_t rows;
};

static const struct size whole = { TILE_OUTPUTS, TILE_ROWS };
static const struct size one_row = { TILE_OUTPUTS, 1 };
static const struct size one_output = { 1, 1 };
static const struct size alone = { TILE_OUTPUTS_ALONE, 1 };

/* Consecutive outputs, for consecutive rows of x. */
struct tile {
	const struct matrix *matrix;
	size_t stride;	     /* of out */
	const uint8_t *from; /* the weights of the first output */
	const float *x;
	float *out;
};

/* The sums of a tile; most tiles use fewer. */
struct sums {
	__m256 of[TILE_OUTPUTS_ALONE][TILE_ROWS]; /* [output][row] */
};

/* Eight columns of x. */
struct columns {
	__m256 of[TILE_ROWS];
};

static INLINE_AVX2 struct columns load_columns(const float *x, size_t stride,
					       size_t rows)
{
	struct columns made;

#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
		made.of[r] = _mm256_loadu_ps(x + r * stride);
	return made;
}

static INLINE_AVX2 struct columns
load_columns_short(const float *x, size_t stride, size_t rows, size_t count)
{
	struct columns made;

#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
		made.of[r] = lanes_load_short(x + r * stride, count);
	return made;
}

/* Eight weights of one output times eight columns of each row. */
static INLINE_AVX2 void add_products(__m256 sums[TILE_ROWS], __m256 weights,
				     struct columns x, size_t rows)
{
#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
		sums[r] = _mm256_fmadd_ps(weights, x.of[r], sums[r]);
}

/* Halves of either kind to floats, exactly. */
static INLINE_AVX2 __m256 widen(enum matrix_format format, __m128i halves)
{
	if (format == MATRIX_F16)
		return _mm256_cvtph_ps(halves);
	return _mm256_castsi256_ps(
		_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/* Eight whole weights of a row of floats or halves, from column i on. */
static INLINE_AVX2 __m256 load_weights(enum matrix_format format,
				       const uint8_t *row, size_t i)
{
	__m128i halves;

	if (format == MATRIX_F32)
		return _mm256_loadu_ps((const float *)row + i);
	halves = _mm_loadu_si128((const __m128i *)(row + i * sizeof(uint16_t)));
	return widen(format, halves);
}

/* The last count < 8 weights. */
static INLINE_AVX2 __m256 load_weights_short(enum matrix_format format,
					     const uint8_t *row, size_t i,
					     size_t count)
{
	uint16_t halves[LANES] = { 0 };

	if (format == MATRIX_F32)
		return lanes_load_short((const float *)row + i, count);
	memcpy(halves, row + i * sizeof(uint16_t), count * sizeof(uint16_t));
	return widen(format, _mm_loadu_si128((const __m128i *)halves));
}

/* All columns of a tile of floats or halves. */
static INLINE_AVX2 void add_columns(const struct tile *tile,
				    enum matrix_format format, struct size size,
				    struct sums *sums)
{
	const uint8_t *from = tile->from;
	size_t stride = tile->matrix->stride;
	size_t columns = tile->matrix->columns;
	__m256 weights;
	size_t i;

	for (i = 0; i + LANES <= columns; i += LANES) {
		struct columns x =
			load_columns(tile->x + i, columns, size.rows);

#pragma GCC unroll 8
		for (size_t o = 0; o < size.outputs; o++) {
			weights = load_weights(format, from + o * stride, i);
			add_products(sums->of[o], weights, x, size.rows);
		}
	}
	if (i < columns) {
		struct columns x = load_columns_short(tile->x + i, columns,
						      size.rows, columns - i);

#pragma GCC unroll 8
		for (size_t o = 0; o < size.outputs; o++) {
			weights = load_weights_short(format, from + o * stride,
						     i, columns - i);
			add_products(sums->of[o], weights, x, size.rows);
		}
	}
}

static INLINE_AVX2 void multiply_tile(const struct tile *tile,
				      enum matrix_format format,
				      struct size size)
{
	struct sums sums;

#pragma GCC unroll 8
	for (size_t o = 0; o < size.outputs; o++) {
#pragma GCC unroll 8
		for (size_t r = 0; r < size.rows; r++)
			sums.of[o][r] = _mm256_setzero_ps();
	}
	add_columns(tile, format, size, &sums);
#pragma GCC unroll 8
	for (size_t o = 0; o < size.outputs; o++) {
#pragma GCC unroll 8
		for (size_t r = 0; r < size.rows; r++)
			tile->out[r * tile->stride + o] =
				lanes_sum(sums.of[o][r]);
	}
}

/* All rows for the same outputs in turn: their weights stay in the cache. */
static INLINE_AVX2 void multiply_outputs(struct tile tile,
					 enum matrix_format format, size_t rows)
{
	const struct matrix *matrix = tile.matrix;

	for (; rows >= TILE_ROWS; rows -= TILE_ROWS) {
		multiply_tile(&tile, format, whole);
		tile.x += TILE_ROWS * matrix->columns;
		tile.out += TILE_ROWS * tile.stride;
	}
	for (; rows > 0; rows--) {
		multiply_tile(&tile, format, one_row);
		tile.x += matrix->columns;
		tile.out += tile.stride;
	}
}

/* The last outputs, too few for a tile. */
static INLINE_AVX2 void multiply_output(struct tile tile,
					enum matrix_format format, size_t rows)
{
	for (size_t r = 0; r < rows; r++) {
		multiply_tile(&tile, format, one_output);
		tile.x += tile.matrix->columns;
		tile.out += tile.stride;
	}
}

static INLINE_AVX2 void multiply_format(struct tile tile,
					enum matrix_format format, size_t rows)
{
	size_t stride = tile.matrix->stride;
	size_t left = tile.matrix->rows;
	size_t wide = rows == 1 ? TILE_OUTPUTS_ALONE : TILE_OUTPUTS;

	for (; left >= wide; left -= wide) {
		if (rows == 1)
			multiply_tile(&tile, format, alone);
		else
			multiply_outputs(tile, format, rows);
		tile.from += wide * stride;
		tile.out += wide;
	}
	for (; left > 0; left--) {
		multiply_output(tile, format, rows);
		tile.from += stride;
		tile.out++;
	}
}

TARGET_AVX2 void multiply_avx2(const struct kernel_multiply *multiply)
{
	struct tile tile = { multiply->matrix, multiply->stride,
			     multiply->matrix->data, multiply->x,
			     multiply->out };

	if (multiply->matrix->format == MATRIX_F32)
		multiply_format(tile, MATRIX_F32, multiply->rows);
	else if (multiply->matrix->format == MATRIX_F16)
		multiply_format(tile, MATRIX_F16, multiply->rows);
	else
		multiply_format(tile, MATRIX_BF16, multiply->rows);
}

#endif
