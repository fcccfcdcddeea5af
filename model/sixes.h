/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sixes: 36 weights in 16 bytes, to measure what such blocks keep.
 *
 * The 2025 report stores its server's weights as 6 x 6 blocks of a texture
 * format, 128 bits each, in which 36 weights lie on six levels between two
 * ends.  This is the same in what it keeps, and not in its bits: six levels
 * from a minimum on, a step apart.
 *
 *     0 h step | 2 h minimum | 4 u32[3]        h is a half
 *     w[12 i + j] = step q - minimum           q = u32[i] / 6^j % 6
 *
 * 3.556 bits a weight.  No kernel reads it, and no file holds it.
 */
#ifndef MODEL_SIXES_H
#define MODEL_SIXES_H

#include <stdint.h>

#define SIXES_WEIGHTS 36
#define SIXES_BYTES 16

/* Fitted to the least squared error.  Weights are finite, and within halves;
 * zero is always among the levels or between them. */
void sixes_encode(const float weights[static SIXES_WEIGHTS],
		  uint8_t out[static SIXES_BYTES]);

void sixes_decode(const uint8_t block[static SIXES_BYTES],
		  float out[static SIXES_WEIGHTS]);

#endif
