/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/named.h"

#include <string.h>

/* All layers of the device model rotate and see everything: in the words of
 * its files, they are local ones whose window is the context. */
static const struct {
	const char *name;
	struct config config;
} known[] = {
	{ .name = "afm-device-2025",
	  .config = { .architecture = "ptmoe",
		      .tracks = 1,
		      .layers = 56,
		      .block_depth = 1,
		      .hidden = 2048,
		      .heads = 16,
		      .kv_heads = 2,
		      .head_width = 128,
		      .feed_forward = 6656,
		      .vocabulary = 153600,
		      .context = 65536,
		      .window = 65535,
		      .kv_reuse_from = 35,
		      .rms_epsilon = 1e-5f,
		      .rope_base = 500000,
		      .rotation = CONFIG_ROTATE_LOCAL,
		      .head_norm = CONFIG_HEADS_NORMALISED,
		      .naming = CONFIG_NAMES_TRACKS,
		      .reach = { { CONFIG_LOCAL }, 1 },
		      .kind = { { CONFIG_DENSE }, 1 } } },
	{ .name = "afm-server-2025",
	  .config = { .architecture = "ptmoe",
		      .tracks = 8,
		      .layers = 48,
		      .block_depth = 4,
		      .hidden = 2048,
		      .heads = 4,
		      .kv_heads = 4,
		      .head_width = 128,
		      .feed_forward = 5888,
		      .experts = 40,
		      .experts_used = 2,
		      .expert_width = 2944,
		      .vocabulary = 153600,
		      .context = 65536,
		      .window = 4096,
		      .rms_epsilon = 1e-5f,
		      .rope_base = 500000,
		      .logit_cap = 50,
		      .rotation = CONFIG_ROTATE_LOCAL,
		      .head_norm = CONFIG_HEADS_NORMALISED,
		      .naming = CONFIG_NAMES_TRACKS,
		      .reach = { { CONFIG_LOCAL, CONFIG_LOCAL, CONFIG_LOCAL,
				   CONFIG_GLOBAL },
				 4 },
		      .kind = { { CONFIG_DENSE, CONFIG_SPARSE }, 2 } } },
};

const struct config *named_find(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return &known[i].config;
	return NULL;
}

/* A matrix of all layers: how large, and how many of it a layer has. */
struct part {
	uint64_t rows;
	uint64_t columns;
	uint64_t count;
};

#define PARTS 4

/* Queries and output, keys and values, and a dense feed-forward. */
static void list_parts(const struct config *config, uint32_t layer,
		       struct part out[PARTS])
{
	uint64_t hidden = config->hidden;
	uint64_t query = config_query_width(config);
	uint64_t kv = config_kv_width(config);
	bool keys = config_has_keys(config, layer);
	bool dense = config_kind_of(config, layer) == CONFIG_DENSE;

	out[0] = (struct part){ query, hidden, 1 };
	out[1] = (struct part){ hidden, query, 1 };
	out[2] = (struct part){ kv, hidden, keys ? 2 : 0 };
	out[3] = (struct part){ config->feed_forward, hidden, dense ? 3 : 0 };
}

/* Before both halves of a layer, and of queries and keys. */
static uint64_t norms_of(const struct config *config, uint32_t layer)
{
	bool keys = config_has_keys(config, layer);
	uint64_t norms = 2 * (uint64_t)config->hidden;

	if (config->head_norm == CONFIG_HEADS_PLAIN)
		return norms;
	if (config->head_norm == CONFIG_ROWS_NORMALISED_FIRST)
		return norms + config_query_width(config) +
		       (keys ? config_kv_width(config) : 0);
	return norms + (uint64_t)config->head_width * (keys ? 2 : 1);
}

static uint64_t biases_of(const struct config *config, uint32_t layer)
{
	bool keys = config_has_keys(config, layer);

	if (config->bias == CONFIG_BIAS_NONE)
		return 0;
	return config_query_width(config) +
	       (keys ? 2 * config_kv_width(config) : 0);
}

/* A router, and so many experts. */
static uint64_t experts_of(const struct config *config, uint32_t layer,
			   uint64_t experts)
{
	uint64_t hidden = config->hidden;

	if (config_kind_of(config, layer) == CONFIG_DENSE)
		return 0;
	return hidden * config->experts +
	       3 * hidden * config->expert_width * experts;
}

static uint64_t count_with(const struct config *config, uint64_t experts)
{
	uint64_t track = 0;
	struct part parts[PARTS];

	for (uint32_t l = 0; l < config->layers; l++) {
		list_parts(config, l, parts);
		for (size_t i = 0; i < PARTS; i++)
			track += parts[i].rows * parts[i].columns *
				 parts[i].count;
		track += norms_of(config, l) + biases_of(config, l) +
			 experts_of(config, l, experts);
	}
	return track * config->tracks +
	       ((uint64_t)config->vocabulary + 1) * config->hidden;
}

uint64_t named_parameters(const struct config *config)
{
	return count_with(config, config->experts);
}

uint64_t named_active_parameters(const struct config *config)
{
	return count_with(config, config->experts_used);
}

/* Beside a matrix of R x C stands the product of R x rank and rank x C. */
uint64_t named_adapter_parameters(const struct config *config, uint32_t rank)
{
	uint64_t track = 0;
	struct part parts[PARTS];

	for (uint32_t l = 0; l < config->layers; l++) {
		list_parts(config, l, parts);
		for (size_t i = 0; i < PARTS; i++)
			track += rank * (parts[i].rows + parts[i].columns) *
				 parts[i].count;
	}
	return track * config->tracks;
}
