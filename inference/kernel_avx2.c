/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's flags stay those of any x86-64 machine: each function here
 * names the instruction set that it needs, and kernel_avx2() is asked first.
 */
#include "inference/kernel_avx2.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#include "inference/numeric.h"

#define LANES 8
#define TARGET __attribute__((target("avx2,fma,f16c")))
/* Inlined so that format and tile sizes are constants where it is used. */
#define INLINE TARGET static inline __attribute__((always_inline))

/* Outputs and rows of a tile: their sums fill 12 of the 16 registers. */
#define TILE_OUTPUTS 4
#define TILE_ROWS 3
/* With a single row, twice the outputs hide the latency of the sums. */
#define TILE_OUTPUTS_ALONE 8

/* Lane j is all ones where j < count. */
INLINE __m256i short_mask(size_t count)
{
	const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes);
}

INLINE __m256 load_short(const float *from, size_t count)
{
	return _mm256_maskload_ps(from, short_mask(count));
}

INLINE float sum_of_lanes(__m256 lanes)
{
	__m128 low = _mm256_castps256_ps128(lanes);
	__m128 four = _mm_add_ps(low, _mm256_extractf128_ps(lanes, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE float scale_of(const uint8_t *block)
{
	uint16_t half;

	memcpy(&half, block, sizeof(half));
	return _cvtsh_ss(half);
}

/* Eight whole weights of a row of floats or halves, from column i on. */
INLINE __m256 load_weights(enum matrix_format format, const uint8_t *row,
			   size_t i)
{
	if (format == MATRIX_F32)
		return _mm256_loadu_ps((const float *)row + i);
	return _mm256_cvtph_ps(
		_mm_loadu_si128((const __m128i *)(row + i * sizeof(uint16_t))));
}

/* Eight integers of a Q8_0 block, times its scale. */
INLINE __m256 load_scaled(__m256 scale, const uint8_t *integers)
{
	__m128i bytes = _mm_loadl_epi64((const __m128i *)integers);

	return _mm256_mul_ps(scale,
			     _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
}

/* The last count < 8 weights. */
INLINE __m256 load_weights_short(enum matrix_format format, const uint8_t *row,
				 size_t i, size_t count)
{
	uint16_t halves[LANES] = { 0 };

	if (format == MATRIX_F32)
		return load_short((const float *)row + i, count);
	memcpy(halves, row + i * sizeof(uint16_t), count * sizeof(uint16_t));
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

/* What a tile works on: consecutive outputs, for consecutive rows of x. */
struct tile {
	const struct matrix *matrix;
	const uint8_t *from; /* the weights of the first output */
	const float *x;
	float *out;
};

/* One step of a tile: 8 columns of every output times those of every row. */
#define TILE_STEP(load_weight, load_x)                                       \
	do {                                                                 \
		__m256 part[TILE_ROWS];                                      \
		_Pragma("GCC unroll 8") for (size_t r = 0; r < rows; r++)    \
			part[r] = load_x;                                    \
		_Pragma("GCC unroll 8") for (size_t o = 0; o < outputs; o++) \
		{                                                            \
			__m256 weight = load_weight;                         \
			_Pragma("GCC unroll 8") for (size_t r = 0; r < rows; \
						     r++) sum[o][r] =        \
				_mm256_fmadd_ps(weight, part[r], sum[o][r]); \
		}                                                            \
	} while (0)

/* Adds all columns of a tile of floats or halves. */
INLINE void add_columns(const struct tile *tile, enum matrix_format format,
			size_t outputs, size_t rows,
			__m256 sum[TILE_OUTPUTS_ALONE][TILE_ROWS])
{
	const uint8_t *from = tile->from;
	const float *x = tile->x;
	size_t stride = tile->matrix->stride;
	size_t columns = tile->matrix->columns;
	size_t i;

	for (i = 0; i + LANES <= columns; i += LANES)
		TILE_STEP(load_weights(format, from + o * stride, i),
			  _mm256_loadu_ps(x + r * columns + i));
	if (i < columns)
		TILE_STEP(load_weights_short(format, from + o * stride, i,
					     columns - i),
			  load_short(x + r * columns + i, columns - i));
}

/* Ask for what the next tile needs at this place: a single row of x waits for
 * memory, and rows of blocks are too short for the processor to foresee.  A
 * hint may point past the end of the weights. */
INLINE void prefetch_blocks(const uint8_t *block, size_t outputs, size_t stride)
{
#pragma GCC unroll 8
	for (size_t o = 0; o < outputs; o++)
		_mm_prefetch((const char *)(block + o * stride), _MM_HINT_T0);
}

/* Adds all columns of a tile of Q8_0, whose rows are whole blocks. */
INLINE void add_blocks(const struct tile *tile, size_t outputs, size_t rows,
		       __m256 sum[TILE_OUTPUTS_ALONE][TILE_ROWS])
{
	const uint8_t *block = tile->from;
	const float *x = tile->x;
	size_t stride = tile->matrix->stride;
	size_t columns = tile->matrix->columns;

	for (size_t i = 0; i < columns; i += MATRIX_BLOCK) {
		__m256 scale[TILE_OUTPUTS_ALONE];

#pragma GCC unroll 8
		for (size_t o = 0; o < outputs; o++)
			scale[o] = _mm256_set1_ps(scale_of(block + o * stride));
		if (rows == 1)
			prefetch_blocks(block + outputs * stride, outputs,
					stride);
#pragma GCC unroll 4
		for (size_t j = 0; j < MATRIX_BLOCK; j += LANES)
			TILE_STEP(load_scaled(scale[o],
					      block + o * stride + 2 + j),
				  _mm256_loadu_ps(x + r * columns + i + j));
		block += MATRIX_BLOCK_BYTES;
	}
}

INLINE void multiply_tile(const struct tile *tile, enum matrix_format format,
			  size_t outputs, size_t rows)
{
	__m256 sum[TILE_OUTPUTS_ALONE][TILE_ROWS];

#pragma GCC unroll 8
	for (size_t o = 0; o < outputs; o++)
#pragma GCC unroll 8
		for (size_t r = 0; r < rows; r++)
			sum[o][r] = _mm256_setzero_ps();
	if (format == MATRIX_Q8_0)
		add_blocks(tile, outputs, rows, sum);
	else
		add_columns(tile, format, outputs, rows, sum);
#pragma GCC unroll 8
	for (size_t o = 0; o < outputs; o++)
#pragma GCC unroll 8
		for (size_t r = 0; r < rows; r++)
			tile->out[r * tile->matrix->rows + o] =
				sum_of_lanes(sum[o][r]);
}

/* All rows for the same outputs in turn: their weights stay in the cache. */
INLINE void multiply_outputs(struct tile tile, enum matrix_format format,
			     size_t outputs, size_t rows)
{
	const struct matrix *matrix = tile.matrix;

	for (; rows >= TILE_ROWS; rows -= TILE_ROWS) {
		multiply_tile(&tile, format, outputs, TILE_ROWS);
		tile.x += TILE_ROWS * matrix->columns;
		tile.out += TILE_ROWS * matrix->rows;
	}
	for (; rows > 0; rows--) {
		multiply_tile(&tile, format, outputs, 1);
		tile.x += matrix->columns;
		tile.out += matrix->rows;
	}
}

INLINE void multiply_format(const struct matrix *matrix,
			    enum matrix_format format, const float *x,
			    size_t rows, float *out)
{
	size_t wide = rows == 1 ? TILE_OUTPUTS_ALONE : TILE_OUTPUTS;
	struct tile tile = { matrix, matrix->data, x, out };
	size_t o = 0;

	for (; o + wide <= matrix->rows; o += wide) {
		if (rows == 1)
			multiply_tile(&tile, format, TILE_OUTPUTS_ALONE, 1);
		else
			multiply_outputs(tile, format, TILE_OUTPUTS, rows);
		tile.from += wide * matrix->stride;
		tile.out += wide;
	}
	for (; o < matrix->rows; o++) {
		multiply_outputs(tile, format, 1, rows);
		tile.from += matrix->stride;
		tile.out++;
	}
}

TARGET static void multiply(const struct matrix *matrix, const float *x,
			    size_t rows, float *out)
{
	switch (matrix->format) {
	case MATRIX_F32:
		multiply_format(matrix, MATRIX_F32, x, rows, out);
		break;
	case MATRIX_F16:
		multiply_format(matrix, MATRIX_F16, x, rows, out);
		break;
	case MATRIX_Q8_0:
		multiply_format(matrix, MATRIX_Q8_0, x, rows, out);
		break;
	}
}

TARGET static float dot(const float *a, const float *b, size_t count)
{
	__m256 sum = _mm256_setzero_ps();
	size_t i;

	for (i = 0; i + LANES <= count; i += LANES)
		sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i),
				      _mm256_loadu_ps(b + i), sum);
	if (i < count)
		sum = _mm256_fmadd_ps(load_short(a + i, count - i),
				      load_short(b + i, count - i), sum);
	return sum_of_lanes(sum);
}

/* Columns [at, at + 8 * vectors), or `mask` of them where vectors is 1. */
INLINE void blend_columns(const float *weights, const struct matrix *values,
			  float *out, size_t vectors, __m256i mask)
{
	const uint8_t *row = values->data;
	__m256 sum[4];

#pragma GCC unroll 4
	for (size_t v = 0; v < vectors; v++)
		sum[v] = _mm256_maskload_ps(out + v * LANES, mask);
	for (size_t r = 0; r < values->rows; r++) {
		const float *from = (const float *)row;
		__m256 weight = _mm256_set1_ps(weights[r]);

#pragma GCC unroll 4
		for (size_t v = 0; v < vectors; v++)
			sum[v] = _mm256_fmadd_ps(
				weight,
				_mm256_maskload_ps(from + v * LANES, mask),
				sum[v]);
		row += values->stride;
	}
#pragma GCC unroll 4
	for (size_t v = 0; v < vectors; v++)
		_mm256_maskstore_ps(out + v * LANES, mask, sum[v]);
}

TARGET static void blend(const float *weights, const struct matrix *values,
			 float *out)
{
	const __m256i all = _mm256_set1_epi32(-1);
	struct matrix rest = *values;

	while (rest.columns > 0) {
		size_t width = rest.columns;

		if (width >= 4 * LANES) {
			blend_columns(weights, &rest, out, 4, all);
			width = 4 * LANES;
		} else if (width >= LANES) {
			blend_columns(weights, &rest, out, 1, all);
			width = LANES;
		} else {
			blend_columns(weights, &rest, out, 1,
				      short_mask(width));
		}
		rest.columns -= width;
		rest.data += width * sizeof(float);
		out += width;
	}
}

/* The steps of numeric_exp(); see numeric.h. */
INLINE __m256 exponential(__m256 x)
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

/* Short rows take the same steps in a register's worth of memory. */
TARGET static void softmax(float *x, size_t count)
{
	float most = x[0];
	__m256 sum = _mm256_setzero_ps();
	__m256 shift, total;

	for (size_t i = 1; i < count; i++)
		most = x[i] > most ? x[i] : most;
	shift = _mm256_set1_ps(most);
	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = short_mask(left);
		__m256 part = _mm256_maskload_ps(x + i, mask);

		part = exponential(_mm256_sub_ps(part, shift));
		part = _mm256_and_ps(part, _mm256_castsi256_ps(mask));
		_mm256_maskstore_ps(x + i, mask, part);
		sum = _mm256_add_ps(sum, part);
	}
	total = _mm256_set1_ps(sum_of_lanes(sum));
	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = short_mask(left);
		__m256 part = _mm256_maskload_ps(x + i, mask);

		_mm256_maskstore_ps(x + i, mask, _mm256_div_ps(part, total));
	}
}

TARGET static void swiglu(float *gate, const float *up, size_t count)
{
	const __m256 one = _mm256_set1_ps(1.0f);
	const __m256 sign = _mm256_set1_ps(-0.0f);

	for (size_t i = 0; i < count; i += LANES) {
		size_t left = count - i < LANES ? count - i : LANES;
		__m256i mask = short_mask(left);
		__m256 g = _mm256_maskload_ps(gate + i, mask);
		__m256 u = _mm256_maskload_ps(up + i, mask);
		__m256 e = exponential(_mm256_xor_ps(g, sign));

		g = _mm256_div_ps(g, _mm256_add_ps(one, e));
		_mm256_maskstore_ps(gate + i, mask, _mm256_mul_ps(g, u));
	}
}

static const struct kernel avx2 = {
	.name = "avx2",
	.multiply = multiply,
	.dot = dot,
	.blend = blend,
	.softmax = softmax,
	.swiglu = swiglu,
};

/* Asked by hand: clang 14's builtin does not know the name. */
static bool has_half_floats(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

const struct kernel *kernel_avx2(void)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    has_half_floats())
		return &avx2;
	return NULL;
}

#else

const struct kernel *kernel_avx2(void)
{
	return NULL;
}

#endif
