/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation: rows as products with panels take them: integers, or bf16.
 *
 * A row is cut into blocks of PANEL_COLUMNS; the last is filled up with zeros.
 *
 * Integers: with m the largest magnitude of a block,
 *
 *     scale = m / 127        value = x * (127 / m), rounded, ties to even
 *
 * each by a single operation of IEEE 754, so that any machine gets these bits.
 * A block whose m is below 2^-100 is all zeros; an infinity or a NaN anywhere
 * makes the scale NaN, and the values zeros, so that no product hides it.
 *
 * bf16: each number by itself, to the nearest, ties to even; magnitudes below
 * 2^-50 are zeros, so that sums of products never come to be subnormal, which
 * processors treat differently.
 */
#ifndef INFERENCE_ACTIVATION_H
#define INFERENCE_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "inference/panel.h"

#define ACTIVATION_LEAST 0x1p-100f
#define ACTIVATION_BF16_LEAST 0x1p-50f

/* What is known of a block besides its values. */
struct activation_block {
	float scale;
	int32_t sum;	   /* of all values, */
	int16_t of_16[16]; /* of each 16, */
	int16_t of_32[8];  /* and of each 32 */
	uint8_t unused[8]; /* up to a cache line */
};

/* What a row is made into. */
enum activation_form {
	ACTIVATION_INTEGERS,
	ACTIVATION_BF16, /* and integers as well, for formats that want them */
};

struct activation {
	enum activation_form form;
	size_t blocks;	/* of a row */
	size_t stride;	/* from a row's values to the next row's */
	int8_t *values; /* [R][stride] */
	struct activation_block *sums; /* [R][blocks] */
	uint16_t
		*bf16; /* [R][stride]; NULL: there is room for integers alone */
};

/* How large an activation may become. */
struct activation_shape {
	size_t rows;
	size_t columns;
	enum activation_form form;
};

/* Arena that activation_open() takes. */
size_t activation_memory(const struct activation_shape *shape);

/* Room for rows; they are of the shape's columns and form at first.
 * ERR_TOO_LARGE when the arena is full. */
MUST_CHECK enum err activation_open(struct activation *activation,
				    const struct activation_shape *shape,
				    struct arena *arena);

/* From now on rows have so many columns; what they held is lost. */
void activation_resize(struct activation *activation, size_t columns);

/* Row `row` becomes a row of another of as many columns, which has this one's
 * form or more. */
void activation_copy(struct activation *activation, size_t row,
		     const struct activation *from, size_t from_row);

/* The plain definition of bf16, of a number and of some; out may begin where x
 * does, or before. */
uint16_t activation_bf16(float x);
void activation_narrow(const float *x, size_t count, uint16_t *out);

/* The plain definition: row `row` becomes x, in the activation's form. */
void activation_set(struct activation *activation, size_t row, const float *x,
		    size_t columns);

#endif
