/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timed: models whose speed is measured, by the clock on the wall.
 *
 * Benchmarks have no one to tell an error to: every failure here ends them.
 */
#ifndef TESTS_SUPPORT_TIMED_H
#define TESTS_SUPPORT_TIMED_H

#include "inference/model.h"

#define TIMED_CHUNK GENERATE_CHUNK /* tokens that go in at once */

/* Seconds since some moment. */
double timed_now(void);

/* Go on only if all is well. */
void timed_must(enum err err);

/* Blank memory as the node keeps weights: on huge pages, where the kernel gives
 * them.  Never given back. */
void *timed_memory(size_t bytes);

/* Never closed. */
struct model *timed_model(const char *path);

/* One text on its way through a model. */
struct timed {
	struct config config;
	struct session session;
	struct engine engine;
};

/* The model may be told otherwise than in its file (block depth, experts used),
 * as long as its weights fit; context in tokens. */
struct timed_how {
	struct config config;
	struct team *team; /* borrowed */
	enum engine_deal deal;
	size_t context;
};

struct timed *timed_open(const struct model *model,
			 const struct timed_how *how);

/* Tokens a second, one by one and each with its logits, in texts of a few:
 * for so many seconds, however slow it is, but a token at least. */
double timed_decode(struct timed *timed, double seconds);

/* Tokens a second of a prompt, with the logits after its last one. */
double timed_prefill(struct timed *timed, size_t tokens);

/* What was measured several times; these put it in order. */
double timed_median(double *values, size_t count);

/* The one that a part of them, 0 to 1, is not above. */
double timed_quantile(double *values, size_t count, double part);

/* How far apart the quartiles are, in percent of the median. */
double timed_spread(double *values, size_t count);

#endif
