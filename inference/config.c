/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an architecture's keys said is checked here, together: after this the
 * engine multiplies and divides these numbers without looking.
 */
#include "inference/config.h"

#include "inference/config_architecture.h"
#include "inference/config_keys.h"

#define STRETCH_MAX 65536.0f

/* The embedding says how many tokens there are. */
static enum err read_vocabulary(const struct gguf *gguf, struct config *config)
{
	const struct config_keys keys = { gguf, config->architecture };
	const struct gguf_tensor *embedding =
		gguf_find_tensor(gguf, "token_embd.weight");
	uint32_t claimed;

	if (embedding == NULL || embedding->dimension_count != 2)
		return ERR_MALFORMED;
	if (embedding->dimensions[1] > UINT32_MAX)
		return ERR_TOO_LARGE;
	config->vocabulary = (uint32_t)embedding->dimensions[1];
	claimed = config->vocabulary;
	TRY(config_keys_u32_or(&keys, "vocab_size", &claimed));
	return claimed == config->vocabulary ? ERR_OK : ERR_MALFORMED;
}

static bool has_sparse_layers(const struct config *config)
{
	for (uint32_t l = 0; l < config->layers; l++)
		if (config_kind_of(config, l) == CONFIG_SPARSE)
			return true;
	return false;
}

/* Where no layer has experts there are none, whatever the keys say: memory is
 * reserved by these three. */
static void forget_experts(struct config *config)
{
	config->experts = 0;
	config->experts_used = 0;
	config->expert_width = 0;
}

static enum err check_experts(const struct config *config,
			      const struct config_limits *limits)
{
	if (!has_sparse_layers(config))
		return ERR_OK;
	if (config->experts > limits->width ||
	    config->expert_width > limits->width)
		return ERR_TOO_LARGE;
	if (config->experts == 0 || config->expert_width == 0 ||
	    config->experts_used == 0 ||
	    config->experts_used > config->experts || config->logit_cap < 0)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* Sizes alone, so that what follows can multiply them. */
static enum err check_sizes(const struct config *config,
			    const struct config_limits *limits)
{
	uint64_t layers = (uint64_t)config->layers * config->tracks;
	uint64_t heads = (uint64_t)config->heads * config->head_width;

	if (layers > limits->layers || config->hidden > limits->width ||
	    config->feed_forward > limits->width || heads > limits->width ||
	    config->window > UINT32_MAX / 2 ||
	    config->vocabulary > limits->vocabulary)
		return ERR_TOO_LARGE;
	if (layers == 0 || heads == 0 || config->hidden == 0 ||
	    config->feed_forward == 0 || config->context == 0)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* How the sizes must divide each other. */
static enum err check_shape(const struct config *config)
{
	if (config->block_depth == 0 ||
	    config->layers % config->block_depth != 0)
		return ERR_MALFORMED;
	if (config->kv_heads == 0 || config->heads % config->kv_heads != 0)
		return ERR_MALFORMED;
	if (config->head_width % 2 != 0)
		return ERR_MALFORMED; /* RoPE turns pairs */
	if (config->rms_epsilon < 0 || config->rope_base < 1 ||
	    config->rope_base > 1e15f)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* The layers that reuse keys and values are run apart from the others, by
 * whole blocks, and look as far back as the layer whose keys they use. */
static enum err check_reuse(const struct config *config)
{
	uint32_t from = config->kv_reuse_from;

	if (from == 0)
		return ERR_OK;
	if (from >= config->layers)
		return ERR_MALFORMED;
	if (from % config->block_depth != 0)
		return ERR_UNSUPPORTED;
	for (uint32_t l = from; l < config->layers; l++) {
		if (config_reach_of(config, l) !=
		    config_reach_of(config, from - 1))
			return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

static bool is_within(float value, float least, float most)
{
	return value >= least && value <= most;
}

static enum err check_stretch(const struct config *config)
{
	const struct config_stretch *stretch = &config->stretch;

	if (!is_within(stretch->factor, 1, STRETCH_MAX) ||
	    !is_within(stretch->gain, 1 / STRETCH_MAX, STRETCH_MAX))
		return ERR_MALFORMED;
	if (stretch->kind == CONFIG_STRETCH_NONE && stretch->gain != 1)
		return ERR_UNSUPPORTED;
	if (stretch->kind != CONFIG_STRETCH_YARN)
		return ERR_OK;
	/* Its formula divides by the logarithm of the base, and takes that of
	 * the context. */
	return stretch->context == 0 || config->rope_base < 2 ? ERR_MALFORMED
							      : ERR_OK;
}

enum err config_read(const struct gguf *gguf,
		     const struct config_limits *limits, struct config *out)
{
	struct config config;

	invariant(limits->layers <= CONFIG_LAYERS_MAX &&
		  limits->width <= CONFIG_WIDTH_MAX &&
		  limits->vocabulary <= CONFIG_VOCABULARY_MAX &&
		  limits->context <= CONFIG_CONTEXT_MAX);
	TRY(config_architecture_read(gguf, &config));
	TRY(read_vocabulary(gguf, &config));
	TRY(check_sizes(&config, limits));
	TRY(check_shape(&config));
	TRY(check_experts(&config, limits));
	if (!has_sparse_layers(&config))
		forget_experts(&config);
	TRY(check_reuse(&config));
	TRY(check_stretch(&config));
	if (config.context > limits->context)
		config.context = limits->context;
	*out = config;
	return ERR_OK;
}

static uint8_t choice_of(const struct config_pattern *pattern, uint32_t layer)
{
	return pattern->choices[layer % pattern->length];
}

enum config_reach config_reach_of(const struct config *config, uint32_t layer)
{
	return (enum config_reach)choice_of(&config->reach, layer);
}

enum config_feed_forward config_kind_of(const struct config *config,
					uint32_t layer)
{
	return (enum config_feed_forward)choice_of(&config->kind, layer);
}

bool config_rotates(const struct config *config, uint32_t layer)
{
	return config->rotation == CONFIG_ROTATE_ALL ||
	       config_reach_of(config, layer) == CONFIG_LOCAL;
}

uint32_t config_cache_of(const struct config *config, uint32_t layer)
{
	if (config->kv_reuse_from == 0 || layer < config->kv_reuse_from)
		return layer;
	return config->kv_reuse_from - 1;
}

bool config_has_keys(const struct config *config, uint32_t layer)
{
	return config_cache_of(config, layer) == layer;
}

size_t config_query_width(const struct config *config)
{
	return (size_t)config->heads * config->head_width;
}

size_t config_kv_width(const struct config *config)
{
	return (size_t)config->kv_heads * config->head_width;
}
