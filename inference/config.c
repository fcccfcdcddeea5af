/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys are read first, each with its default, then checked together.  A file
 * that asks for what this engine does not compute is refused by name here,
 * never run as if it had not asked.
 */
#include "inference/config.h"

#include <math.h>
#include <stdio.h>

#define EPSILON_DEFAULT 1e-5f
#define ROPE_BASE_DEFAULT 10000.0f

/* Reads keys of one architecture: "{architecture}.{name}". */
struct keys {
	const struct gguf *gguf;
	const char *architecture;
};

struct key {
	char text[96];
};

/* By value: keys are short, and nothing has to be freed. */
static struct key key_of(const struct keys *keys, const char *name)
{
	struct key key;
	int len = snprintf(key.text, sizeof(key.text), "%s.%s",
			   keys->architecture, name);

	invariant(len > 0 && (size_t)len < sizeof(key.text));
	return key;
}

static bool has(const struct keys *keys, const char *name)
{
	return gguf_find(keys->gguf, key_of(keys, name).text) != NULL;
}

static enum err read_u32(const struct keys *keys, const char *name,
			 uint32_t *out)
{
	return gguf_u32(keys->gguf, key_of(keys, name).text, out);
}

/* Keeps *out, the default, where the file has no such key. */
static enum err read_u32_or(const struct keys *keys, const char *name,
			    uint32_t *out)
{
	return has(keys, name) ? read_u32(keys, name, out) : ERR_OK;
}

static enum err read_f32_or(const struct keys *keys, const char *name,
			    float *out)
{
	if (!has(keys, name))
		return ERR_OK;
	return gguf_f32(keys->gguf, key_of(keys, name).text, out);
}

/* An array of two words, each layer's choice: which of the two, in turn. */
struct choice {
	const char *name;
	const char *words[2];
};

/* A word that is neither is a kind of layer that this engine lacks. */
static enum err read_pattern(const struct keys *keys,
			     const struct choice *choice,
			     struct config_pattern *out)
{
	struct gguf_array array;
	struct bytes rest, word;

	TRY(gguf_array(keys->gguf, key_of(keys, choice->name).text, GGUF_STRING,
		       &array));
	if (array.count == 0)
		return ERR_MALFORMED;
	if (array.count > CONFIG_PATTERN_MAX)
		return ERR_TOO_LARGE;
	rest = array.elements;
	for (size_t i = 0; i < array.count; i++) {
		TRY(gguf_take_string(&rest, &word));
		if (bytes_equal(word, bytes_of_string(choice->words[0])))
			out->choices[i] = 0;
		else if (bytes_equal(word, bytes_of_string(choice->words[1])))
			out->choices[i] = 1;
		else
			return ERR_UNSUPPORTED;
	}
	out->length = array.count;
	return ERR_OK;
}

static const struct choice reaches = {
	.name = "attention.pattern",
	.words = { [CONFIG_GLOBAL] = "global", [CONFIG_LOCAL] = "local" },
};

static const struct choice kinds = {
	.name = "feed_forward.pattern",
	.words = { [CONFIG_DENSE] = "dense", [CONFIG_SPARSE] = "sparse" },
};

static enum err read_combine(const struct keys *keys, struct config *config)
{
	struct bytes word;

	if (!has(keys, "track_combine"))
		return ERR_OK;
	TRY(gguf_string(keys->gguf, key_of(keys, "track_combine").text, &word));
	if (bytes_equal(word, BYTES_LITERAL("sum")))
		config->combine = CONFIG_SUM;
	else if (!bytes_equal(word, BYTES_LITERAL("mean")))
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

static enum err read_experts(const struct keys *keys, struct config *config)
{
	TRY(read_pattern(keys, &kinds, &config->kind));
	TRY(read_u32_or(keys, "expert_count", &config->experts));
	TRY(read_u32_or(keys, "expert_used_count", &config->experts_used));
	TRY(read_u32_or(keys, "expert_feed_forward_length",
			&config->expert_width));
	return read_f32_or(keys, "expert_logit_cap", &config->logit_cap);
}

/* design: RoPE on local layers only, heads normalised after it. */
static enum err read_ptmoe(const struct keys *keys, struct config *config)
{
	if (has(keys, "kv_reuse_from"))
		return ERR_UNSUPPORTED;
	config->rotation = CONFIG_ROTATE_LOCAL;
	config->head_norm = CONFIG_HEADS_NORMALISED;
	config->naming = CONFIG_NAMES_TRACKS;
	TRY(read_u32(keys, "track_count", &config->tracks));
	TRY(read_u32(keys, "track_block_depth", &config->block_depth));
	TRY(read_u32(keys, "attention.key_length", &config->head_width));
	TRY(read_u32(keys, "attention.sliding_window", &config->window));
	TRY(read_pattern(keys, &reaches, &config->reach));
	TRY(read_experts(keys, config));
	return read_combine(keys, config);
}

/* RoPE that is stretched for longer texts would be computed wrongly here. */
static enum err refuse_scaling(const struct keys *keys)
{
	struct bytes type;

