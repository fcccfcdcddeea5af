/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: one request's way through the model.
 *
 * A session holds what the model remembers of the tokens so far (the keys and
 * values of every layer and track) and room to compute with.  All of it comes
 * from one arena when the session is opened; after that nothing allocates and
 * nothing calls the system.
 *
 * Tokens go in by chunks.  Where a prompt is cut does not change one bit of
 * any result.
 *
 *     h = embedding of the tokens
 *     for each block: for each track, from the same h: its layers (layer.h)
 *                     h = mean or sum of the tracks, in their order
 *     logits = output weights * norm(h), for the rows that are asked for
 *
 * Layers that use the keys and values of another (kv_reuse_from) are run for
 * the rows that are asked for alone.
 *
 * Capital letters in shapes: R rows of a chunk, H hidden, Q all heads, K all
 * key-value heads, d one head, F the widest feed-forward, E experts, k of them
 * used, V vocabulary.
 */
#ifndef INFERENCE_SESSION_H
#define INFERENCE_SESSION_H

#include "base/arena.h"
#include "inference/config.h"
#include "inference/kernel.h"
#include "inference/weights.h"

#define SESSION_CHUNK 32 /* tokens that go in at once, at most */

/* The immutable side, shared by all sessions. */
struct session_model {
	const struct config *config;
	const struct weights *weights;
	const struct kernel *kernel;
};

/* Keys and values of one layer of one track: a ring of positions. */
struct session_cache {
	float *keys;   /* [slots][K], position p in slot p modulo slots */
	float *values; /* [slots][K] */
	size_t slots;
};

/* Tests look on: a value, its name, and where in the model it arose. */
struct session_trace {
	void (*report)(void *context, const char *name, uint32_t layer,
		       uint32_t track, const float *values, size_t count);
	void *context;
};

struct session {
	struct session_model model;
	size_t context;			   /* tokens that there is room for */
	size_t position;		   /* tokens that have gone in */
	size_t rows;			   /* tokens of the last chunk */
	struct session_cache *caches;	   /* [layers * tracks] */
	const struct session_trace *trace; /* NULL but in tests */

	double *frequencies; /* [d/2], radians a position */
	float *rotations;    /* [R][d/2][2]: cosine, sine */
	float *h;	     /* [R][H], what the tracks share */
	float *last;	     /* [H], a row of h whose logits are wanted */
	float *sum;	     /* [R][H], of the tracks of a block */
	float *x;	     /* [R][H], one track's state */
	float *normed;	     /* [R][H] */
	float *branch;	     /* [R][H], what a layer adds to x */
	float *query;	     /* [R][Q] */
	float *key;	     /* [R][K] */
	float *value;	     /* [R][K] */
	float *mixed;	     /* [R][Q] */
	float *scores;	     /* [context], one head's attention */
	float *gate;	     /* [R][F] */
	float *up;	     /* [R][F] */
	float *router;	     /* [R][E] */
	float *shares;	     /* [R][k], of the experts chosen */
	uint32_t *chosen;    /* [R][k] */
	uint32_t *places;    /* [R], where an expert's rows came from */
	float *gathered;     /* [R][H], an expert's rows */
	float *answers;	     /* [R][k][H], what each chosen expert said */
	float *logits;	     /* [V] */
};

/* Bytes of arena that a session of that many tokens takes. */
size_t session_memory(const struct config *config, size_t context);

/*
 * Set up for up to `context` tokens.  ERR_TOO_LARGE when the arena has less
 * than session_memory() or the model has a shorter context.
 */
MUST_CHECK enum err session_open(struct session *session,
				 const struct session_model *model,
				 size_t context, struct arena *arena);

/*
 * Put 1 to SESSION_CHUNK tokens in.  ERR_TOO_LARGE when the context is full
 * (nothing has changed then), ERR_MALFORMED for a token that is none, or when
 * the model's numbers break down (the session is dead then).
 */
MUST_CHECK enum err session_advance(struct session *session,
				    const uint32_t *tokens, size_t count);

/*
 * The logits [V] after token `row` of the last chunk, borrowed until the next
 * call.  ERR_MALFORMED when the model's numbers break down on the way to them,
 * or one is infinite or NaN.
 */
MUST_CHECK enum err session_logits(struct session *session, size_t row,
				   const float **logits);

#endif
