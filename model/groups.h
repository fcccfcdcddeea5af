/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups: the block formats of 256 weights, encoded (inference/block.h).
 *
 * Each group is fitted by itself; then the block's own scales are chosen so
 * that the small ones reach, the small ones are rounded (and their neighbours
 * tried), and last the block's scales are fitted once more to what came out.
 */
#ifndef MODEL_GROUPS_H
#define MODEL_GROUPS_H

#include "model/fit.h"

void groups_encode_q2_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out);
void groups_encode_q4_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out);
void groups_encode_q5_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out);
void groups_encode_q6_k(const struct fit_group *block,
			enum quantizer_effort effort, uint8_t *out);

#endif
