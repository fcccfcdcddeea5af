/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rope: rotary position embedding (arXiv 2104.09864), and its stretched forms.
 *
 * Pair i of a head [d] turns by base^(-2i/d) radians a position, so that the
 * product of a query and a key depends on their distance.  Files whose models
 * were made fit for longer texts have these frequencies divided: each by a
 * factor of its own, all by one (linear), or by YaRN (arXiv 2309.00071), which
 * leaves those alone that turn often within the first context.
 */
#ifndef INFERENCE_ROPE_H
#define INFERENCE_ROPE_H

#include "inference/config.h"

/* YaRN: pairs that turn as often in the first context are left alone, those
 * that turn as rarely are stretched in full. */
#define ROPE_YARN_FAST 32.0f
#define ROPE_YARN_SLOW 1.0f

/* Radians a position, out [d/2].  factors [d/2] divide them, or are NULL. */
void rope_frequencies(const struct config *config, const float *factors,
		      double *out);

/* Cosine and sine of every pair at a position, times the gain, out [d/2][2]. */
void rope_rotation(const struct config *config, const double *frequencies,
		   size_t position, float *out);

/* Turn a head [d] in place by what rope_rotation() gave. */
void rope_turn(const struct config *config, const float *rotation, float *head);

#endif
