/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: weights as they lie in the model file.
 *
 *     F32   columns x float
 *     F16   columns x half
 *     Q8_0  columns / 32 x { half scale, 32 x int8 }    value = scale * int8
 *
 * Every format decodes to fp32 without rounding: a half has 11 significant
 * bits, an int8 has 8, and a float holds 24.  So the formats differ in size
 * and speed alone, and all products can follow one definition (kernel.h).
 */
#ifndef INFERENCE_MATRIX_H
#define INFERENCE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MATRIX_BLOCK 32	      /* weights of a Q8_0 block */
#define MATRIX_BLOCK_BYTES 34 /* its scale and its integers */

/* The numbers are GGUF's. */
enum matrix_format {
	MATRIX_F32 = 0,
	MATRIX_F16 = 1,
	MATRIX_Q8_0 = 8,
};

/* Borrowed: rows x columns weights, each row `stride` bytes after the last. */
struct matrix {
	const uint8_t *data;
	size_t rows;	/* outputs */
	size_t columns; /* inputs */
	size_t stride;
	enum matrix_format format;
};

/* Whether the number, from a file, names a format above. */
bool matrix_format_known(uint32_t number);

/*
 * The bytes of one row.  ERR_MALFORMED where columns are none or do not fill
 * whole blocks, ERR_TOO_LARGE where the size is beyond size_t.
 */
MUST_CHECK enum err matrix_row_bytes(enum matrix_format format,
				     uint64_t columns, size_t *out);

/* Decode columns [first, first + count) of a row; Q8_0 by whole blocks. */
void matrix_decode(const struct matrix *matrix, size_t row, size_t first,
		   size_t count, float *out);

/* Whether no weight is infinite or NaN. */
bool matrix_is_finite(const struct matrix *matrix);

/* `count` floats in memory, as a matrix of rows that are `columns` wide. */
struct matrix matrix_of_floats(const float *values, size_t rows,
			       size_t columns);

/* The value of an IEEE 754 half. */
float matrix_half(uint16_t half);

#endif
