/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: the room in which one track is computed.
 *
 * Where there are at least as many tracks as threads, each thread has its tracks
 * and a room for itself; otherwise tracks go through one room after the other,
 * and the members of a team share every step.
 *
 * Capital letters in shapes: R rows of a batch, H hidden, Q all heads, K all
 * key-value heads, d one head, F the widest feed-forward, E experts of width X,
 * k of them used, V vocabulary.
 */
#ifndef INFERENCE_WORK_H
#define INFERENCE_WORK_H

#include "inference/activation.h"
#include "inference/batch.h"
#include "inference/kernel.h"
#include "inference/multiply.h"
#include "inference/weights.h"

/* Queries that look back together, and those of prompts as bf16. */
#define WORK_QUERIES 8
#define WORK_QUERIES_BF16 64

/* The immutable side, shared by all. */
struct work_model {
	const struct config *config;
	const struct weights *weights;
	const struct kernel *kernel;
};

/* Tests look on: a value, its name, and where in the model it arose. */
struct work_trace {
	void (*report)(void *context, const char *name, uint32_t layer,
		       uint32_t track, const float *values, size_t count);
	void *context;
};

/* What each member of a team needs for itself. */
struct work_bench {
	float *queries;		      /* [q][d], of so many at once */
	uint16_t *queries_bf16;	      /* [q][d up to a multiple of 32] */
	float *scores;		      /* [q][span] */
	float *mixed;		      /* [q][d] */
	uint32_t *places;	      /* [R], whence an expert's rows came */
	float *gathered;	      /* [R][H], an expert's rows */
	float *gate;		      /* [R][X] */
	float *up;		      /* [R][X] */
	float *answer;		      /* [R][H] */
	struct activation activation; /* of gathered rows, then of gate */
};

struct work {
	const struct work_model *model;
	const struct work_trace *trace; /* NULL but in tests */
	struct team *team;		/* NULL: this thread alone */
	struct work_bench *benches;	/* [members of the team] */
	size_t span;			/* positions of a bench's scores */
	enum activation_form form;	/* of the rows that go through */

	float *x;	  /* [R][H], the track's state */
	float *normed;	  /* [R][H] */
	float *branch;	  /* [R][H], what a layer adds to x */
	float *query;	  /* [R][Q] */
	float *key;	  /* [R][K] */
	float *value;	  /* [R][K] */
	float *mixed;	  /* [R][Q] */
	float *gate;	  /* [R][F] */
	float *up;	  /* [R][F] */
	float *router;	  /* [R][E] */
	float *shares;	  /* [R][k], of the experts chosen */
	uint32_t *chosen; /* [R][k] */
	float *answers;	  /* [R][k][H], what each of them said */
	struct activation normed_activation; /* of normed */
	struct activation inner_activation;  /* of mixed, then of gate */
};

/* What a work is to have room for. */
struct work_shape {
	size_t rows;
	size_t context;
	size_t members;		      /* of its team */
	enum activation_form prompts; /* what rows of prompts are made into */
};

/* Arena that work_open() takes. */
size_t work_memory(const struct config *config, const struct work_shape *shape);

/* ERR_TOO_LARGE when the arena is full. */
MUST_CHECK enum err work_open(struct work *work, const struct work_model *model,
			      const struct work_shape *shape,
			      struct arena *arena);

/* Numbers from a query as bf16 to the next one. */
size_t work_query_stride(const struct config *config);

/* What rows are made into from now on, but those of experts: they are integers
 * always, since few rows of a prompt share one. */
void work_set_form(struct work *work, enum activation_form form);

/* Do something with each of so many rows, dealt to the team. */
void work_each(const struct work *work, size_t rows,
	       void (*step)(void *context, size_t row), void *context);

/* Do something with each of so many items, whoever of the team is free. */
void work_items(const struct work *work, size_t items,
		void (*step)(void *context, size_t member, size_t item),
		void *context);

/* One matrix to multiply with, and where to. */
struct work_product {
	const struct matrix *matrix;
	float *out; /* [rows][matrix rows] */
};

/* Multiply the same rows with a few matrices, all shared by the team. */
void work_multiply(const struct work *work, const struct multiply_input *in,
		   const struct work_product *products, size_t count);

/* Hand an intermediate [count] to the test that looks on, if one does. */
void work_report(const struct work *work, const char *name, uint32_t layer,
		 uint32_t track, const float *values, size_t count);

#endif
