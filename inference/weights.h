/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: the tensors of a model file, by the place they have in the model.
 *
 * The configuration says which tensors there are and how large; a file that
 * has others, or others besides, is refused.  Everything is read-only, and lies
 * in the file or in an arena that was filled when it was opened.
 *
 * Shapes are rows x columns = outputs x inputs.  H hidden, Q all heads' width,
 * K all key-value heads' width, d one head's, F feed-forward, E experts of
 * width X, V vocabulary.
 */
#ifndef INFERENCE_WEIGHTS_H
#define INFERENCE_WEIGHTS_H

#include "base/arena.h"
#include "inference/config.h"
#include "inference/matrix.h"

/* One layer of one track. */
struct weights_layer {
	const float *attention_norm; /* [H] */
	struct matrix query;	     /* Q x H */
	struct matrix key;	     /* K x H; none where another's are used */
	struct matrix value;	     /* K x H */
	const float *query_bias;     /* [Q], or NULL */
	const float *key_bias;	     /* [K], or NULL */
	const float *value_bias;     /* [K], or NULL */
	const float *query_norm;     /* [d], or [Q] for a row; NULL: plain */
	const float *key_norm;	     /* [d], or [K] for a row; NULL: plain */
	struct matrix output;	     /* H x Q */
	const float *feed_norm;	     /* [H] */
	struct matrix router;	     /* E x H; sparse layers only */
	/* Dense, or the first of E experts. */
	struct matrix gate; /* F x H, or X x H */
	struct matrix up;   /* F x H, or X x H */
	struct matrix down; /* H x F, or H x X */
};

struct weights {
	struct matrix embedding;      /* V x H */
	struct matrix output;	      /* V x H; the embedding where tied */
	const float *output_norm;     /* [H] */
	const float *rope_factors;    /* [d/2], divides frequencies; or NULL */
	struct weights_layer *layers; /* [L * T], track after track */
	uint64_t count;		      /* of all weights */
};

/*
 * What weights_open() takes of an arena: where a tensor is not as the kernels
 * want it (matrix_pack), all are laid out anew and the file is not needed any
 * more.  0 where all of them may stay in the file.
 */
size_t weights_memory(const struct gguf *gguf);

/*
 * Find every tensor.  ERR_MALFORMED for one that is missing, misshapen, or
 * holds an infinity or NaN; ERR_UNSUPPORTED for one that the model does not
 * use; ERR_TOO_LARGE when the arena is full.  Close with weights_close().
 */
MUST_CHECK enum err weights_open(const struct gguf *gguf,
				 const struct config *config,
				 struct arena *memory, struct weights *out);

void weights_close(struct weights *weights);

const struct weights_layer *weights_layer_of(const struct weights *weights,
					     const struct config *config,
					     uint32_t layer, uint32_t track);

#endif
