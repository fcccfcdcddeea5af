/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says of each format what its blocks are: how many weights, how
 * many bytes, how they decode, and where numbers lie that can be infinite.
 */
#include "inference/matrix.h"

#include <string.h>

#include "inference/block.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "weights are used as they lie in the file");
_Static_assert(BLOCK_LARGE == MATRIX_BLOCK_MAX, "the largest block");

#define HALF_EXPONENT 0x7c00u
#define BFLOAT_EXPONENT 0x7f80u

static void decode_f32(const uint8_t *weight, float *out)
{
	memcpy(out, weight, sizeof(*out));
}

static void decode_f16(const uint8_t *weight, float *out)
{
	*out = block_load_half(weight);
}

static void decode_bf16(const uint8_t *weight, float *out)
{
	uint32_t bits = (uint32_t)weight[0] << 16 | (uint32_t)weight[1] << 24;

	memcpy(out, &bits, sizeof(*out));
}

/* The numbers of a block that can be infinite or NaN: `count` of two bytes
 * whose exponent has all the bits of `exponent`, `at` bytes into the block. */
struct scales {
	size_t at;
	size_t count;
	uint16_t exponent;
};

struct form {
	struct matrix_form known;
	void (*decode)(const uint8_t *block, float *out);
	struct scales scales; /* F32: of its upper half */
};

/* The order is that of growing size. */
static const struct form forms[] = {
	{ { MATRIX_Q2_K, "Q2_K", BLOCK_LARGE, BLOCK_Q2_K_BYTES },
	  block_decode_q2_k,
	  { 80, 2, HALF_EXPONENT } },
	{ { MATRIX_Q4_0, "Q4_0", BLOCK_SMALL, BLOCK_Q4_0_BYTES },
	  block_decode_q4_0,
	  { 0, 1, HALF_EXPONENT } },
	{ { MATRIX_Q4_K, "Q4_K", BLOCK_LARGE, BLOCK_Q4_K_BYTES },
	  block_decode_q4_k,
	  { 0, 2, HALF_EXPONENT } },
	{ { MATRIX_Q5_K, "Q5_K", BLOCK_LARGE, BLOCK_Q5_K_BYTES },
	  block_decode_q5_k,
	  { 0, 2, HALF_EXPONENT } },
	{ { MATRIX_Q6_K, "Q6_K", BLOCK_LARGE, BLOCK_Q6_K_BYTES },
	  block_decode_q6_k,
	  { 208, 1, HALF_EXPONENT } },
	{ { MATRIX_Q8_0, "Q8_0", BLOCK_SMALL, BLOCK_Q8_0_BYTES },
	  block_decode_q8_0,
	  { 0, 1, HALF_EXPONENT } },
	{ { MATRIX_BF16, "BF16", 1, 2 },
	  decode_bf16,
	  { 0, 1, BFLOAT_EXPONENT } },
	{ { MATRIX_F16, "F16", 1, 2 }, decode_f16, { 0, 1, HALF_EXPONENT } },
	{ { MATRIX_F32, "F32", 1, 4 }, decode_f32, { 2, 1, BFLOAT_EXPONENT } },
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static const struct form *find(uint32_t number)
{
	for (size_t i = 0; i < FORMS; i++)
		if ((uint32_t)forms[i].known.format == number)
			return &forms[i];
	return NULL;
}

static const struct form *form_of(enum matrix_format format)
{
	const struct form *form = find((uint32_t)format);

	invariant(form != NULL);
	return form;
}

bool matrix_format_known(uint32_t number)
{
	return find(number) != NULL;
}

const struct matrix_form *matrix_form_of(enum matrix_format format)
{
	return &form_of(format)->known;
}

const struct matrix_form *matrix_form_at(size_t i)
{
	return i < FORMS ? &forms[i].known : NULL;
}

/* Whole blocks only: a part of one would have a scale and too few integers. */
enum err matrix_row_bytes(enum matrix_format format, uint64_t columns,
			  size_t *out)
{
	const struct matrix_form *form = matrix_form_of(format);
	size_t bytes;

	if (columns == 0 || columns % form->weights != 0)
		return ERR_MALFORMED;
	if (__builtin_mul_overflow(columns / form->weights, form->bytes,
				   &bytes))
		return ERR_TOO_LARGE;

	*out = bytes;
	return ERR_OK;
}

float matrix_half(uint16_t half)
{
	return block_half(half);
}

void matrix_decode(const struct matrix *matrix, size_t row, size_t first,
		   size_t count, float *out)
{
	const struct form *form = form_of(matrix->format);
	size_t weights = form->known.weights;
	const uint8_t *from = matrix->data + row * matrix->stride +
			      first / weights * form->known.bytes;

	invariant(first % weights == 0);
	invariant(count % weights == 0);
	for (size_t i = 0; i < count; i += weights) {
		form->decode(from, out + i);
		from += form->known.bytes;
	}
}

/* Counts, because a loop without an exit is one that compilers vectorise. */
static bool row_is_finite(const struct form *form, const uint8_t *row,
			  size_t columns)
{
	const struct scales *scales = &form->scales;
	size_t blocks = columns / form->known.weights;
	uint32_t bad = 0;

	for (size_t s = 0; s < scales->count; s++) {
		const uint8_t *from = row + scales->at + s * sizeof(uint16_t);

		for (size_t i = 0; i < blocks; i++) {
			uint16_t bits;

			memcpy(&bits, from + i * form->known.bytes,
			       sizeof(bits));
			bad |= (bits & scales->exponent) == scales->exponent;
		}
	}
	return bad == 0;
}

bool matrix_is_finite(const struct matrix *matrix)
{
	const struct form *form = form_of(matrix->format);

	for (size_t row = 0; row < matrix->rows; row++) {
		if (!row_is_finite(form, matrix->data + row * matrix->stride,
				   matrix->columns))
			return false;
	}
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
