/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For reading, and for what the kernels are compared with: each function is
 * the diagram in the header, group after group.
 */
#include "inference/block.h"

#include <stddef.h>
#include <string.h>

#define FLOAT_EXPONENT 0x7f800000u
#define HALF_EXPONENT 0x7c00u

float block_half(uint16_t half)
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

/* Blocks lie at odd places of a word. */
float block_load_half(const uint8_t *from)
{
	uint16_t half;

	memcpy(&half, from, sizeof(half));
	return block_half(half);
}

void block_decode_q8_0(const uint8_t *block, float *out)
{
	float scale = block_load_half(block);

	for (size_t i = 0; i < BLOCK_SMALL; i++)
		out[i] = scale * (float)(int8_t)block[2 + i];
}

void block_decode_q4_0(const uint8_t *block, float *out)
{
	float scale = block_load_half(block);

	for (size_t i = 0; i < BLOCK_SMALL / 2; i++) {
		uint8_t pair = block[2 + i];

		out[i] = scale * (float)((pair & 15) - 8);
		out[BLOCK_SMALL / 2 + i] = scale * (float)((pair >> 4) - 8);
	}
}

/* A byte holds weights that are 32 apart; 32 bytes so hold 128 of them. */
void block_decode_q2_k(const uint8_t *block, float *out)
{
	const uint8_t *integers = block + 16;
	float scale = block_load_half(block + 80);
	float offset = block_load_half(block + 82);

	for (size_t i = 0; i < BLOCK_LARGE; i++) {
		uint8_t group = block[i / 16];
		uint8_t byte = integers[i / 128 * 32 + i % 32];
		unsigned integer = byte >> i % 128 / 32 * 2 & 3;

		out[i] = scale * (float)((group & 15u) * integer) -
			 offset * (float)(group >> 4);
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

/* 32 bytes hold two groups of 32: one in their low halves, one in the high. */
static unsigned nibble_of(const uint8_t *integers, size_t i)
{
	return (unsigned)integers[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15;
}

void block_decode_q4_k(const uint8_t *block, float *out)
{
	float scale = block_load_half(block);
	float offset = block_load_half(block + 2);

	for (unsigned i = 0; i < BLOCK_LARGE; i++) {
		struct block_group group = block_group_of(block + 4, i / 32);
		unsigned integer = nibble_of(block + 16, i);

		out[i] = scale * (float)(group.scale * integer) -
			 offset * (float)group.offset;
	}
}

/* Byte i % 32 of `top` has the fifth bit of that weight of every group. */
void block_decode_q5_k(const uint8_t *block, float *out)
{
	float scale = block_load_half(block);
	float offset = block_load_half(block + 2);

	for (unsigned i = 0; i < BLOCK_LARGE; i++) {
		struct block_group group = block_group_of(block + 4, i / 32);
		unsigned top = (unsigned)block[16 + i % 32] >> i / 32 & 1;
		unsigned integer = nibble_of(block + 48, i) | top << 4;

		out[i] = scale * (float)(group.scale * integer) -
			 offset * (float)group.offset;
	}
}

/* Halves of 128: 64 bytes of low bits, first the low halves of all of them,
 * then the high ones; 32 bytes of top bits, two for each 32 weights. */
void block_decode_q6_k(const uint8_t *block, float *out)
{
	const uint8_t *scales = block + 192;
	float scale = block_load_half(block + 208);

	for (size_t i = 0; i < BLOCK_LARGE; i++) {
		size_t half = i / 128;
		uint8_t low = block[half * 64 + i % 64];
		uint8_t top = block[128 + half * 32 + i % 32];
		int integer = (low >> i % 128 / 64 * 4 & 15) |
			      (top >> i % 128 / 32 * 2 & 3) << 4;

		out[i] = scale *
			 (float)((int8_t)scales[i / 16] * (integer - 32));
	}
}
