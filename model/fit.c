/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For given integers the best scale is a division (or, with an offset, two
 * equations); for a given scale the best integers are roundings.  So: a grid
 * of first scales, each improved by one division, and for the best of them
 * both steps in turn until nothing is gained.
 */
#include "model/fit.h"

#include <math.h>
#include <string.h>

#define POLISH_MAX 8

#define WIDE 64 /* weights of a group whose extremes are rare ones */

/* First scales, as shares of the one that just reaches the extremes: coarse
 * integers gain from cutting extremes off, fine ones hardly; and the more so
 * the larger the group is that one extreme would set the scale of. */
struct grid {
	float first;
	float step;
	int count;
};

static struct grid grid_for(int levels, size_t count)
{
	if (levels <= 4 && count > WIDE)
		return (struct grid){ 0.2f, 0.025f, 34 };
	if (levels <= 32 && count > WIDE)
		return (struct grid){ 0.3f, 0.025f, 30 };
	if (count > WIDE)
		return (struct grid){ 0.6f, 0.025f, 18 };
	if (levels <= 4)
		return (struct grid){ 0.5f, 0.05f, 13 };
	if (levels <= 32)
		return (struct grid){ 0.66f, 0.03f, 14 };
	return (struct grid){ 0.9f, 0.0125f, 10 };
}

/* Adding and taking off 3 * 2^22 rounds to integers, ties to even. */
static float nearest(float x)
{
	const float rounder = 12582912.0f;

	return (x + rounder) - rounder;
}

static float clamp(float x, float low, float high)
{
	x = x < low ? low : x;
	return x > high ? high : x;
}

/* Before rounding is the place to cut: what is far outside has no integer. */
static float integer_of(float x, float low, float high)
{
	return nearest(clamp(x, low, high));
}

/* A range as floats: origin + step * n. */
struct ladder {
	float low, high;
	float step, inverse;
	float origin;
};

static struct ladder ladder_of(struct fit_range range)
{
	return (struct ladder){ (float)range.low, (float)range.high,
				(float)range.step, 1 / (float)range.step,
				(float)(range.step - 1) };
}

static float rung_of(float x, const struct ladder *ladder)
{
	float inside = clamp(x, ladder->low, ladder->high);

	return nearest((inside - ladder->origin) * ladder->inverse) *
		       ladder->step +
	       ladder->origin;
}

int fit_round(float x, struct fit_range range)
{
	struct ladder ladder = ladder_of(range);

	return (int)rung_of(x, &ladder);
}

/* A scale, and how much of the group's sum of squares it explains. */
struct scaled {
	float scale;
	float gain;
};

/* A search in units of a power of two near the extreme, so that squares are
 * numbers whatever the weights are. */
struct search {
	const struct fit_group *group;
	struct ladder ladder;
	float unit; /* a weight times this is in units */
	int levels;
};

/* The best scale for the integers that `inverse` gives. */
static struct scaled scale_for(const struct search *search, float inverse)
{
	const struct fit_group *group = search->group;
	float products = 0, squares = 0;

	for (size_t i = 0; i < group->count; i++) {
		float w = group->weights[i] * search->unit;
		float q = rung_of(w * inverse, &search->ladder);
		float weighted = group->importance[i] * q;

		products += weighted * w;
		squares += weighted * q;
	}
	if (squares <= 0)
		return (struct scaled){ 0, 0 };
	return (struct scaled){ products / squares,
				products * products / squares };
}

static struct scaled polish_scale(const struct search *search,
				  struct scaled best)
{
	for (int i = 0; i < POLISH_MAX && best.scale != 0; i++) {
		struct scaled next = scale_for(search, 1 / best.scale);

		if (next.gain <= best.gain)
			break;
		best = next;
	}
	return best;
}

/* The weight that is farthest from zero, with its sign. */
static float extreme_of(const struct fit_group *group)
{
	float most = 0;

	for (size_t i = 0; i < group->count; i++)
		if (fabsf(group->weights[i]) > fabsf(most))
			most = group->weights[i];
	return most;
}

/* The best of the grid about a scale that just reaches the extreme. */
static struct scaled search_grid(const struct search *search, float whole)
{
	struct grid grid = grid_for(search->levels, search->group->count);
	struct scaled best = { 0, 0 };

	for (int i = 0; i < grid.count; i++) {
		float share = grid.first + grid.step * (float)i;
		struct scaled next = scale_for(search, 1 / (whole * share));

		if (next.gain > best.gain)
			best = next;
	}
	return best;
}

/* The extreme goes to the end that has more integers; the search also tries
 * it on the other end, where that is another scale. */
