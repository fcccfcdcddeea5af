/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: how much of the weights a format has kept.
 *
 * SQNR = 10 log10(sum of a^2 / sum of (a - b)^2), in dB; 6 dB are a bit.
 */
#ifndef MODEL_MEASURE_H
#define MODEL_MEASURE_H

#include "model/options.h"
#include "model/source.h"

struct measure_noise {
	double signal; /* sum of a^2 */
	double noise;  /* sum of (a - b)^2 */
};

/* Of b against a, which have one shape; added to *out. */
MUST_CHECK enum err measure_tensors(const struct gguf_tensor *a,
				    const struct gguf_tensor *b,
				    struct measure_noise *out);

/* In dB; infinite where nothing is lost. */
double measure_decibels(struct measure_noise noise);

/* Bits a weight, with its share of the scales. */
double measure_bits(const struct matrix_form *form);

/* `count` normally distributed weights, to a format and back; of panels 16
 * rows, which `count` is to fill with whole blocks. */
MUST_CHECK enum err measure_gaussian(enum matrix_format format, size_t count,
				     uint64_t seed, struct measure_noise *out);

/* The same for sixes.h, in as many whole blocks as `count` fills. */
MUST_CHECK enum err measure_gaussian_sixes(size_t count, uint64_t seed,
					   struct measure_noise *out);

/* The commands measure and sqnr: print, and return the exit code. */
int measure_run(const struct options *options);
int measure_run_sqnr(const struct options *options);

#endif
