/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panel: a matrix of integers and scales, laid out for the kernels.
 *
 * Sixteen rows of a matrix (outputs), side by side, are a panel: the widest
 * vector has a lane for each.  A panel is cut along its columns into blocks of
 * 256, the last one filled up with weights of value zero (in C2, which has
 * none, with any: they are multiplied by activations of zero).
 *
 *     matrix = panels, one after the other     (rows rounded up to 16)
 *     panel  = blocks, one after the other     (columns rounded up to 256)
 *     block  = integers | scales               (a multiple of 64 bytes)
 *
 * Integers are unsigned and lie in planes of 64-byte vectors.  Byte 4r + k of
 * a vector belongs to row r, so four columns of a row are one 32-bit lane:
 *
 *     8 bits   vector i, byte 4r + k           column 4i + k
 *     4 bits   vector 4c + j, low half         column 32c + 4j + k
 *                             high half        column 32c + 16 + 4j + k
 *     2 bits   vector 4s + j, bits 2b, 2b+1    column 64s + 16b + 4j + k
 *     1 bit    quadword i, bit 4r + k          column 4i + k
 *
 * Five bits are a plane of 4 and one of 1 above it, six are 4 and 2.
 *
 * Scales come in groups of columns.  A float scale (and where there is one a
 * float minimum) covers 32 columns or the block; in the latter case each 32 or
 * 16 columns may have a small integer scale (and minimum) besides:
 *
 *     name  bits  value of an integer q  float scale  integer scales  from
 *     Q8     8    q - 128                f16, 32      -               Q8_0
 *     Q4     4    q - 8                  f16, 32      -               Q4_0
 *     Q4_K   4    q                      f16 + min    u6 + min, 32    Q4_K
 *     Q5_K   5    q                      f16 + min    u6 + min, 32    Q5_K
 *     Q6_K   6    q - 32                 f16          i8, 16          Q6_K
 *     Q2_K   2    q                      f16 + min    u4 + min, 16    Q2_K
 *     C8     8    q - 128                f32          -               ours
 *     C4     4    q - 8                  f32          -               ours
 *     C2     2    2q - 3                 f32          -               ours
 *
 *     float scales     f16[8][16], f32[16] or f16[16]; then the minima f16[16]
 *     integer scales   u8 or i8 [parts][16]; then the minima u8 [parts/2][16][2]
 *                      (u6 is a byte up to 63)
 *     (in Q2_K one byte holds both, u8 [parts/2][16][2], the minimum above)
 *
 * C2 is the balanced set of the 2025 report: {-3, -1, 1, 3} times half a scale.
 */
#ifndef INFERENCE_PANEL_H
#define INFERENCE_PANEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "inference/block.h"

#define PANEL_ROWS ((size_t)16)
#define PANEL_COLUMNS ((size_t)256) /* of a block */
#define PANEL_PART_MAX 63	    /* a scale or minimum of 32 columns */

enum panel_format {
	PANEL_Q8,
	PANEL_Q4,
	PANEL_Q4_K,
	PANEL_Q5_K,
	PANEL_Q6_K,
	PANEL_Q2_K,
	PANEL_C8,
	PANEL_C4,
	PANEL_C2,
	PANEL_FORMATS
};

/* What the table above says of a format. */
struct panel_form {
	const char *name;
	unsigned bits;
	int factor, zero; /* the value of q is factor * q - zero */
	size_t group;	  /* columns of a float scale: 32 or 256 */
	size_t part;	  /* columns of an integer scale, or 0 */
	bool has_minimum; /* float and integer minima are there */
	uint16_t scales;  /* where in a block the float scales begin, */
	uint16_t parts;	  /* the integer scales, */
	uint16_t minima;  /* and their minima */
	uint16_t bytes;	  /* of a block */
};

/* Here, so that kernels see constants. */
static const struct panel_form panel_forms[PANEL_FORMATS] = {
	[PANEL_Q8] = { "Q8", 8, 1, 128, 32, 0, false, 4096, 0, 0, 4352 },
	[PANEL_Q4] = { "Q4", 4, 1, 8, 32, 0, false, 2048, 0, 0, 2304 },
	[PANEL_Q4_K] = { "Q4_K", 4, 1, 0, 256, 32, true, 2048, 2112, 2240,
			 2368 },
	[PANEL_Q5_K] = { "Q5_K", 5, 1, 0, 256, 32, true, 2560, 2624, 2752,
			 2880 },
	[PANEL_Q6_K] = { "Q6_K", 6, 1, 32, 256, 16, false, 3072, 3104, 0,
			 3392 },
	[PANEL_Q2_K] = { "Q2_K", 2, 1, 0, 256, 16, true, 1024, 1088, 1088,
			 1344 },
	[PANEL_C8] = { "C8", 8, 1, 128, 256, 0, false, 4096, 0, 0, 4160 },
	[PANEL_C4] = { "C4", 4, 1, 8, 256, 0, false, 2048, 0, 0, 2112 },
	[PANEL_C2] = { "C2", 2, 2, 3, 256, 0, false, 1024, 0, 0, 1088 },
};

/* Read the share of row 0 to 15 of a block; the plain definition of it all. */
void panel_read(enum panel_format format, const uint8_t *block, size_t row,
		struct block *out);

/*
 * The reverse: other rows stay as they are.  Scales are exact halves where the
 * format has halves, and integers in range: else invariant() fails.
 */
void panel_write(enum panel_format format, const struct block *from, size_t row,
		 uint8_t *block);

/* Whether scales are finite, and integer scales within their bits. */
bool panel_is_sound(enum panel_format format, const uint8_t *block);

#endif
