/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block: formats that store weights as small integers, a block of them under
 * scales of its own.  Offsets in bytes; h is a half, w[i] weight i of a block.
 *
 *   Q8_0   32 in 34    0 h d | 2 int8[32]               w = d q
 *   Q4_0   32 in 18    0 h d | 2 low[16]                w = d (q - 8)
 *                      byte i: w[i] in its low half, w[16 + i] in its high
 *
 * The rest hold 256 weights, in groups with a small scale s each, and an
 * offset m that is taken off (Q6_K: a signed scale and no offset):
 *
 *   Q2_K   84 bytes    0 sm[16] | 16 q[64] | 80 h d | 82 h e
 *                      16 groups of 16, s in the low half of sm, m in the high
 *                      w = d s q - e m                  q of 2 bits
 *   Q4_K   144         0 h d | 2 h e | 4 sm[12] | 16 q[128]
 *                      8 groups of 32, w = d s q - e m  q of 4 bits
 *   Q5_K   176         0 h d | 2 h e | 4 sm[12] | 16 top[32] | 48 q[128]
 *                      as Q4_K, with a fifth bit from top
 *   Q6_K   210         0 low[128] | 128 top[64] | 192 int8 s[16] | 208 h d
 *                      16 groups of 16, w = d s (q - 32)
 *
 * sm[12] holds eight 6-bit scales and eight 6-bit offsets:
 *   byte i < 4      s[i], and above it the top 2 bits of s[4 + i]
 *   byte 4 + i      m[i], and above it the top 2 bits of m[4 + i]
 *   byte 8 + i      low 4 bits of s[4 + i], above them those of m[4 + i]
 */
#ifndef INFERENCE_BLOCK_H
#define INFERENCE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_SMALL 32	/* weights of the first two */
#define BLOCK_LARGE 256 /* and of the others */
#define BLOCK_GROUPS 8	/* of Q4_K and Q5_K */

#define BLOCK_Q8_0_BYTES 34
#define BLOCK_Q4_0_BYTES 18
#define BLOCK_Q2_K_BYTES 84
#define BLOCK_Q4_K_BYTES 144
#define BLOCK_Q5_K_BYTES 176
#define BLOCK_Q6_K_BYTES 210

/*
 * 256 neighbouring weights of a row as numbers, whatever the format.  Weight c
 * is, with g and p the group and the part that it is in,
 *
 *     scales[g] * part_scales[p] * values[c] - minimum * part_minima[p]
 *
 * Where scales are halves the products are exact in a float (at most 23 bits);
 * the difference rounds.
 */
struct block {
	size_t group; /* columns of a float scale: 32 or 256 */
	size_t part;  /* columns of an integer scale: 16 or 32 */
	int16_t values[BLOCK_LARGE];
	float scales[BLOCK_LARGE / 32];
	float minimum;
	int16_t part_scales[BLOCK_LARGE / 16]; /* 1 where there are none */
	int16_t part_minima[BLOCK_LARGE / 16]; /* 0 where there are none */
};

/*
 * Read 256 weights, or at the end of a row `count`, a multiple of 32: those
 * that are not there are 0.
 */
void block_read_q8_0(const uint8_t *from, size_t count, struct block *out);
void block_read_q4_0(const uint8_t *from, size_t count, struct block *out);

/* Read a block of 256. */
void block_read_q2_k(const uint8_t *from, struct block *out);
void block_read_q4_k(const uint8_t *from, struct block *out);
void block_read_q5_k(const uint8_t *from, struct block *out);
void block_read_q6_k(const uint8_t *from, struct block *out);

/* The first `count` weights. */
void block_decode(const struct block *block, size_t count, float *out);

/* The small scale and offset of a group, out of sm[12]. */
struct block_group {
	uint8_t scale;
	uint8_t offset;
};

struct block_group block_group_of(const uint8_t packed[static 12],
				  unsigned group);

#endif
