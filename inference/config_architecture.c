/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an architecture leaves unsaid stands in a table, as the configuration
 * that its files start from; what they say is read over it.  A file that asks
 * for what this engine does not compute is refused by name here, never run as
 * if it had not asked.
 */
#include "inference/config_architecture.h"

#include "inference/config_keys.h"
#include "inference/rope.h"

#define EPSILON_DEFAULT 1e-5f
#define ROPE_BASE_DEFAULT 10000.0f

/* Which layers have experts, where the file has no pattern of them. */
enum expertise {
	EXPERTS_NEVER,
	EXPERTS_COUNTED, /* in all layers, if there are any */
	EXPERTS_ALWAYS,
};

struct architecture {
	struct config start;
	enum expertise expertise;
	enum err (*read)(const struct config_keys *keys,
			 const struct architecture *architecture,
			 struct config *config);
};

static const char *const reach_words[] = {
	[CONFIG_GLOBAL] = "global", [CONFIG_LOCAL] = "local", NULL
};
static const char *const kind_words[] = {
	[CONFIG_DENSE] = "dense", [CONFIG_SPARSE] = "sparse", NULL
};
static const char *const combine_words[] = {
	[CONFIG_MEAN] = "mean", [CONFIG_SUM] = "sum", NULL
};
static const char *const stretching_words[] = { [CONFIG_STRETCH_NONE] = "none",
						[CONFIG_STRETCH_LINEAR] =
							"linear",
						[CONFIG_STRETCH_YARN] = "yarn",
						NULL };

static const struct config_keys_choice reaches = { "attention.pattern",
						   reach_words };
static const struct config_keys_choice kinds = { "feed_forward.pattern",
						 kind_words };
static const struct config_keys_choice combines = { "track_combine",
						    combine_words };
static const struct config_keys_choice stretchings = { "rope.scaling.type",
						       stretching_words };

static enum err read_ptmoe(const struct config_keys *keys,
			   const struct architecture *architecture,
			   struct config *config)
{
	uint8_t combine = CONFIG_MEAN;

	(void)architecture;
	TRY(config_keys_u32(keys, "track_count", &config->tracks));
	TRY(config_keys_u32(keys, "track_block_depth", &config->block_depth));
	TRY(config_keys_u32(keys, "attention.key_length", &config->head_width));
	TRY(config_keys_u32(keys, "attention.sliding_window", &config->window));
	TRY(config_keys_pattern(keys, &reaches, &config->reach));
	TRY(config_keys_pattern(keys, &kinds, &config->kind));
	TRY(config_keys_u32_or(keys, "expert_count", &config->experts));
	TRY(config_keys_u32_or(keys, "expert_used_count",
			       &config->experts_used));
	TRY(config_keys_u32_or(keys, "expert_feed_forward_length",
			       &config->expert_width));
	TRY(config_keys_f32_or(keys, "expert_logit_cap", &config->logit_cap));
	TRY(config_keys_word_or(keys, &combines, &combine));
	config->combine = combine;
	if (!config_keys_has(keys, "kv_reuse_from"))
		return ERR_OK;
	TRY(config_keys_u32(keys, "kv_reuse_from", &config->kv_reuse_from));
	/* There is no layer before the first. */
	return config->kv_reuse_from == 0 ? ERR_MALFORMED : ERR_OK;
}

/* Keys that would change what is computed, whatever they say. */
static enum err refuse_foreign(const struct config_keys *keys)
{
	static const char *const foreign[] = {
		"attention.scale",     "attention.clamp_kqv",
		"embedding_scale",     "logit_scale",
		"residual_scale",      "expert_weights_scale",
		"expert_shared_count", "rope.dimension_sections",
		"rope.scaling.alpha",
	};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (config_keys_has(keys, foreign[i]))
			return ERR_UNSUPPORTED;
	return ERR_OK;
}

