/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the shape of a model, from the metadata of its file.
 *
 * Every architecture is told as a parallel-track one: an ordinary transformer
 * is one track, whose layers are one block.
 */
#ifndef INFERENCE_CONFIG_H
#define INFERENCE_CONFIG_H

#include "inference/config_choices.h"
#include "inference/gguf.h"

struct config {
	const char *architecture; /* as files name it; a constant */
	uint32_t tracks;
	uint32_t layers;      /* of each track */
	uint32_t block_depth; /* layers between two meetings of the tracks */
	uint32_t hidden;
	uint32_t heads;
	uint32_t kv_heads;
	uint32_t head_width;
	uint32_t feed_forward; /* width of a dense one */
	uint32_t experts;
	uint32_t experts_used;
	uint32_t expert_width;
	uint32_t vocabulary;
	uint32_t context; /* tokens that the model was made for */
	uint32_t window;
	uint32_t kv_reuse_from; /* layers from here on attend to the keys and
				 * values of the one before; 0 for none */
	float rms_epsilon;
	float rope_base;
	float logit_cap; /* of the router; 0 for none */
	enum config_combine combine;
	enum config_rotation rotation;
	enum config_pairing pairing;
	enum config_head_norm head_norm;
	enum config_bias bias;
	enum config_shares shares;
	enum config_naming naming;
	struct config_stretch stretch;
	struct config_pattern reach; /* of enum config_reach */
	struct config_pattern kind;  /* of enum config_feed_forward */
};

/* No product that the engine forms of numbers within these overflows. */
#define CONFIG_LAYERS_MAX (1u << 13)
#define CONFIG_WIDTH_MAX (1u << 18)
#define CONFIG_VOCABULARY_MAX (1u << 22)
#define CONFIG_CONTEXT_MAX (1u << 22)

/* The most that a file may ask for; beyond it is ERR_TOO_LARGE. */
struct config_limits {
	uint32_t layers; /* of all tracks together */
	uint32_t width;	 /* of any vector but logits; also of experts */
	uint32_t vocabulary;
	uint32_t context; /* cut to this, not refused */
};

/*
 * Read the metadata of a file (config_architecture.h lists whose).
 * ERR_UNSUPPORTED for variants that this engine does not compute,
 * ERR_MALFORMED where the numbers do not fit each other.
 */
MUST_CHECK enum err config_read(const struct gguf *gguf,
				const struct config_limits *limits,
				struct config *out);

enum config_reach config_reach_of(const struct config *config, uint32_t layer);
enum config_feed_forward config_kind_of(const struct config *config,
					uint32_t layer);
/* Whether a layer rotates queries and keys. */
bool config_rotates(const struct config *config, uint32_t layer);

/* The layer whose keys and values a layer attends to: itself, where it has
 * some of its own, or the last one before kv_reuse_from. */
uint32_t config_cache_of(const struct config *config, uint32_t layer);
bool config_has_keys(const struct config *config, uint32_t layer);

/* Width of all heads, and of all key-value heads, side by side. */
size_t config_query_width(const struct config *config);
size_t config_kv_width(const struct config *config);

#endif
