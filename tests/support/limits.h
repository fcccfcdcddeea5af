/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: what this machine can do at most, as far as a short measurement
 * tells: the ceilings that an engine's speed is held against.
 */
#ifndef TESTS_SUPPORT_LIMITS_H
#define TESTS_SUPPORT_LIMITS_H

#include "inference/model.h"

/* Bytes a second that the members of a team read from memory, all together. */
double limits_read(struct team *team);

/* Multiplications a second of tiles that have nothing to load, all together;
 * 0 without AMX. */
double limits_tiles_int8(struct team *team);
double limits_tiles_bf16(struct team *team);

/* What a model reads of its weights, and multiplies, for one token. */
struct limits_work {
	double bytes;		/* that one more token of an answer reads */
	double multiplications; /* of one more token of a prompt */
};

struct limits_work limits_work_of(const struct model *model);

#endif