/* Keys that may only say what this engine does anyway. */
static enum err check_settled(const struct config_keys *keys,
			      const struct config *config)
{
	const struct {
		const char *name;
		uint32_t value;
	} settled[] = {
		{ "attention.value_length", config->head_width },
		{ "rope.dimension_count", config->head_width },
		{ "attention.causal", 1 },
		{ "expert_gating_func", 1 }, /* softmax */
		{ "expert_weights_norm",
		  config->shares == CONFIG_SHARES_OF_ONE },
	};

	for (size_t i = 0; i < sizeof(settled) / sizeof(settled[0]); i++) {
		uint32_t value = settled[i].value;

		TRY(config_keys_u32_or(keys, settled[i].name, &value));
		if (value != settled[i].value)
			return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

/* A window as long as the context is none. */
static enum err refuse_window(const struct config_keys *keys,
			      const struct config *config)
{
	uint32_t window = 0;

	TRY(config_keys_u32_or(keys, "attention.sliding_window", &window));
	return window != 0 && window < config->context ? ERR_UNSUPPORTED
						       : ERR_OK;
}

static enum err read_ordinary_experts(const struct config_keys *keys,
				      const struct architecture *architecture,
				      struct config *config)
{
	TRY(config_keys_u32_or(keys, "expert_count", &config->experts));
	if (architecture->expertise == EXPERTS_NEVER && config->experts != 0)
		return ERR_UNSUPPORTED;
	if (config->experts == 0 && architecture->expertise != EXPERTS_ALWAYS)
		return ERR_OK;
	config->kind.choices[0] = CONFIG_SPARSE;
	config->expert_width = config->feed_forward;
	TRY(config_keys_u32_or(keys, "expert_feed_forward_length",
			       &config->expert_width));
	return config_keys_u32(keys, "expert_used_count",
			       &config->experts_used);
}

/* One track of one block, whose layers are all alike. */
static enum err read_ordinary(const struct config_keys *keys,
			      const struct architecture *architecture,
			      struct config *config)
{
	config->tracks = 1;
	config->block_depth = config->layers;
	config->reach.length = 1;
	config->kind.length = 1;
	if (config->heads != 0 && config->hidden % config->heads == 0)
		config->head_width = config->hidden / config->heads;
	TRY(config_keys_u32_or(keys, "attention.key_length",
			       &config->head_width));
	TRY(refuse_foreign(keys));
	TRY(check_settled(keys, config));
	TRY(refuse_window(keys, config));
	return read_ordinary_experts(keys, architecture, config);
}

/* YaRN as it was published; files may say so, but not ask for another. */
static enum err check_yarn(const struct config_keys *keys)
{
	static const struct {
		const char *name;
		float value;
	} settled[] = {
		{ "rope.scaling.yarn_ext_factor", 1 },
		{ "rope.scaling.yarn_attn_factor", 1 },
		{ "rope.scaling.yarn_beta_fast", ROPE_YARN_FAST },
		{ "rope.scaling.yarn_beta_slow", ROPE_YARN_SLOW },
		{ "rope.scaling.yarn_log_multiplier", 0 },
	};

	for (size_t i = 0; i < sizeof(settled) / sizeof(settled[0]); i++) {
		float value = settled[i].value;

		TRY(config_keys_f32_or(keys, settled[i].name, &value));
		if (value != settled[i].value)
			return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

/* A factor alone means a linear one; its older name is scale_linear. */
static enum err read_stretch(const struct config_keys *keys,
			     struct config *config)
{
	struct config_stretch made = { .kind = CONFIG_STRETCH_LINEAR,
				       .factor = 1,
				       .context = config->context,
				       .gain = 1 };

	TRY(config_keys_word_or(keys, &stretchings, &made.kind));
	TRY(config_keys_f32_or(keys, "rope.scale_linear", &made.factor));
	TRY(config_keys_f32_or(keys, "rope.scaling.factor", &made.factor));
	TRY(config_keys_u32_or(keys, "rope.scaling.original_context_length",
			       &made.context));
	TRY(config_keys_f32_or(keys, "rope.scaling.attn_factor", &made.gain));
	TRY(check_yarn(keys));
	config->stretch = made;
	return ERR_OK;
}

static enum err read_common(const struct config_keys *keys,
			    struct config *config)
{
	TRY(config_keys_u32(keys, "block_count", &config->layers));
	TRY(config_keys_u32(keys, "context_length", &config->context));
	TRY(config_keys_u32(keys, "embedding_length", &config->hidden));
	TRY(config_keys_u32(keys, "feed_forward_length",
			    &config->feed_forward));
	TRY(config_keys_u32(keys, "attention.head_count", &config->heads));
	config->kv_heads = config->heads;
	TRY(config_keys_u32_or(keys, "attention.head_count_kv",
			       &config->kv_heads));
	config->rms_epsilon = EPSILON_DEFAULT;
	TRY(config_keys_f32_or(keys, "attention.layer_norm_rms_epsilon",
			       &config->rms_epsilon));
	config->rope_base = ROPE_BASE_DEFAULT;
	TRY(config_keys_f32_or(keys, "rope.freq_base", &config->rope_base));
	return read_stretch(keys, config);
}

/* What is not named is the first of its kind, which is 0: adjacent pairs,
 * plain heads, no bias, shares of one. */
static const struct architecture known[] = {
	{ .start = { .architecture = "ptmoe",
		     .rotation = CONFIG_ROTATE_LOCAL,
		     .head_norm = CONFIG_HEADS_NORMALISED,
		     .naming = CONFIG_NAMES_TRACKS },
	  .read = read_ptmoe },
	{ .start = { .architecture = "llama" },
	  .expertise = EXPERTS_COUNTED,
	  .read = read_ordinary },
	{ .start = { .architecture = "qwen2",
		     .pairing = CONFIG_PAIRS_HALVES,
		     .bias = CONFIG_BIAS_INPUTS },
	  .expertise = EXPERTS_NEVER,
	  .read = read_ordinary },
	{ .start = { .architecture = "qwen3",
		     .pairing = CONFIG_PAIRS_HALVES,
		     .head_norm = CONFIG_HEADS_NORMALISED_FIRST },
	  .expertise = EXPERTS_NEVER,
	  .read = read_ordinary },
	{ .start = { .architecture = "qwen3moe",
		     .pairing = CONFIG_PAIRS_HALVES,
		     .head_norm = CONFIG_HEADS_NORMALISED_FIRST },
	  .expertise = EXPERTS_ALWAYS,
	  .read = read_ordinary },
	{ .start = { .architecture = "olmoe",
		     .pairing = CONFIG_PAIRS_HALVES,
		     .head_norm = CONFIG_ROWS_NORMALISED_FIRST,
		     .shares = CONFIG_SHARES_PLAIN },
	  .expertise = EXPERTS_ALWAYS,
	  .read = read_ordinary },
};

static enum err find_architecture(const struct gguf *gguf,
				  const struct architecture **out)
{
	struct bytes name;

	TRY(gguf_string(gguf, "general.architecture", &name));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *one = known[i].start.architecture;

		if (bytes_equal(name, bytes_of_string(one))) {
			*out = &known[i];
			return ERR_OK;
		}
	}
	return ERR_UNSUPPORTED;
}

enum err config_architecture_read(const struct gguf *gguf, struct config *out)
{
	const struct architecture *architecture;
	struct config_keys keys = { .gguf = gguf };
	struct config config;

	TRY(find_architecture(gguf, &architecture));
	config = architecture->start;
	keys.architecture = config.architecture;
	TRY(read_common(&keys, &config));
	TRY(architecture->read(&keys, architecture, &config));
	*out = config;
	return ERR_OK;
}