	if (has(keys, "rope.scale_linear"))
		return ERR_UNSUPPORTED;
	if (!has(keys, "rope.scaling.type"))
		return ERR_OK;
	TRY(gguf_string(keys->gguf, key_of(keys, "rope.scaling.type").text,
			&type));
	return bytes_equal(type, BYTES_LITERAL("none")) ? ERR_OK
							: ERR_UNSUPPORTED;
}

/* One track of one block, global layers that all rotate, plain heads. */
static enum err read_llama(const struct keys *keys, struct config *config)
{
	uint32_t experts = 0;
	uint32_t rotated;

	TRY(read_u32_or(keys, "expert_count", &experts));
	if (experts != 0)
		return ERR_UNSUPPORTED;
	TRY(refuse_scaling(keys));
	config->tracks = 1;
	config->block_depth = config->layers;
	config->reach.length = 1;
	config->kind.length = 1;
	if (config->heads == 0 || config->hidden % config->heads != 0)
		return ERR_MALFORMED;
	config->head_width = config->hidden / config->heads;
	TRY(read_u32_or(keys, "attention.key_length", &config->head_width));
	rotated = config->head_width;
	TRY(read_u32_or(keys, "rope.dimension_count", &rotated));
	return rotated == config->head_width ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err read_common(const struct keys *keys, struct config *config)
{
	TRY(read_u32(keys, "block_count", &config->layers));
	TRY(read_u32(keys, "context_length", &config->context));
	TRY(read_u32(keys, "embedding_length", &config->hidden));
	TRY(read_u32(keys, "feed_forward_length", &config->feed_forward));
	TRY(read_u32(keys, "attention.head_count", &config->heads));
	config->kv_heads = config->heads;
	TRY(read_u32_or(keys, "attention.head_count_kv", &config->kv_heads));
	config->rms_epsilon = EPSILON_DEFAULT;
	TRY(read_f32_or(keys, "attention.layer_norm_rms_epsilon",
			&config->rms_epsilon));
	config->rope_base = ROPE_BASE_DEFAULT;
	return read_f32_or(keys, "rope.freq_base", &config->rope_base);
}

/* The embedding says how many tokens there are. */
static enum err read_vocabulary(const struct keys *keys, struct config *config)
{
	const struct gguf_tensor *embedding =
		gguf_find_tensor(keys->gguf, "token_embd.weight");
	uint32_t claimed;

	if (embedding == NULL || embedding->dimension_count != 2)
		return ERR_MALFORMED;
	if (embedding->dimensions[1] > UINT32_MAX)
		return ERR_TOO_LARGE;
	config->vocabulary = (uint32_t)embedding->dimensions[1];
	claimed = config->vocabulary;
	TRY(read_u32_or(keys, "vocab_size", &claimed));
	return claimed == config->vocabulary ? ERR_OK : ERR_MALFORMED;
}

static bool has_sparse_layers(const struct config *config)
{
	for (uint32_t l = 0; l < config->layers; l++)
		if (config_kind_of(config, l) == CONFIG_SPARSE)
			return true;
	return false;
}

/* The keys of experts count only where a layer has them. */
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

struct architecture {
	const char *name;
	enum err (*read)(const struct keys *keys, struct config *config);
};

static enum err find_architecture(const struct gguf *gguf,
				  const struct architecture **out)
{
	static const struct architecture known[] = {
		{ "ptmoe", read_ptmoe },
		{ "llama", read_llama },
	};
	struct bytes name;

	TRY(gguf_string(gguf, "general.architecture", &name));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (bytes_equal(name, bytes_of_string(known[i].name))) {
			*out = &known[i];
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

enum err config_read(const struct gguf *gguf,
		     const struct config_limits *limits, struct config *out)
{
	const struct architecture *architecture;
	struct config config = { 0 };
	struct keys keys;

	invariant(limits->layers <= CONFIG_LAYERS_MAX &&
		  limits->width <= CONFIG_WIDTH_MAX &&
		  limits->vocabulary <= CONFIG_VOCABULARY_MAX &&
		  limits->context <= CONFIG_CONTEXT_MAX);
	TRY(find_architecture(gguf, &architecture));
	keys = (struct keys){ gguf, architecture->name };
	TRY(read_common(&keys, &config));
	TRY(architecture->read(&keys, &config));
	TRY(read_vocabulary(&keys, &config));
	TRY(check_sizes(&config, limits));
	TRY(check_shape(&config));
	TRY(check_experts(&config, limits));
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

size_t config_query_width(const struct config *config)
{
	return (size_t)config->heads * config->head_width;
}

size_t config_kv_width(const struct config *config)
{
	return (size_t)config->kv_heads * config->head_width;
}

size_t config_inner_width(const struct config *config)
{
	return config->feed_forward > config->expert_width
		       ? config->feed_forward
		       : config->expert_width;
}
