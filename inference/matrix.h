/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: weights as they lie in the model file.
 *
 *     F32   columns x float
 *     F16   columns x half
 *     BF16  columns x the upper half of a float
 *     Q...  columns / 32 or / 256 blocks: see block.h
 *
 * Every format decodes to fp32 by one definition, so the formats differ in
 * size and speed alone, and all products can follow one as well (kernel.h).
 */
#ifndef INFERENCE_MATRIX_H
#define INFERENCE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MATRIX_BLOCK 32	      /* weights of a Q8_0 block */
#define MATRIX_BLOCK_BYTES 34 /* its scale and its integers */
#define MATRIX_BLOCK_MAX 256  /* weights of a block of any format */

/* The numbers are GGUF's. */
enum matrix_format {
	MATRIX_F32 = 0,
	MATRIX_F16 = 1,
	MATRIX_Q4_0 = 2,
	MATRIX_Q8_0 = 8,
	MATRIX_Q2_K = 10,
	MATRIX_Q4_K = 12,
	MATRIX_Q5_K = 13,
	MATRIX_Q6_K = 14,
	MATRIX_BF16 = 30,
};

/* What is to be known of a format; bits a weight = 8 bytes / weights. */
struct matrix_form {
	enum matrix_format format;
	const char *name; /* such as "Q4_K" */
	size_t weights;	  /* of a block; 1 where weights stand alone */
	size_t bytes;	  /* of a block */
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

/* Of a format above; number i of them all, or NULL after the last. */
const struct matrix_form *matrix_form_of(enum matrix_format format);
const struct matrix_form *matrix_form_at(size_t i);

/*
 * The bytes of one row.  ERR_MALFORMED where columns are none or do not fill
 * whole blocks, ERR_TOO_LARGE where the size is beyond size_t.
 */
MUST_CHECK enum err matrix_row_bytes(enum matrix_format format,
				     uint64_t columns, size_t *out);

/* Decode columns [first, first + count) of a row, by whole blocks. */
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
