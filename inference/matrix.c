/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says of each format what its blocks are: how many weights, how
 * many bytes, and where numbers lie that can be infinite.
 */
#include "inference/matrix.h"

#include <string.h>

#include "inference/half.h"
#include "inference/pack.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "weights are used as they lie in the file");

/* The numbers of a block that can be infinite or NaN: `count` of two bytes
 * whose exponent has all the bits of `exponent`, `at` bytes into the block. */
struct scales {
	size_t at;
	size_t count;
	uint16_t exponent;
};

struct form {
	struct matrix_form known;
	struct scales scales; /* F32: of its upper half; none of panels */
};

#define LARGE 1, BLOCK_LARGE
#define SMALL 1, BLOCK_SMALL
#define ALONE 1, 1
#define PANELS(name, format, bytes)                                       \
	{                                                                 \
		{ MATRIX_PANEL_##format, name, PANEL_ROWS, PANEL_COLUMNS, \
		  bytes },                                                \
		{                                                         \
			0, 0, 0                                           \
		}                                                         \
	}

/* The order is that of growing size. */
static const struct form forms[] = {
	PANELS("P_C2", C2, 1088),
	{ { MATRIX_Q2_K, "Q2_K", LARGE, 84 }, { 80, 2, HALF_EXPONENT } },
	PANELS("P_Q2_K", Q2_K, 1344),
	PANELS("P_C4", C4, 2112),
	{ { MATRIX_Q4_0, "Q4_0", SMALL, 18 }, { 0, 1, HALF_EXPONENT } },
	PANELS("P_Q4", Q4, 2304),
	{ { MATRIX_Q4_K, "Q4_K", LARGE, 144 }, { 0, 2, HALF_EXPONENT } },
	PANELS("P_Q4_K", Q4_K, 2368),
	{ { MATRIX_Q5_K, "Q5_K", LARGE, 176 }, { 0, 2, HALF_EXPONENT } },
	PANELS("P_Q5_K", Q5_K, 2880),
	{ { MATRIX_Q6_K, "Q6_K", LARGE, 210 }, { 208, 1, HALF_EXPONENT } },
	PANELS("P_Q6_K", Q6_K, 3392),
	PANELS("P_C8", C8, 4160),
	{ { MATRIX_Q8_0, "Q8_0", SMALL, 34 }, { 0, 1, HALF_EXPONENT } },
	PANELS("P_Q8", Q8, 4352),
	{ { MATRIX_BF16, "BF16", ALONE, 2 }, { 0, 1, HALF_EXPONENT_BRAIN } },
	{ { MATRIX_F16, "F16", ALONE, 2 }, { 0, 1, HALF_EXPONENT } },
	{ { MATRIX_F32, "F32", ALONE, 4 }, { 2, 1, HALF_EXPONENT_BRAIN } },
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

bool matrix_is_panels(enum matrix_format format)
{
	return format >= MATRIX_PANELS;
}

enum panel_format matrix_panels_of(enum matrix_format format)
{
	invariant(matrix_is_panels(format));
	return (enum panel_format)(format - MATRIX_PANELS);
}

enum err matrix_panels_for(enum matrix_format format, enum panel_format *out)
{
	static const struct {
		enum matrix_format from;
		enum panel_format to;
	} same[] = {
		{ MATRIX_Q8_0, PANEL_Q8 },   { MATRIX_Q4_0, PANEL_Q4 },
		{ MATRIX_Q4_K, PANEL_Q4_K }, { MATRIX_Q5_K, PANEL_Q5_K },
		{ MATRIX_Q6_K, PANEL_Q6_K }, { MATRIX_Q2_K, PANEL_Q2_K },
	};

	if (matrix_is_panels(format)) {
		*out = matrix_panels_of(format);
		return ERR_OK;
	}
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (same[i].from == format) {
			*out = same[i].to;
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

enum matrix_format matrix_ready_format(enum matrix_format format)
{
	enum panel_format panels;

	if (matrix_panels_for(format, &panels) != ERR_OK)
		return format;
	return (enum matrix_format)(MATRIX_PANELS + panels);
}

/* A part of a block would have a scale and too few integers. */
enum err matrix_stride(enum matrix_format format, uint64_t columns, size_t *out)
{
	const struct matrix_form *form = matrix_form_of(format);
	uint64_t blocks = columns / form->weights;
	size_t bytes;

	if (columns == 0)
		return ERR_MALFORMED;
	if (columns % form->weights != 0) {
		if (!matrix_is_panels(format))
			return ERR_MALFORMED;
		blocks++;
	}
	if (__builtin_mul_overflow(blocks, form->bytes, &bytes))
		return ERR_TOO_LARGE;

	*out = bytes;
	return ERR_OK;
}

enum err matrix_bytes(enum matrix_format format, uint64_t rows,
		      uint64_t columns, size_t *out)
{
	const struct matrix_form *form = matrix_form_of(format);
	uint64_t lines = rows / form->rows + (rows % form->rows != 0);
	size_t stride, bytes;

	TRY(matrix_stride(format, columns, &stride));
	if (__builtin_mul_overflow(lines, stride, &bytes))
		return ERR_TOO_LARGE;
	*out = bytes;
	return ERR_OK;
}

/* The block with column `first` of a row. */
static const uint8_t *block_at(const struct matrix *matrix, size_t row,
			       size_t first)
{
	const struct matrix_form *form = matrix_form_of(matrix->format);

	invariant(first % form->weights == 0);
	return matrix->data + row / form->rows * matrix->stride +
	       first / form->weights * form->bytes;
}

/* Up to 256 columns, as numbers. */
static void read_block(const struct matrix *matrix, size_t row, size_t first,
		       size_t count, struct block *out)
{
	const uint8_t *from = block_at(matrix, row, first);

	if (matrix_is_panels(matrix->format)) {
		panel_read(matrix_panels_of(matrix->format), from,
			   row % PANEL_ROWS, out);
	} else if (matrix->format == MATRIX_Q8_0) {
		block_read_q8_0(from, count, out);
	} else if (matrix->format == MATRIX_Q4_0) {
		block_read_q4_0(from, count, out);
	} else if (matrix->format == MATRIX_Q2_K) {
		block_read_q2_k(from, out);
	} else if (matrix->format == MATRIX_Q4_K) {
		block_read_q4_k(from, out);
	} else if (matrix->format == MATRIX_Q5_K) {
		block_read_q5_k(from, out);
	} else {
		block_read_q6_k(from, out);
	}
}

static size_t at_most(size_t count, size_t most)
{
	return count < most ? count : most;
}

void matrix_read(const struct matrix *matrix, size_t row, size_t first,
		 struct block *out)
{
	invariant(first % BLOCK_LARGE == 0);
	invariant(matrix_form_of(matrix->format)->weights > 1);
	read_block(matrix, row, first,
		   at_most(matrix->columns - first, BLOCK_LARGE), out);
}

static void decode_blocks(const struct matrix *matrix, size_t row, size_t first,
			  size_t count, float *out)
{
	struct block block;

	while (count > 0) {
		size_t part = at_most(count, BLOCK_LARGE);

		read_block(matrix, row, first, part, &block);
		block_decode(&block, part, out);
		first += part;
		count -= part;
		out += part;
	}
}

void matrix_decode(const struct matrix *matrix, size_t row, size_t first,
		   size_t count, float *out)
{
	const uint8_t *from;
	uint16_t two;

	if (matrix_form_of(matrix->format)->weights > 1) {
		decode_blocks(matrix, row, first, count, out);
		return;
	}
	from = block_at(matrix, row, first);
	if (matrix->format == MATRIX_F32) {
		memcpy(out, from, count * sizeof(*out));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		memcpy(&two, from + 2 * i, sizeof(two));
		out[i] = matrix->format == MATRIX_F16 ? half_value(two)
						      : half_value_brain(two);
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

static bool panels_are_sound(const struct matrix *matrix)
{
	enum panel_format format = matrix_panels_of(matrix->format);
	size_t panels = (matrix->rows + PANEL_ROWS - 1) / PANEL_ROWS;
	size_t bytes = panels * matrix->stride;

	for (size_t at = 0; at < bytes; at += panel_forms[format].bytes)
		if (!panel_is_sound(format, matrix->data + at))
			return false;
	return true;
}

bool matrix_is_sound(const struct matrix *matrix)
{
	const struct form *form = form_of(matrix->format);

	if (matrix_is_panels(matrix->format))
		return panels_are_sound(matrix);
	for (size_t row = 0; row < matrix->rows; row++) {
		if (!row_is_finite(form, matrix->data + row * matrix->stride,
				   matrix->columns))
			return false;
	}
	return true;
}

/* A row into its share of a panel. */
static void pack_row(const struct matrix *matrix, size_t row,
		     enum panel_format to, uint8_t *panel)
{
	struct block block;

	for (size_t c = 0; c < matrix->columns; c += PANEL_COLUMNS) {
		if (!pack_block(matrix->format, block_at(matrix, row, c),
				at_most(matrix->columns - c, PANEL_COLUMNS),
				row % PANEL_ROWS, panel)) {
			matrix_read(matrix, row, c, &block);
			panel_write(to, &block, row % PANEL_ROWS, panel);
		}
		panel += panel_forms[to].bytes;
	}
}

/* Rows that are not there have scales of zero, whatever their integers. */
void matrix_pack(const struct matrix *matrix, uint8_t *memory,
		 struct matrix *out)
{
	struct matrix made = *matrix;
	enum panel_format to;
	size_t bytes;

	invariant(matrix_panels_for(matrix->format, &to) == ERR_OK);
	made.data = memory;
	made.format = matrix_ready_format(matrix->format);
	invariant(matrix_stride(made.format, made.columns, &made.stride) ==
		  ERR_OK);
	invariant(matrix_bytes(made.format, made.rows, made.columns, &bytes) ==
		  ERR_OK);
	made.apart = bytes;
	memset(memory, 0, bytes);
	for (size_t row = 0; row < matrix->rows; row++)
		pack_row(matrix, row, to,
			 memory + row / PANEL_ROWS * made.stride);
	*out = made;
}
