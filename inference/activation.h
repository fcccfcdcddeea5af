/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation: rows of floats as integers, for products with panels.
 *
 * A row is cut into blocks of PANEL_COLUMNS; the last is filled up with zeros.
 * With m the largest magnitude of a block,
 *
 *     scale = m / 127        value = x * (127 / m), rounded, ties to even
 *
 * each by a single operation of IEEE 754, so that any machine gets these bits.
 * Magnitudes below 2^-100 are zeros; an infinity or a NaN anywhere makes the
 * scale NaN, and the values zeros, so that no product hides it.
 */
#ifndef INFERENCE_ACTIVATION_H
#define INFERENCE_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "inference/panel.h"

#define ACTIVATION_LEAST 0x1p-100f

/* What is known of a block besides its values. */
struct activation_block {
	float scale;
	int32_t sum;	   /* of all values, */
	int16_t of_16[16]; /* of each 16, */
	int16_t of_32[8];  /* and of each 32 */
	uint8_t unused[8]; /* up to a cache line */
};

struct activation {
	size_t blocks;	/* of a row */
	size_t stride;	/* bytes from a row's values to the next row's */
	int8_t *values; /* [R][stride] */
	struct activation_block *sums; /* [R][blocks] */
};

/* Arena that activation_open() takes. */
size_t activation_memory(size_t rows, size_t columns);

/* Room for so many rows of at most so many columns; NULL values when full. */
MUST_CHECK enum err activation_open(struct activation *activation, size_t rows,
				    size_t columns, struct arena *arena);

/* From now on rows have so many columns; what they held is lost. */
void activation_shape(struct activation *activation, size_t columns);

/* Row `row` becomes a row of another of the same shape. */
void activation_copy(struct activation *activation, size_t row,
		     const struct activation *from, size_t from_row);

/* The plain definition: row `row` becomes x. */
void activation_set(struct activation *activation, size_t row, const float *x,
		    size_t columns);

#endif
