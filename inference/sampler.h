/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: one token from the logits.
 *
 * In this order: divide by the temperature, softmax, keep the top_k most
 * probable, of these the fewest that reach top_p of their sum, draw one in
 * proportion.  Tokens that tie come in the order of their numbers.
 *
 * Draw number n, from 0, is the first 8 bytes (little-endian) of the ChaCha20
 * block (RFC 8439, section 2.3) with the seed as key, nonce 0 and counter n:
 * its upper 53 bits, over 2^53.  So a seed gives the same answer anywhere.
 */
#ifndef INFERENCE_SAMPLER_H
#define INFERENCE_SAMPLER_H

#include "base/arena.h"
#include "inference/kernel.h"

struct sampler_options {
	float temperature; /* 0: the most probable token */
	float top_p;	   /* in (0, 1]; 1: all */
	uint32_t top_k;	   /* 0: all */
	uint8_t seed[32];
};

struct sampler {
	struct sampler_options options;
	const struct kernel *kernel;
	size_t vocabulary;
	uint32_t draws;	      /* so far */
	float *probabilities; /* [vocabulary] */
	uint32_t *order;      /* [vocabulary], a heap of tokens */
};

size_t sampler_memory(size_t vocabulary);

/* ERR_MALFORMED for options out of range, ERR_TOO_LARGE for a full arena. */
MUST_CHECK enum err sampler_init(struct sampler *sampler,
				 const struct sampler_options *options,
				 const struct kernel *kernel, size_t vocabulary,
				 struct arena *arena);

/* The next token; logits [vocabulary] are finite. */
uint32_t sampler_pick(struct sampler *sampler, const float *logits);

/* Draw number n of a seed, in [0, 1). */
double sampler_draw(const uint8_t seed[static 32], uint32_t n);

#endif
