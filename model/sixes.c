/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sixes.h"

#include <string.h>

#include "inference/half.h"
#include "model/fit.h"

#define LEVELS 6
#define WORDS 3
#define WORD_WEIGHTS 12 /* as powers of six in 32 bits */

struct sixes {
	uint16_t step, minimum; /* halves */
	uint32_t words[WORDS];
};

_Static_assert(sizeof(struct sixes) == SIXES_BYTES, "no room between them");

void sixes_encode(const float weights[static SIXES_WEIGHTS],
		  uint8_t out[static SIXES_BYTES])
{
	static const float ones[SIXES_WEIGHTS] = { [0 ... SIXES_WEIGHTS - 1] =
							   1 };
	const struct fit_group group = { weights, ones, SIXES_WEIGHTS };
	const struct fit_range range = { 0, LEVELS - 1, 1 };
	struct fit_line line = fit_line(&group, LEVELS - 1, QUANTIZER_SEARCH);
	struct sixes made = { .step = half_of(line.scale),
			      .minimum = half_of(line.offset) };
	float step = half_value(made.step);
	float minimum = half_value(made.minimum);

	for (size_t i = SIXES_WEIGHTS; i > 0; i--) {
		float x = step > 0 ? (weights[i - 1] + minimum) / step : 0;
		uint32_t *word = &made.words[(i - 1) / WORD_WEIGHTS];

		*word = *word * LEVELS + (uint32_t)fit_round(x, range);
	}
	memcpy(out, &made, sizeof(made));
}

void sixes_decode(const uint8_t block[static SIXES_BYTES],
		  float out[static SIXES_WEIGHTS])
{
	struct sixes sixes;
	float step, minimum;

	memcpy(&sixes, block, sizeof(sixes));
	step = half_value(sixes.step);
	minimum = half_value(sixes.minimum);
	for (size_t i = 0; i < SIXES_WEIGHTS; i++) {
		uint32_t *word = &sixes.words[i / WORD_WEIGHTS];

		out[i] = step * (float)(*word % LEVELS) - minimum;
		*word /= LEVELS;
	}
}
