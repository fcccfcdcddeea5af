/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise: normally distributed numbers that a seed and a name determine.
 *
 * Each number is one of 65,536 quantiles, so that billions of them are a
 * matter of seconds.  Not for anything secret.
 */
#ifndef MODEL_NOISE_H
#define MODEL_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct noise {
	uint64_t state;
};

/* Equal seeds and names give equal numbers. */
struct noise noise_start(uint64_t seed, struct bytes name);

/* The next count numbers, of that standard deviation and mean 0. */
void noise_fill(struct noise *noise, float deviation, float *out, size_t count);

#endif
