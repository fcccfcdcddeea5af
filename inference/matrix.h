/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: weights as they lie in memory, a model file's or our own.
 *
 *     F32   columns x float
 *     F16   columns x half
 *     BF16  columns x the upper half of a float
 *     Q...  columns / 32 or / 256 blocks: see block.h
 *     P...  panels of sixteen rows, ready for the kernels: see panel.h
 *
 * Every format decodes to fp32 by one definition.
 */
#ifndef INFERENCE_MATRIX_H
#define INFERENCE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "inference/panel.h"

#define MATRIX_BLOCK_MAX 256 /* weights of a block of any format */

/* GGUF's numbers; and for panels our own, which no other program takes. */
#define MATRIX_PANELS 0x50430000

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
	MATRIX_PANEL_Q8 = MATRIX_PANELS + PANEL_Q8,
	MATRIX_PANEL_Q4 = MATRIX_PANELS + PANEL_Q4,
	MATRIX_PANEL_Q4_K = MATRIX_PANELS + PANEL_Q4_K,
	MATRIX_PANEL_Q5_K = MATRIX_PANELS + PANEL_Q5_K,
	MATRIX_PANEL_Q6_K = MATRIX_PANELS + PANEL_Q6_K,
	MATRIX_PANEL_Q2_K = MATRIX_PANELS + PANEL_Q2_K,
	MATRIX_PANEL_C8 = MATRIX_PANELS + PANEL_C8,
	MATRIX_PANEL_C4 = MATRIX_PANELS + PANEL_C4,
	MATRIX_PANEL_C2 = MATRIX_PANELS + PANEL_C2,
};

/* What is to be known of a format; 8 * bytes / (rows * weights) bits a weight. */
struct matrix_form {
	enum matrix_format format;
	const char *name; /* such as "Q4_K" */
	size_t rows;	  /* that lie side by side: 1, or those of a panel */
	size_t weights;	  /* of a row in a block; 1 where they stand alone */
	size_t bytes;	  /* of a block, all its rows */
};

/* Borrowed: rows x columns weights. */
struct matrix {
	const uint8_t *data;
	size_t rows;	/* outputs */
	size_t columns; /* inputs */
	size_t stride;	/* bytes from a row, or a panel, to the next */
	size_t apart;	/* bytes to the next matrix, where it has some beside */
	enum matrix_format format;
};

/* Whether the number, from a file, names a format above. */
bool matrix_format_known(uint32_t number);

/* Of a format above; number i of them all, or NULL after the last. */
const struct matrix_form *matrix_form_of(enum matrix_format format);
const struct matrix_form *matrix_form_at(size_t i);

/* Whether it is in panels, and then which ones. */
bool matrix_is_panels(enum matrix_format format);
enum panel_format matrix_panels_of(enum matrix_format format);

/*
 * The panels that hold the integers and scales of a format without any change,
 * or that it is in; ERR_UNSUPPORTED for formats of floats.
 */
MUST_CHECK enum err matrix_panels_for(enum matrix_format format,
				      enum panel_format *out);

/* What the kernels take a format as: panels, or floats as they are. */
enum matrix_format matrix_ready_format(enum matrix_format format);

/*
 * The bytes from one row (or panel) to the next.  ERR_MALFORMED where columns
 * are none or do not fill whole blocks, which panels fill up themselves;
 * ERR_TOO_LARGE where the size is beyond size_t.
 */
MUST_CHECK enum err matrix_stride(enum matrix_format format, uint64_t columns,
				  size_t *out);

/* The bytes of a whole matrix; errors as above. */
MUST_CHECK enum err matrix_bytes(enum matrix_format format, uint64_t rows,
				 uint64_t columns, size_t *out);

/* Decode columns [first, first + count) of a row, from a block's first on. */
void matrix_decode(const struct matrix *matrix, size_t row, size_t first,
		   size_t count, float *out);

/*
 * The same as numbers: up to 256 columns of a row from `first`, a multiple of
 * that, on.  Not for formats of floats.
 */
void matrix_read(const struct matrix *matrix, size_t row, size_t first,
		 struct block *out);

/*
 * Whether no weight is infinite or NaN, and integer scales are what their
 * format allows.
 */
bool matrix_is_sound(const struct matrix *matrix);

/*
 * Lay a matrix of integers out as panels, in memory of matrix_bytes(), which
 * `out` then borrows.  Every weight stays what it was.
 */
void matrix_pack(const struct matrix *matrix, uint8_t *memory,
		 struct matrix *out);

#endif
