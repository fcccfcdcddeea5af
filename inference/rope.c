/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/rope.h"

#include <math.h>

#include "inference/numeric.h"

#define TURN 6.28318530717958647693

/* The pair, as a real number, that turns so many times in the context that the
 * model was first made for. */
static double pair_turning(const struct config *config, double turns)
{
	double context = (double)config->stretch.context;
	double base = (double)config->rope_base;

	return config->head_width * numeric_logarithm(context / turns / TURN) /
	       (2 * numeric_logarithm(base));
}

/* How much of pair i's frequency is stretched: 0 up to the pair that turns
 * fast, 1 from the slow one on, a ramp between them. */
static double stretched_share(const struct config *config, size_t i)
{
	double last = (double)config->head_width - 1;
	double low, high, share;

	if (config->stretch.kind != CONFIG_STRETCH_YARN)
		return 1;
	low = floor(pair_turning(config, (double)ROPE_YARN_FAST));
	high = ceil(pair_turning(config, (double)ROPE_YARN_SLOW));
	low = fmax(low, 0);
	high = fmin(high, last);
	share = ((double)i - low) / fmax(high - low, 0.001);
	return fmin(fmax(share, 0), 1);
}

void rope_frequencies(const struct config *config, const float *factors,
		      double *out)
{
	size_t pairs = config->head_width / 2;

	for (size_t i = 0; i < pairs; i++) {
		double frequency = numeric_power((double)config->rope_base,
						 -(double)i / (double)pairs);

		if (factors != NULL)
			frequency /= (double)factors[i];
		if (config->stretch.kind != CONFIG_STRETCH_NONE) {
			double share = stretched_share(config, i);
			double slow =
				frequency / (double)config->stretch.factor;

			frequency = slow * share + frequency * (1 - share);
		}
		out[i] = frequency;
	}
}

/* YaRN's sharpens attention, which a longer context blurs: both queries and
 * keys are longer by 1 + ln(factor) / 10. */
static float gain_of(const struct config *config)
{
	double factor = (double)config->stretch.factor;

	if (config->stretch.kind == CONFIG_STRETCH_NONE)
		return 1;
	if (config->stretch.kind == CONFIG_STRETCH_LINEAR)
		return config->stretch.gain;
	return config->stretch.gain *
	       (float)(1 + 0.1 * numeric_logarithm(factor));
}

/* Angles in double: at position 100,000 a float is off by 0.004 radians. */
void rope_rotation(const struct config *config, const double *frequencies,
		   size_t position, float *out)
{
	float gain = gain_of(config);

	for (size_t i = 0; i < config->head_width / 2; i++) {
		float sine, cosine;

		numeric_sine_cosine((double)position * frequencies[i], &sine,
				    &cosine);
		out[2 * i] = cosine * gain;
		out[2 * i + 1] = sine * gain;
	}
}

void rope_turn(const struct config *config, const float *rotation, float *head)
{
	size_t pairs = config->head_width / 2;
	size_t apart = config->pairing == CONFIG_PAIRS_HALVES ? pairs : 1;
	size_t step = config->pairing == CONFIG_PAIRS_HALVES ? 1 : 2;

	for (size_t i = 0; i < pairs; i++) {
		float cosine = rotation[2 * i], sine = rotation[2 * i + 1];
		float *a = head + step * i, *b = a + apart;
		float old = *a;

		*a = old * cosine - *b * sine;
		*b = old * sine + *b * cosine;
	}
}
