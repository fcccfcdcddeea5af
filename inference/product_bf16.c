/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of a panel is decoded once into floats, which are then multiplied
 * with one row of activations after the other.  A vector has eight of the
 * sixteen outputs.
 */
#include "inference/product_bf16.h"

#include "inference/half.h"

#if defined(__x86_64__)

#include <string.h>

#include "inference/lanes_avx2.h"

#define GROUP 32 /* columns of a float scale */

/* Weights of a block, as bf16 has them. */
struct decoded {
	float of[PANEL_COLUMNS][PANEL_ROWS];
} __attribute__((aligned(32)));

static void decode(const struct product *product, const uint8_t *panel_block,
		   struct decoded *out)
{
	struct block numbers;
	float row[PANEL_COLUMNS];

	for (size_t r = 0; r < PANEL_ROWS; r++) {
		panel_read(product->format, panel_block, r, &numbers);
		block_decode(&numbers, PANEL_COLUMNS, row);
		for (size_t c = 0; c < PANEL_COLUMNS; c++)
			out->of[c][r] = half_value_brain(half_of_brain(row[c]));
	}
}

/* A block's part of sixteen outputs of a row. */
static INLINE_AVX2 void add_block(const struct decoded *weights,
				  const uint16_t *x, __m256 results[2])
{
	for (size_t g = 0; g < PANEL_COLUMNS; g += GROUP) {
		__m256 even[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
		__m256 odd[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

		for (size_t c = g; c < g + GROUP; c += 2) {
			const float *w = weights->of[c];
			__m256 first = lanes_spread_bf16(x[c]);
			__m256 second = lanes_spread_bf16(x[c + 1]);

			even[0] = _mm256_fmadd_ps(_mm256_load_ps(w), first,
						  even[0]);
			even[1] = _mm256_fmadd_ps(_mm256_load_ps(w + 8), first,
						  even[1]);
			odd[0] = _mm256_fmadd_ps(_mm256_load_ps(w + 16), second,
						 odd[0]);
			odd[1] = _mm256_fmadd_ps(_mm256_load_ps(w + 24), second,
						 odd[1]);
		}
		for (size_t h = 0; h < 2; h++)
			results[h] = _mm256_add_ps(
				results[h], _mm256_add_ps(even[h], odd[h]));
	}
}

/* The outputs of a panel for one row, of which some may not be wanted. */
static INLINE_AVX2 void add_row(const struct decoded *weights,
				const uint16_t *x, size_t outputs, float *out)
{
	float all[PANEL_ROWS] = { 0 };
	__m256 results[2];

	memcpy(all, out, outputs * sizeof(*out));
	results[0] = _mm256_loadu_ps(all);
	results[1] = _mm256_loadu_ps(all + LANES);
	add_block(weights, x, results);
	_mm256_storeu_ps(all, results[0]);
	_mm256_storeu_ps(all + LANES, results[1]);
	memcpy(out, all, outputs * sizeof(*out));
}

/* A panel: `outputs` of its rows are wanted. */
static TARGET_AVX2 void compute_panel(const struct product *product,
				      size_t output, size_t outputs)
{
	const struct activation *x = product->x;
	size_t bytes = panel_forms[product->format].bytes;
	const uint8_t *block =
		product->panels + output / PANEL_ROWS * x->blocks * bytes;
	struct decoded weights;

	for (size_t r = 0; r < product->rows; r++)
		memset(product->out + r * product->stride + output, 0,
		       outputs * sizeof(*product->out));
	for (size_t b = 0; b < x->blocks; b++) {
		decode(product, block + b * bytes, &weights);
		for (size_t r = 0; r < product->rows; r++) {
			add_row(&weights,
				x->bf16 + r * x->stride + b * PANEL_COLUMNS,
				outputs,
				product->out + r * product->stride + output);
		}
	}
}

void product_bf16_avx2(const struct product *product)
{
	for (size_t o = 0; o < product->outputs; o += PANEL_ROWS) {
		size_t left = product->outputs - o;

		compute_panel(product, o,
			      left < PANEL_ROWS ? left : PANEL_ROWS);
	}
}

#else

void product_bf16_avx2(const struct product *product)
{
	product_scalar_bf16(product);
}

#endif
