/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_choices: the ways in which models differ, beside their sizes.
 *
 * Architectures differ in these choices alone: no code asks for their names.
 */
#ifndef INFERENCE_CONFIG_CHOICES_H
#define INFERENCE_CONFIG_CHOICES_H

#include <stddef.h>
#include <stdint.h>

#define CONFIG_PATTERN_MAX 64

/* What a layer attends to. */
enum config_reach {
	CONFIG_GLOBAL, /* every token so far */
	CONFIG_LOCAL,  /* the last `window` tokens, and the token itself */
};

enum config_feed_forward {
	CONFIG_DENSE,
	CONFIG_SPARSE, /* a mixture of experts */
};

/* How the tracks' states become one at the end of a block. */
enum config_combine {
	CONFIG_MEAN,
	CONFIG_SUM,
};

/* Which layers turn queries and keys by their position (RoPE). */
enum config_rotation {
	CONFIG_ROTATE_ALL,
	CONFIG_ROTATE_LOCAL,
};

/* Which elements of a head [d] turn together. */
enum config_pairing {
	CONFIG_PAIRS_ADJACENT, /* 2i and 2i + 1 */
	CONFIG_PAIRS_HALVES,   /* i and i + d/2 */
};

/* How queries and keys are normalised. */
enum config_head_norm {
	CONFIG_HEADS_PLAIN,	       /* not at all */
	CONFIG_HEADS_NORMALISED,       /* head by head, after RoPE */
	CONFIG_HEADS_NORMALISED_FIRST, /* head by head, before RoPE */
	CONFIG_ROWS_NORMALISED_FIRST,  /* all heads as one, before RoPE */
};

enum config_bias {
	CONFIG_BIAS_NONE,
	CONFIG_BIAS_INPUTS, /* of queries, keys and values */
};

/* What the chosen experts weigh. */
enum config_shares {
	CONFIG_SHARES_OF_ONE, /* their probabilities over their sum */
	CONFIG_SHARES_PLAIN,  /* their probabilities */
};

/* RoPE made slower, for texts longer than the model was first made for. */
enum config_stretching {
	CONFIG_STRETCH_NONE,
	CONFIG_STRETCH_LINEAR, /* all wavelengths by one factor */
	CONFIG_STRETCH_YARN,   /* the long ones alone, and the gain raised */
};

struct config_stretch {
	uint8_t kind;	  /* of enum config_stretching */
	float factor;	  /* at least 1 */
	uint32_t context; /* tokens that the model was first made for */
	float gain;	  /* of queries and of keys, beside YaRN's own */
};

/* How the file names the tensors of a layer. */
enum config_naming {
	CONFIG_NAMES_LAYERS, /* blk.{layer}. */
	CONFIG_NAMES_TRACKS, /* blk.{layer}.trk.{track}. */
};

/* Layer l has choice l modulo the length, which is not 0. */
struct config_pattern {
	uint8_t choices[CONFIG_PATTERN_MAX];
	size_t length;
};

#endif
