/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/activation.h"

#include <math.h>
#include <string.h>

#include "inference/half.h"
#include "inference/reserve.h"

/* Rows begin at different places of a cache, however wide they are. */
#define STAGGER 64

static size_t blocks_of(size_t columns)
{
	return (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
}

static size_t stride_of(size_t columns)
{
	return blocks_of(columns) * PANEL_COLUMNS + STAGGER;
}

/* Tiles take sixteen rows at a time, whether all are wanted or not. */
static size_t rows_of(size_t rows)
{
	return (rows + 15) / 16 * 16;
}

size_t activation_memory(const struct activation_shape *shape)
{
	size_t rows = rows_of(shape->rows);
	size_t stride = stride_of(shape->columns);
	size_t bytes = reserve_bytes(rows, stride) +
		       reserve_bytes(rows * blocks_of(shape->columns),
				     sizeof(struct activation_block));

	if (shape->form == ACTIVATION_BF16)
		bytes += reserve_bytes(rows, stride * sizeof(uint16_t));
	return bytes;
}

enum err activation_open(struct activation *activation,
			 const struct activation_shape *shape,
			 struct arena *arena)
{
	struct activation made = { .form = shape->form };
	size_t rows = rows_of(shape->rows);

	activation_resize(&made, shape->columns);
	made.values = arena_alloc(arena, rows, made.stride);
	made.sums = arena_alloc(arena, rows * made.blocks, sizeof(*made.sums));
	if (made.values == NULL || made.sums == NULL)
		return ERR_TOO_LARGE;
	if (shape->form == ACTIVATION_BF16) {
		made.bf16 = arena_alloc(arena, rows,
					made.stride * sizeof(*made.bf16));
		if (made.bf16 == NULL)
			return ERR_TOO_LARGE;
	}
	*activation = made;
	return ERR_OK;
}

void activation_resize(struct activation *activation, size_t columns)
{
	activation->blocks = blocks_of(columns);
	activation->stride = stride_of(columns);
}

void activation_copy(struct activation *activation, size_t row,
		     const struct activation *from, size_t from_row)
{
	memcpy(activation->values + row * activation->stride,
	       from->values + from_row * from->stride,
	       from->blocks * PANEL_COLUMNS);
	if (activation->form == ACTIVATION_BF16) {
		memcpy(activation->bf16 + row * activation->stride,
		       from->bf16 + from_row * from->stride,
		       from->blocks * PANEL_COLUMNS * sizeof(*from->bf16));
	}
	memcpy(activation->sums + row * activation->blocks,
	       from->sums + from_row * from->blocks,
	       from->blocks * sizeof(*from->sums));
}

/* The bits of magnitudes order as the magnitudes do, NaNs above all. */
static uint32_t magnitude_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits & 0x7fffffffu;
}

static float largest(const float *x, size_t count)
{
	uint32_t most = 0;
	float value;

	for (size_t i = 0; i < count; i++)
		if (magnitude_of(x[i]) > most)
			most = magnitude_of(x[i]);
	memcpy(&value, &most, sizeof(value));
	return value;
}

static void set_sums(const int8_t *values, struct activation_block *out)
{
	out->sum = 0;
	for (size_t i = 0; i < 16; i++) {
		out->of_16[i] = 0;
		for (size_t j = 0; j < 16; j++)
			out->of_16[i] =
				(int16_t)(out->of_16[i] + values[16 * i + j]);
		out->sum += out->of_16[i];
	}
	for (size_t i = 0; i < 8; i++)
		out->of_32[i] =
			(int16_t)(out->of_16[2 * i] + out->of_16[2 * i + 1]);
}

static void set_block(const float *x, size_t count, int8_t *values,
		      struct activation_block *out)
{
	float most = largest(x, count);
	float inverse = 127.0f / most;

	memset(values, 0, PANEL_COLUMNS);
	if (most >= ACTIVATION_LEAST && isfinite(most)) {
		out->scale = most / 127.0f;
		for (size_t i = 0; i < count; i++)
			values[i] = (int8_t)nearbyintf(x[i] * inverse);
	} else {
		out->scale = isfinite(most) ? 0.0f : NAN;
	}
	set_sums(values, out);
}

uint16_t activation_bf16(float x)
{
	return fabsf(x) < ACTIVATION_BF16_LEAST ? 0 : half_of_brain(x);
}

void activation_narrow(const float *x, size_t count, uint16_t *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = activation_bf16(x[i]);
}

static void set_bf16(const struct activation *activation, size_t row,
		     const float *x, size_t columns)
{
	uint16_t *out = activation->bf16 + row * activation->stride;
	size_t end = activation->blocks * PANEL_COLUMNS;

	activation_narrow(x, columns, out);
	memset(out + columns, 0, (end - columns) * sizeof(*out));
}

void activation_set(struct activation *activation, size_t row, const float *x,
		    size_t columns)
{
	int8_t *values = activation->values + row * activation->stride;
	struct activation_block *sums =
		activation->sums + row * activation->blocks;

	if (activation->form == ACTIVATION_BF16)
		set_bf16(activation, row, x, columns);
	while (columns > 0) {
		size_t count =
			columns < PANEL_COLUMNS ? columns : PANEL_COLUMNS;

		set_block(x, count, values, sums++);
		values += PANEL_COLUMNS;
		x += count;
		columns -= count;
	}
}
