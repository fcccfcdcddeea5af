/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/pack.h"

#include <string.h>

#define VECTOR 64 /* bytes: four columns of sixteen rows */

/* Four neighbouring columns of a row, in a vector of a plane. */
static void put_four(uint8_t *plane, size_t vector, size_t row,
		     const uint8_t *four)
{
	memcpy(plane + vector * VECTOR + 4 * row, four, 4);
}

static void put_half(uint8_t *scales, size_t index, const uint8_t *half)
{
	memcpy(scales + 2 * index, half, 2);
}

/* Bytes are taken over but for their sign. */
static void pack_q8_0(const uint8_t *from, size_t columns, size_t row,
		      uint8_t *block)
{
	uint8_t bytes[BLOCK_SMALL];

	for (size_t i = 0; i < PANEL_COLUMNS / BLOCK_SMALL; i++) {
		bool is_there = i * BLOCK_SMALL < columns;

		for (size_t c = 0; c < BLOCK_SMALL; c++)
			bytes[c] = is_there ? from[2 + c] ^ 0x80 : 0x80;
		for (size_t c = 0; c < BLOCK_SMALL; c += 4)
			put_four(block, 8 * i + c / 4, row, bytes + c);
		if (is_there)
			put_half(block + panel_forms[PANEL_Q8].scales,
				 i * PANEL_ROWS + row, from);
		from += is_there ? BLOCK_Q8_0_BYTES : 0;
	}
}

/* The halves of bytes are paired as a panel pairs them. */
static void pack_q4_0(const uint8_t *from, size_t columns, size_t row,
		      uint8_t *block)
{
	static const uint8_t zeros[4] = { 0x88, 0x88, 0x88, 0x88 };

	for (size_t i = 0; i < PANEL_COLUMNS / BLOCK_SMALL; i++) {
		bool is_there = i * BLOCK_SMALL < columns;

		for (size_t j = 0; j < 4; j++)
			put_four(block, 4 * i + j, row,
				 is_there ? from + 2 + 4 * j : zeros);
		if (is_there)
			put_half(block + panel_forms[PANEL_Q4].scales,
				 i * PANEL_ROWS + row, from);
		from += is_there ? BLOCK_Q4_0_BYTES : 0;
	}
}

/* Halves of bytes lie 32 columns apart, and are to lie 16 apart. */
static void pack_nibbles(const uint8_t *from, size_t row, uint8_t *block)
{
	uint8_t low[16], high[16];

	for (size_t i = 0; i < PANEL_COLUMNS / 64; i++) {
		for (size_t c = 0; c < 16; c++) {
			uint8_t a = from[c], b = from[16 + c];

			low[c] = (uint8_t)((a & 15) | (b & 15) << 4);
			high[c] = (uint8_t)(a >> 4 | (b & 0xf0));
		}
		for (size_t j = 0; j < 4; j++) {
			put_four(block, 8 * i + j, row, low + 4 * j);
			put_four(block, 8 * i + 4 + j, row, high + 4 * j);
		}
		from += 32;
	}
}

static void pack_q4_k(const uint8_t *from, size_t row, uint8_t *block)
{
	const struct panel_form *form = &panel_forms[PANEL_Q4_K];

	pack_nibbles(from + 16, row, block);
	put_half(block + form->scales, row, from);
	put_half(block + form->scales, PANEL_ROWS + row, from + 2);
	for (unsigned p = 0; p < BLOCK_GROUPS; p++) {
		struct block_group group = block_group_of(from + 4, p);

		block[form->parts + p * PANEL_ROWS + row] = group.scale;
		block[form->minima + p / 2 * 2 * PANEL_ROWS + 2 * row + p % 2] =
			group.offset;
	}
}

bool pack_block(enum matrix_format format, const uint8_t *from, size_t columns,
		size_t row, uint8_t *block)
{
	if (format == MATRIX_Q8_0)
		pack_q8_0(from, columns, row, block);
	else if (format == MATRIX_Q4_0)
		pack_q4_0(from, columns, row, block);
	else if (format == MATRIX_Q4_K)
		pack_q4_k(from, row, block);
	else
		return false;
	return true;
}
