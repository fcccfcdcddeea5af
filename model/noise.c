/* SPDX-License-Identifier: Apache-2.0 */
#include "model/noise.h"

#include <math.h>

#define QUANTILES 65536

/* SplitMix64: an odd step through all states, then a mix. */
static uint64_t next(struct noise *noise)
{
	uint64_t mixed = noise->state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

struct noise noise_start(uint64_t seed, struct bytes name)
{
	struct noise noise = { seed };

	for (size_t i = 0; i < name.len; i++)
		noise.state = next(&noise) ^ name.data[i];
	return noise;
}

/* The x that a normal variable stays below with that probability, >= 1/2, by
 * Newton's steps from a point that is not too far below. */
static double quantile(double probability, double from)
{
	double x = from;

	for (int i = 0; i < 8; i++) {
		double excess = 0.5 * erfc(-x / M_SQRT2) - probability;
		double density = exp(-x * x / 2) * M_SQRT1_2 * M_2_SQRTPI / 2;

		x -= excess / density;
	}
	return x;
}

static const float *quantiles(void)
{
	static float table[QUANTILES];
	double x = 0;

	if (table[0] < 0)
		return table;
	for (size_t i = QUANTILES / 2; i < QUANTILES; i++) {
		x = quantile(((double)i + 0.5) / QUANTILES, x);
		table[i] = (float)x;
		table[QUANTILES - 1 - i] = (float)-x;
	}
	return table;
}

void noise_fill(struct noise *noise, float deviation, float *out, size_t count)
{
	const float *table = quantiles();
	uint64_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		bits = i % 4 == 0 ? next(noise) : bits >> 16;
		out[i] = deviation * table[bits % QUANTILES];
	}
}
