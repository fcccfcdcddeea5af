/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine: tokens in, logits out; the forward pass.
 *
 *     h = embedding of the tokens
 *     for each block: for each track, from the same h: its layers (layer.h)
 *                     h = mean or sum of the tracks, in their order
 *     logits = output weights * norm(h), for the rows that are asked for
 *
 * An engine is the room that this takes, and a team of threads.  Sessions come
 * and go through it, several at a time if wanted.  Neither where a prompt is
 * cut, nor who else is in a batch, nor how many threads there are changes one
 * bit of any result.  One thing is chosen: with shape.prompts = ACTIVATION_BF16
 * rows that go in as ENGINE_PROMPT are computed in bf16, rows that go in as
 * ENGINE_ANSWER never.  Logits are of integers for both.
 *
 * Layers that use the keys and values of another (kv_reuse_from) are run for
 * the rows that are asked for alone.
 *
 * All memory comes from one arena when the engine is opened; after that nothing
 * allocates.  Shapes as in work.h.
 */
#ifndef INFERENCE_ENGINE_H
#define INFERENCE_ENGINE_H

#include "inference/work.h"

/* What is dealt to threads.  The results are the same bits. */
enum engine_deal {
	ENGINE_TRACKS,	/* where there are at least as many as threads; else: */
	ENGINE_TENSORS, /* every step of a layer is shared by all of them */
};

struct engine_shape {
	size_t rows;	/* that go in at once, at most */
	size_t logits;	/* of so many rows at once */
	size_t context; /* of the longest session */
	enum engine_deal deal;
	/* Numbers of prompts: as all others, or as bf16 in attention and where
	   weights that all rows share have a scale for 32 columns; that is
	   faster where there is AMX.  Experts take integers always: few rows
	   share one. */
	enum activation_form prompts;
};

/* What the rows are that go in. */
enum engine_rows {
	ENGINE_PROMPT, /* tokens of the request, earlier answers in it too */
	ENGINE_ANSWER, /* tokens that were drawn */
};

struct engine {
	struct work_model model;
	struct engine_shape shape;
	struct team *team;
	size_t workers;	     /* works: 1, or the members of the team */
	struct work *works;  /* [workers] */
	double *frequencies; /* [d/2], radians a position */
	struct batch batch;  /* the rows that went in last */
	struct batch wanted; /* those of them whose logits are asked for */
	float *h;	     /* [R][H], what the tracks share */
	float *tracks;	     /* [T][R][H], what each track made of it */
	float *last;	     /* [L][H], rows whose logits are wanted */
	float *normed;	     /* [L][H] */
	struct activation normed_activation; /* of normed */
	float *logits;			     /* [L][V] */
};

/* Bytes of arena that an engine takes with so many threads. */
size_t engine_memory(const struct config *config,
		     const struct engine_shape *shape, size_t threads);

/*
 * The team is borrowed, or NULL for this thread alone.  ERR_TOO_LARGE when the
 * arena has less than engine_memory().
 */
MUST_CHECK enum err engine_open(struct engine *engine,
				const struct work_model *model,
				const struct engine_shape *shape,
				struct team *team, struct arena *arena);

/* The next tokens of a session. */
struct engine_input {
	struct session *session;
	const uint32_t *tokens;
	size_t count;
};

/*
 * Put tokens in, of sessions that differ.  ERR_TOO_LARGE when a session is full
 * (nothing has changed then), ERR_MALFORMED for a token that is none, or when
 * the model's numbers break down (these sessions are dead then).
 */
MUST_CHECK enum err engine_advance(struct engine *engine, enum engine_rows rows,
				   const struct engine_input *inputs,
				   size_t count);

/*
 * The logits [count][V] after some of the rows that went in last, numbered
 * through all inputs; borrowed until the next call.  ERR_MALFORMED when the
 * model's numbers break down on the way to them, or one is infinite or NaN.
 */
MUST_CHECK enum err engine_logits(struct engine *engine, const size_t *rows,
				  size_t count, const float **logits);

/* Let a test look on. */
void engine_watch(struct engine *engine, const struct work_trace *trace);

#endif
