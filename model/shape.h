/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape: models that have a size and a name, but no weights yet.
 *
 * Those of one number of weights differ in one thing, so that what they cost
 * can be compared: dense, experts, tracks.
 */
#ifndef MODEL_SHAPE_H
#define MODEL_SHAPE_H

#include <stddef.h>
#include <stdint.h>

/* How queries and keys are normalised, if at all. */
enum shape_head_norm {
	SHAPE_HEADS_PLAIN,
	SHAPE_HEADS_EACH,     /* weights as wide as one head */
	SHAPE_HEADS_TOGETHER, /* as wide as all of them */
};

/* What reads the final state: the embedding again, or a matrix of its own. */
enum shape_output {
	SHAPE_TIED,
	SHAPE_UNTIED,
};

enum shape_bias {
	SHAPE_NO_BIAS,
	SHAPE_BIAS, /* of queries, keys and values */
};

struct shape {
	const char *name;
	const char *architecture; /* GGUF's word */
	uint32_t tracks;	  /* 0: not ptmoe */
	uint32_t block_depth;	  /* ptmoe: layers between two meetings */
	uint32_t window;	  /* ptmoe: of its local layers */
	uint32_t hidden;
	uint32_t layers;
	uint32_t heads; /* of one track, as all below */
	uint32_t kv_heads;
	uint32_t head_width;
	uint32_t feed_forward; /* of dense layers */
	uint32_t experts;      /* 0: every layer is dense */
	uint32_t experts_used;
	uint32_t expert_width;
	uint32_t vocabulary;
	uint32_t context;
	float rope_base;
	float epsilon; /* of norms */
	enum shape_head_norm head_norm;
	enum shape_output output;
	enum shape_bias bias;
};

/* NULL where none is called so; number i, or NULL after the last. */
const struct shape *shape_named(const char *name);
const struct shape *shape_at(size_t i);

#endif
