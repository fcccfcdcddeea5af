/* SPDX-License-Identifier: Apache-2.0 */
#include "model/groups.h"

#include <math.h>
#include <string.h>

#include "inference/block.h"
#include "inference/half.h"

#define GROUPS_MAX 16

/* What distinguishes the formats that have offsets. */
struct layout {
	size_t group; /* weights of one */
	int integer;  /* the largest of a weight */
	int small;    /* and of a small scale or offset */
};

static const struct layout q2_k = { 16, 3, 15 };
static const struct layout q4_k = { 32, 15, 63 };
static const struct layout q5_k = { 32, 31, 63 };

/* A block before its bits are put in their places. */
struct coded {
	uint16_t scale; /* halves */
	uint16_t offset;
	uint8_t scales[GROUPS_MAX];
	uint8_t offsets[GROUPS_MAX];
	uint8_t integers[BLOCK_LARGE];
};

static struct fit_group group_of(const struct fit_group *block, size_t group,
				 size_t count)
{
	return (struct fit_group){ block->weights + group * count,
				   block->importance + group * count, count };
}

/* What the small integers of a group mean. */
static struct fit_line line_of(const struct coded *coded, size_t group)
{
	return (struct fit_line){
		half_value(coded->scale) * (float)coded->scales[group],
		half_value(coded->offset) * (float)coded->offsets[group],
	};
}

static float share(float part, float whole)
{
	return whole > 0 ? part / whole : 0;
}

/* The halves, so that the largest scale and offset take the largest small
 * integer; and every group's, rounded. */
static void round_lines(const struct fit_line *lines,
			const struct layout *layout, struct coded *coded)
{
	const struct fit_range range = { 0, layout->small, 1 };
	struct fit_line most = { 0, 0 };
	float scale, offset;

	for (size_t g = 0; g < BLOCK_LARGE / layout->group; g++) {
		most.scale = fmaxf(most.scale, lines[g].scale);
		most.offset = fmaxf(most.offset, lines[g].offset);
	}
	coded->scale = half_of(most.scale / (float)layout->small);
	coded->offset = half_of(most.offset / (float)layout->small);
	scale = half_value(coded->scale);
	offset = half_value(coded->offset);
	for (size_t g = 0; g < BLOCK_LARGE / layout->group; g++) {
		coded->scales[g] =
			(uint8_t)fit_round(share(lines[g].scale, scale), range);
		coded->offsets[g] = (uint8_t)fit_round(
			share(lines[g].offset, offset), range);
	}
}

/* The best of the small integers next to a group's. */
static void try_neighbours(const struct fit_group *group,
			   const struct layout *layout, size_t number,
			   struct coded *coded)
{
	const uint8_t scale = coded->scales[number];
	const uint8_t offset = coded->offsets[number];
	uint8_t best[2] = { scale, offset };
	float least = INFINITY;

	for (int i = 0; i < 9; i++) {
		int s = scale + i / 3 - 1, m = offset + i % 3 - 1;
		float error;

		if (s < 0 || m < 0 || s > layout->small || m > layout->small)
			continue;
		coded->scales[number] = (uint8_t)s;
		coded->offsets[number] = (uint8_t)m;
		error = fit_line_error(group, line_of(coded, number),
				       layout->integer);
		if (error < least) {
			least = error;
			best[0] = (uint8_t)s;
			best[1] = (uint8_t)m;
		}
	}
	coded->scales[number] = best[0];
	coded->offsets[number] = best[1];
}

static void choose_integers(const struct fit_group *block,
			    const struct layout *layout, struct coded *coded)
{
	const struct fit_range range = { 0, layout->integer, 1 };

	for (size_t i = 0; i < BLOCK_LARGE; i++) {
		struct fit_line line = line_of(coded, i / layout->group);

		coded->integers[i] = (uint8_t)fit_round(
			share(block->weights[i] + line.offset, line.scale),
			range);
	}
}

/* The halves that are best for all the integers: two equations. */
static void refit_halves(const struct fit_group *block,
			 const struct layout *layout, struct coded *coded)
{
	double aa = 0, ab = 0, bb = 0, aw = 0, bw = 0, determinant;

	for (size_t i = 0; i < BLOCK_LARGE; i++) {
		size_t g = i / layout->group;
		double v = (double)block->importance[i];
		double w = (double)block->weights[i];
		double a = (double)(coded->scales[g] * coded->integers[i]);
		double b = -(double)coded->offsets[g];

		aa += v * a * a;
		ab += v * a * b;
		bb += v * b * b;
		aw += v * a * w;
		bw += v * b * w;
	}
	determinant = aa * bb - ab * ab;
	if (determinant <= 1e-9 * aa * bb)
		return;
	coded->scale = half_of((float)((aw * bb - bw * ab) / determinant));
	coded->offset = half_of((float)((bw * aa - aw * ab) / determinant));
}

static void encode(const struct fit_group *block, const struct layout *layout,
		   enum quantizer_effort effort, struct coded *coded)
{
	struct fit_line lines[GROUPS_MAX];

