/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rope: what config.json says of turning by position (RoPE) for texts that are
 * longer than those of training.
 *
 * Of the ways that there are, "llama3" is a factor for each frequency f_i,
 * which model files can state (rope_freqs.weight, the engine divides by it):
 *
 *     waves shorter than context / high   1
 *     waves longer than context / low     factor
 *     between them                        1 / ((1 - s) / factor + s),
 *         s = (context / wave - low) / (high - low)
 *
 * where wave = 2 pi / f_i, and context that of training.
 */
#ifndef MODEL_ROPE_H
#define MODEL_ROPE_H

#include <jansson.h>

#include "base/err.h"
#include "model/shape.h"

#define ROPE_FACTORS_MAX 512

struct rope {
	size_t count; /* 0: every frequency as it is; else half a head */
	float factors[ROPE_FACTORS_MAX];
};

/* From config.json.  ERR_UNSUPPORTED for other ways of stretching,
 * ERR_MALFORMED where a number is missing or out of range. */
MUST_CHECK enum err rope_read(const json_t *config, const struct shape *shape,
			      struct rope *out);

#endif
