/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/matrix.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "weights are used as they lie in the file");

#define FLOAT_EXPONENT 0x7f800000u
#define HALF_EXPONENT 0x7c00u

bool matrix_format_known(uint32_t number)
{
	return number == MATRIX_F32 || number == MATRIX_F16 ||
	       number == MATRIX_Q8_0;
}

/* Whole blocks only: a part of one would have a scale and too few integers. */
enum err matrix_row_bytes(enum matrix_format format, uint64_t columns,
			  size_t *out)
{
	uint64_t units = columns;
	uint64_t unit_bytes = sizeof(float);
	size_t bytes;

	if (format == MATRIX_F16) {
		unit_bytes = sizeof(uint16_t);
	} else if (format == MATRIX_Q8_0) {
		if (columns % MATRIX_BLOCK != 0)
			return ERR_MALFORMED;
		units = columns / MATRIX_BLOCK;
		unit_bytes = MATRIX_BLOCK_BYTES;
	}
	if (columns == 0)
		return ERR_MALFORMED;
	if (__builtin_mul_overflow(units, unit_bytes, &bytes))
		return ERR_TOO_LARGE;

	*out = bytes;
	return ERR_OK;
}

/* Blocks of 34 bytes leave halves at odd places of a word. */
static uint16_t load_half(const uint8_t *from)
{
	uint16_t half;

	memcpy(&half, from, sizeof(half));
	return half;
}

float matrix_half(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
	uint32_t magnitude = half & 0x7fffu;
	uint32_t bits;
	float value;

	if (magnitude >= HALF_EXPONENT) {
		bits = FLOAT_EXPONENT | (magnitude & 0x3ffu) << 13;
	} else if (magnitude >= 0x400u) {
		bits = (magnitude + ((127 - 15) << 10)) << 13;
	} else {
		/* Subnormal: an integer count of 2^-24, exact in a float. */
		value = (float)magnitude * 0x1p-24f;
		return sign != 0 ? -value : value;
	}
	bits |= sign;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Exact: 11 significant bits times 7. */
static void decode_block(const uint8_t *block, float *out)
{
	float scale = matrix_half(load_half(block));

	for (size_t i = 0; i < MATRIX_BLOCK; i++)
		out[i] = scale * (float)(int8_t)block[2 + i];
}

void matrix_decode(const struct matrix *matrix, size_t row, size_t first,
		   size_t count, float *out)
{
	const uint8_t *from = matrix->data + row * matrix->stride;

	switch (matrix->format) {
	case MATRIX_F32:
		memcpy(out, from + first * sizeof(float),
		       count * sizeof(float));
		break;
	case MATRIX_F16:
		for (size_t i = 0; i < count; i++)
			out[i] = matrix_half(load_half(from + (first + i) * 2));
		break;
	case MATRIX_Q8_0:
		invariant(first % MATRIX_BLOCK == 0);
		invariant(count % MATRIX_BLOCK == 0);
		from += first / MATRIX_BLOCK * MATRIX_BLOCK_BYTES;
		for (size_t i = 0; i < count; i += MATRIX_BLOCK) {
			decode_block(from, out + i);
			from += MATRIX_BLOCK_BYTES;
		}
		break;
	}
}

/* Counts, because a loop without an exit is one that compilers vectorise. */
static bool floats_are_finite(const uint8_t *row, size_t count)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t bits;

		memcpy(&bits, row + i * sizeof(bits), sizeof(bits));
		bad |= (bits & FLOAT_EXPONENT) == FLOAT_EXPONENT;
	}
	return bad == 0;
}

/* `count` halves, `step` bytes apart. */
static bool halves_are_finite(const uint8_t *row, size_t count, size_t step)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < count; i++) {
		uint16_t bits = load_half(row + i * step);

		bad |= (bits & HALF_EXPONENT) == HALF_EXPONENT;
	}
	return bad == 0;
}

/* Of Q8_0 only the scales can be infinite. */
static bool row_is_finite(const struct matrix *matrix, const uint8_t *row)
{
	size_t columns = matrix->columns;

	switch (matrix->format) {
	case MATRIX_F32:
		return floats_are_finite(row, columns);
	case MATRIX_F16:
		return halves_are_finite(row, columns, sizeof(uint16_t));
	case MATRIX_Q8_0:
		return halves_are_finite(row, columns / MATRIX_BLOCK,
					 MATRIX_BLOCK_BYTES);
	}
	return false;
}

bool matrix_is_finite(const struct matrix *matrix)
{
	for (size_t row = 0; row < matrix->rows; row++)
		if (!row_is_finite(matrix, matrix->data + row * matrix->stride))
			return false;
	return true;
}

struct matrix matrix_of_floats(const float *values, size_t rows, size_t columns)
{
	return (struct matrix){ .data = (const uint8_t *)values,
				.rows = rows,
				.columns = columns,
				.stride = columns * sizeof(float),
				.format = MATRIX_F32 };
}
