/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit: scales for a group of weights that is to be stored as small integers.
 *
 *     scale    w = s q       q from `low` to `high` by `step`, low < 0
 *     line     w = s q - m   q from 0 to `high`, s and m not negative
 *
 * Least is the sum of importance * error^2 over the group.
 */
#ifndef MODEL_FIT_H
#define MODEL_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "model/quantizer.h"

/* Borrowed: count weights and their importance. */
struct fit_group {
	const float *weights;
	const float *importance;
	size_t count;
};

/* Integers: 1 apart, or the odd ones, which are 2 apart and of which zero is
 * none. */
struct fit_range {
	int low;
	int high;
	int step;
};

struct fit_line {
	float scale;
	float offset;
};

float fit_scale(const struct fit_group *group, struct fit_range range,
		enum quantizer_effort effort);

struct fit_line fit_line(const struct fit_group *group, int high,
			 enum quantizer_effort effort);

/* The error of a line with the best integers that there are for it. */
float fit_line_error(const struct fit_group *group, struct fit_line line,
		     int high);

/* The integer in range that is nearest to x. */
int fit_round(float x, struct fit_range range);

#endif