float fit_scale(const struct fit_group *group, struct fit_range range,
		enum quantizer_effort effort)
{
	float extreme = extreme_of(group);
	struct search search = {
		.group = group,
		.ladder = ladder_of(range),
		.levels = (range.high - range.low) / range.step + 1,
	};
	struct scaled best, other;
	int exponent;

	/* So small that its inverse is none: zeros, all of them. */
	if (fabsf(extreme) < 1e-30f)
		return 0;
	if (effort == QUANTIZER_QUICK)
		return extreme / (float)range.low;
	extreme = frexpf(extreme, &exponent);
	search.unit = ldexpf(1, -exponent);
	best = search_grid(&search, extreme / (float)range.low);
	if (range.low != -range.high) {
		other = search_grid(&search, extreme / (float)range.high);
		if (other.gain > best.gain)
			best = other;
	}
	/* Where no weight counts, one scale is as good as another. */
	if (best.scale == 0)
		best.scale = extreme / (float)range.low;
	else
		best = polish_scale(&search, best);
	return ldexpf(best.scale, exponent);
}

/* Sums over a group, each term times its importance. */
struct sums {
	float one, q, qq, w, wq, ww;
};

static struct sums sums_for(const struct fit_group *group, struct fit_line line,
			    int high)
{
	float inverse = line.scale > 0 ? 1 / line.scale : 0;
	struct sums sums = { 0 };

	for (size_t i = 0; i < group->count; i++) {
		float v = group->importance[i];
		float w = group->weights[i];
		float q =
			integer_of((w + line.offset) * inverse, 0, (float)high);

		sums.one += v;
		sums.q += v * q;
		sums.qq += v * q * q;
		sums.w += v * w;
		sums.wq += v * w * q;
		sums.ww += v * w * w;
	}
	return sums;
}

static float error_of(const struct sums *sums, struct fit_line line)
{
	float s = line.scale, m = line.offset;
	float error = sums->ww - 2 * s * sums->wq + 2 * m * sums->w +
		      s * s * sums->qq - 2 * s * m * sums->q +
		      m * m * sums->one;

	return error > 0 ? error : 0;
}

float fit_line_error(const struct fit_group *group, struct fit_line line,
		     int high)
{
	struct sums sums = sums_for(group, line, high);

	return error_of(&sums, line);
}

/* The best line for integers whose sums these are. */
static struct fit_line solve(const struct sums *sums, struct fit_line before)
{
	float determinant = sums->one * sums->qq - sums->q * sums->q;
	struct fit_line line = before;

	if (determinant > 1e-6f * sums->one * sums->qq) {
		line.scale = (sums->one * sums->wq - sums->q * sums->w) /
			     determinant;
		line.offset = (line.scale * sums->q - sums->w) / sums->one;
	}
	if (line.offset < 0) {
		line.offset = 0;
		line.scale = sums->qq > 0 ? sums->wq / sums->qq : 0;
	}
	return line.scale > 0 ? line : before;
}

/* A line, improved by one step; the error is that of the integers before. */
struct lined {
	struct fit_line line;
	float error;
};

static struct lined improve(const struct fit_group *group, struct fit_line line,
			    int high)
{
	struct sums sums = sums_for(group, line, high);
	struct fit_line better = solve(&sums, line);

	return (struct lined){ better, error_of(&sums, better) };
}

/* From the least to the greatest weight, zero always among them. */
static struct fit_line whole_span(const struct fit_group *group, int high)
{
	float least = 0, most = group->weights[0];

	for (size_t i = 0; i < group->count; i++) {
		least = fminf(least, group->weights[i]);
		most = fmaxf(most, group->weights[i]);
	}
	return (struct fit_line){ (most - least) / (float)high, -least };
}

/* A share of the span, about its middle. */
static struct fit_line narrowed(struct fit_line whole, float share, int high)
{
	float cut = whole.scale * (float)high * (1 - share) / 2;

	return (struct fit_line){ whole.scale * share,
				  fmaxf(whole.offset - cut, 0) };
}

struct fit_line fit_line(const struct fit_group *group, int high,
			 enum quantizer_effort effort)
{
	struct grid grid = grid_for(high + 1, group->count);
	struct fit_line whole = whole_span(group, high);
	struct lined best = { whole, INFINITY };

	if (effort == QUANTIZER_QUICK || whole.scale < 1e-30f)
		return whole;
	for (int i = 0; i < grid.count; i++) {
		float share = grid.first + grid.step * (float)i;
		struct lined next =
			improve(group, narrowed(whole, share, high), high);

		if (next.error < best.error)
			best = next;
	}
	for (int i = 0; i < POLISH_MAX; i++) {
		struct lined next = improve(group, best.line, high);

		if (next.error >= best.error)
			break;
		best = next;
	}
	return best.line;
}
