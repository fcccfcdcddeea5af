/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For reading, and for what the kernels are compared with: each function is
 * the diagram in the header, group after group.
 */
#include "inference/block.h"

#include <string.h>

#include "inference/half.h"

/* Blocks lie at odd places of a word. */
static float load_half(const uint8_t *from)
{
	uint16_t half;

	memcpy(&half, from, sizeof(half));
	return half_value(half);
}

/* All zeros, under a scale for each group. */
static struct block block_of(size_t group, size_t part)
{
	struct block made = { .group = group, .part = part };

	for (size_t p = 0; p < BLOCK_LARGE / part; p++)
		made.part_scales[p] = 1;
	return made;
}

void block_read_q8_0(const uint8_t *from, size_t count, struct block *out)
{
	*out = block_of(BLOCK_SMALL, BLOCK_SMALL);
	for (size_t c = 0; c < count; c++) {
		const uint8_t *small =
			from + c / BLOCK_SMALL * BLOCK_Q8_0_BYTES;

		out->values[c] = (int8_t)small[2 + c % BLOCK_SMALL];
		out->scales[c / BLOCK_SMALL] = load_half(small);
	}
}

void block_read_q4_0(const uint8_t *from, size_t count, struct block *out)
{
	*out = block_of(BLOCK_SMALL, BLOCK_SMALL);
	for (size_t c = 0; c < count; c++) {
		const uint8_t *small =
			from + c / BLOCK_SMALL * BLOCK_Q4_0_BYTES;
		uint8_t pair = small[2 + c % 16];
		unsigned q = c % BLOCK_SMALL < 16 ? pair & 15u : pair >> 4;

		out->values[c] = (int16_t)((int)q - 8);
		out->scales[c / BLOCK_SMALL] = load_half(small);
	}
}

/* A byte holds weights that are 32 apart; 32 bytes so hold 128 of them. */
void block_read_q2_k(const uint8_t *from, struct block *out)
{
	const uint8_t *integers = from + 16;

	*out = block_of(BLOCK_LARGE, 16);
	out->scales[0] = load_half(from + 80);
	out->minimum = load_half(from + 82);
	for (size_t p = 0; p < BLOCK_LARGE / 16; p++) {
		out->part_scales[p] = (int16_t)(from[p] & 15);
		out->part_minima[p] = (int16_t)(from[p] >> 4);
	}
	for (size_t c = 0; c < BLOCK_LARGE; c++) {
		uint8_t byte = integers[c / 128 * 32 + c % 32];

		out->values[c] = (int16_t)(byte >> c % 128 / 32 * 2 & 3);
	}
}

struct block_group block_group_of(const uint8_t packed[static 12],
				  unsigned group)
{
	unsigned low = group % 4;

	if (group < 4)
		return (struct block_group){ packed[low] & 63,
					     packed[4 + low] & 63 };
	return (struct block_group){
		(uint8_t)((packed[8 + low] & 15) | packed[low] >> 6 << 4),
		(uint8_t)(packed[8 + low] >> 4 | packed[4 + low] >> 6 << 4),
	};
}

/* What Q4_K and Q5_K begin with. */
static struct block read_groups(const uint8_t *from)
{
	struct block made = block_of(BLOCK_LARGE, 32);

	made.scales[0] = load_half(from);
	made.minimum = load_half(from + 2);
	for (unsigned p = 0; p < BLOCK_GROUPS; p++) {
		struct block_group group = block_group_of(from + 4, p);

		made.part_scales[p] = group.scale;
		made.part_minima[p] = group.offset;
	}
	return made;
}

/* 32 bytes hold two groups of 32: one in their low halves, one in the high. */
static int16_t nibble_of(const uint8_t *integers, size_t c)
{
	return (int16_t)(integers[c / 64 * 32 + c % 32] >> c % 64 / 32 * 4 &
			 15);
}

void block_read_q4_k(const uint8_t *from, struct block *out)
{
	*out = read_groups(from);
	for (size_t c = 0; c < BLOCK_LARGE; c++)
		out->values[c] = nibble_of(from + 16, c);
}

/* Byte c % 32 of `top` has the fifth bit of that weight of every group. */
void block_read_q5_k(const uint8_t *from, struct block *out)
{
	*out = read_groups(from);
	for (size_t c = 0; c < BLOCK_LARGE; c++) {
		int top = from[16 + c % 32] >> c / 32 & 1;

		out->values[c] = (int16_t)(nibble_of(from + 48, c) | top << 4);
	}
}

/* Halves of 128: 64 bytes of low bits, first the low halves of all of them,
 * then the high ones; 32 bytes of top bits, two for each 32 weights. */
void block_read_q6_k(const uint8_t *from, struct block *out)
{
	*out = block_of(BLOCK_LARGE, 16);
	out->scales[0] = load_half(from + 208);
	for (size_t p = 0; p < BLOCK_LARGE / 16; p++)
		out->part_scales[p] = (int8_t)from[192 + p];
	for (size_t c = 0; c < BLOCK_LARGE; c++) {
		size_t half = c / 128;
		uint8_t low = from[half * 64 + c % 64];
		uint8_t top = from[128 + half * 32 + c % 32];
		int integer = (low >> c % 128 / 64 * 4 & 15) |
			      (top >> c % 128 / 32 * 2 & 3) << 4;

		out->values[c] = (int16_t)(integer - 32);
	}
}

void block_decode(const struct block *block, size_t count, float *out)
{
	for (size_t c = 0; c < count; c++) {
		size_t part = c / block->part;
		float whole =
			(float)(block->part_scales[part] * block->values[c]);

		out[c] = block->scales[c / block->group] * whole -
			 block->minimum * (float)block->part_minima[part];
	}
}