	for (size_t g = 0; g < BLOCK_LARGE / layout->group; g++) {
		struct fit_group group = group_of(block, g, layout->group);

		lines[g] = fit_line(&group, layout->integer, effort);
	}
	round_lines(lines, layout, coded);
	for (size_t g = 0;
	     effort == QUANTIZER_SEARCH && g < BLOCK_LARGE / layout->group;
	     g++) {
		struct fit_group group = group_of(block, g, layout->group);

		try_neighbours(&group, layout, g, coded);
	}
	choose_integers(block, layout, coded);
	if (effort == QUANTIZER_SEARCH) {
		refit_halves(block, layout, coded);
		choose_integers(block, layout, coded);
	}
}

static void store_half(uint8_t *out, uint16_t half)
{
	memcpy(out, &half, sizeof(half));
}

void groups_encode_q2_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	struct coded coded;

	encode(block, &q2_k, effort, &coded);
	memset(out, 0, BLOCK_Q2_K_BYTES);
	for (size_t g = 0; g < 16; g++)
		out[g] = (uint8_t)(coded.scales[g] | coded.offsets[g] << 4);
	for (size_t i = 0; i < BLOCK_LARGE; i++)
		out[16 + i / 128 * 32 + i % 32] |=
			(uint8_t)(coded.integers[i] << i % 128 / 32 * 2);
	store_half(out + 80, coded.scale);
	store_half(out + 82, coded.offset);
}

/* The head that Q4_K and Q5_K have in common. */
static void store_head(const struct coded *coded, uint8_t *out)
{
	uint8_t *packed = out + 4;

	store_half(out, coded->scale);
	store_half(out + 2, coded->offset);
	for (size_t i = 0; i < 4; i++) {
		uint8_t s = coded->scales[4 + i], m = coded->offsets[4 + i];

		packed[i] = (uint8_t)(coded->scales[i] | s >> 4 << 6);
		packed[4 + i] = (uint8_t)(coded->offsets[i] | m >> 4 << 6);
		packed[8 + i] = (uint8_t)((s & 15) | (m & 15) << 4);
	}
}

static void store_nibbles(const struct coded *coded, uint8_t *out)
{
	for (size_t i = 0; i < BLOCK_LARGE; i++)
		out[i / 64 * 32 + i % 32] |=
			(uint8_t)((coded->integers[i] & 15) << i % 64 / 32 * 4);
}

void groups_encode_q4_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	struct coded coded;

	encode(block, &q4_k, effort, &coded);
	memset(out, 0, BLOCK_Q4_K_BYTES);
	store_head(&coded, out);
	store_nibbles(&coded, out + 16);
}

void groups_encode_q5_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	struct coded coded;

	encode(block, &q5_k, effort, &coded);
	memset(out, 0, BLOCK_Q5_K_BYTES);
	store_head(&coded, out);
	for (size_t i = 0; i < BLOCK_LARGE; i++)
		out[16 + i % 32] |= (uint8_t)(coded.integers[i] >> 4 << i / 32);
	store_nibbles(&coded, out + 48);
}

/* Signed scales: the block's own takes the sign that puts the largest at
 * -128, the end that has one integer more. */
static uint16_t round_scales(const float scales[static GROUPS_MAX],
			     int8_t small[static GROUPS_MAX])
{
	const struct fit_range range = { -128, 127, 1 };
	float most = 0;
	uint16_t half;

	for (size_t g = 0; g < GROUPS_MAX; g++)
		if (fabsf(scales[g]) > fabsf(most))
			most = scales[g];
	half = half_of(most / -128);
	for (size_t g = 0; g < GROUPS_MAX; g++) {
		float whole = half_value(half);

		small[g] = (int8_t)fit_round(whole != 0 ? scales[g] / whole : 0,
					     range);
	}
	return half;
}

void groups_encode_q6_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out)
{
	const struct fit_range range = { -32, 31, 1 };
	float scales[GROUPS_MAX];
	int8_t small[GROUPS_MAX];
	uint16_t half;

	for (size_t g = 0; g < GROUPS_MAX; g++) {
		struct fit_group group = group_of(block, g, 16);

		scales[g] = fit_scale(&group, range, effort);
	}
	half = round_scales(scales, small);
	memset(out, 0, BLOCK_Q6_K_BYTES);
	memcpy(out + 192, small, sizeof(small));
	store_half(out + 208, half);
	for (size_t i = 0; i < BLOCK_LARGE; i++) {
		float scale = half_value(half) * (float)small[i >> 4];
		float x = scale != 0 ? block->weights[i] / scale : 0;
		unsigned integer = (unsigned)(fit_round(x, range) + 32);

		out[i / 128 * 64 + i % 64] |=
			(uint8_t)((integer & 15) << i % 128 / 64 * 4);
		out[128 + i / 128 * 32 + i % 32] |=
			(uint8_t)(integer >> 4 << i % 128 / 32 * 2);
	}
}
