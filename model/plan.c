/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tensors outside layers, and the most that a layer of a track has. */
#define SHARED_MAX 3
#define LAYER_MAX 16

struct planner {
	const struct shape *shape;
	struct plan *plan;
	char prefix[32];
};

/* columns x rows, `stack` times; the name stands between prefix and suffix. */
struct wanted {
	const char *name;
	enum plan_role role;
	uint64_t columns;
	uint64_t rows;
};

static struct plan_tensor *add(struct planner *planner, struct wanted wanted)
{
	struct plan *plan = planner->plan;
	struct plan_tensor *tensor = &plan->tensors[plan->count++];
	int len = snprintf(tensor->name, sizeof(tensor->name), "%s%s.%s",
			   planner->prefix, wanted.name,
			   wanted.role == PLAN_BIAS ? "bias" : "weight");

	invariant(len > 0 && (size_t)len < sizeof(tensor->name));
	tensor->role = wanted.role;
	tensor->columns = wanted.columns;
	tensor->rows = wanted.rows;
	tensor->stack = 1;
	plan->weights += wanted.columns * wanted.rows;
	plan->active += wanted.columns * wanted.rows;
	return tensor;
}

/* All experts; a token reads some of them. */
static void add_experts(struct planner *planner, struct wanted wanted)
{
	const struct shape *shape = planner->shape;
	uint64_t one = wanted.columns * wanted.rows;

	add(planner, wanted)->stack = shape->experts;
	planner->plan->weights += one * (shape->experts - 1);
	planner->plan->active += one * (shape->experts_used - 1);
}

static void add_head_norms(struct planner *planner)
{
	const struct shape *shape = planner->shape;
	uint64_t width = shape->head_width;
	int each = shape->head_norm == SHAPE_HEADS_EACH;

	if (shape->head_norm == SHAPE_HEADS_PLAIN)
		return;
	add(planner, (struct wanted){ "attn_q_norm", PLAN_NORM,
				      each ? width : width * shape->heads, 1 });
	add(planner,
	    (struct wanted){ "attn_k_norm", PLAN_NORM,
			     each ? width : width * shape->kv_heads, 1 });
}

static void add_attention(struct planner *planner)
{
	const struct shape *shape = planner->shape;
	uint64_t hidden = shape->hidden;
	uint64_t query = (uint64_t)shape->heads * shape->head_width;
	uint64_t kv = (uint64_t)shape->kv_heads * shape->head_width;
	const struct wanted matrices[] = {
		{ "attn_norm", PLAN_NORM, hidden, 1 },
		{ "attn_q", PLAN_MATRIX, hidden, query },
		{ "attn_k", PLAN_MATRIX, hidden, kv },
		{ "attn_v", PLAN_MATRIX, hidden, kv },
		{ "attn_output", PLAN_MATRIX, query, hidden },
	};
	const struct wanted biases[] = {
		{ "attn_q", PLAN_BIAS, query, 1 },
		{ "attn_k", PLAN_BIAS, kv, 1 },
		{ "attn_v", PLAN_BIAS, kv, 1 },
	};

	for (size_t i = 0; i < 5; i++)
		add(planner, matrices[i]);
	for (size_t i = 0; i < 3 && shape->bias == SHAPE_BIAS; i++)
		add(planner, biases[i]);
	add_head_norms(planner);
}

/* Of ptmoe every second layer is sparse, of other models all or none. */
static int is_sparse(const struct shape *shape, uint32_t layer)
{
	return shape->experts != 0 && (shape->tracks == 0 || layer % 2 == 1);
}

static void add_feed_forward(struct planner *planner, uint32_t layer)
{
	const struct shape *shape = planner->shape;
	uint64_t hidden = shape->hidden;
	uint64_t dense = shape->feed_forward, width = shape->expert_width;
	const struct wanted whole[] = {
		{ "ffn_gate", PLAN_MATRIX, hidden, dense },
		{ "ffn_up", PLAN_MATRIX, hidden, dense },
		{ "ffn_down", PLAN_MATRIX, dense, hidden },
	};
	const struct wanted experts[] = {
		{ "ffn_gate_exps", PLAN_MATRIX, hidden, width },
		{ "ffn_up_exps", PLAN_MATRIX, hidden, width },
		{ "ffn_down_exps", PLAN_MATRIX, width, hidden },
	};

	add(planner, (struct wanted){ "ffn_norm", PLAN_NORM, hidden, 1 });
	if (is_sparse(shape, layer))
		add(planner, (struct wanted){ "ffn_gate_inp", PLAN_ROUTER,
					      hidden, shape->experts });
	for (size_t i = 0; i < 3; i++) {
		if (is_sparse(shape, layer))
			add_experts(planner, experts[i]);
		else
			add(planner, whole[i]);
	}
}

static void add_layers(struct planner *planner)
{
	const struct shape *shape = planner->shape;
	uint32_t tracks = shape->tracks == 0 ? 1 : shape->tracks;
	size_t max = sizeof(planner->prefix);

	for (uint32_t i = 0; i < shape->layers * tracks; i++) {
		uint32_t layer = i / tracks;

		if (shape->tracks == 0)
			(void)snprintf(planner->prefix, max, "blk.%u.", layer);
		else
			(void)snprintf(planner->prefix, max, "blk.%u.trk.%u.",
				       layer, i % tracks);
		add_attention(planner);
		add_feed_forward(planner, layer);
	}
}

enum err plan_open(const struct shape *shape, struct plan *out)
{
	uint32_t tracks = shape->tracks == 0 ? 1 : shape->tracks;
	size_t most = SHARED_MAX + (size_t)shape->layers * tracks * LAYER_MAX;
	struct plan plan = { .tensors = calloc(most, sizeof(*plan.tensors)) };
	struct planner planner = { shape, &plan, "" };
	uint64_t embedding = (uint64_t)shape->vocabulary * shape->hidden;

	if (plan.tensors == NULL)
		return ERR_UNAVAILABLE;
	add(&planner, (struct wanted){ "token_embd", PLAN_MATRIX, shape->hidden,
				       shape->vocabulary });
	add(&planner,
	    (struct wanted){ "output_norm", PLAN_NORM, shape->hidden, 1 });
	if (shape->output == SHAPE_UNTIED) {
		add(&planner,
		    (struct wanted){ "output", PLAN_MATRIX, shape->hidden,
				     shape->vocabulary });
		plan.active -= embedding; /* one row of it */
	}
	add_layers(&planner);
	invariant(plan.count <= most);
	*out = plan;
	return ERR_OK;
}

void plan_close(struct plan *plan)
{
	free(plan->tensors);
	*plan = (struct plan){ 0 };
}

struct number {
	const char *name; /* after the architecture and a dot */
	uint32_t value;
};

static void write_numbers(const char *architecture,
			  const struct number *numbers, size_t count,
			  struct gguf_write *out)
{
	char key[96];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(key, sizeof(key), "%s.%s", architecture,
			       numbers[i].name);
		gguf_write_u32(out, key, numbers[i].value);
	}
}

/* Names of enum-like choices, each layer's in turn. */
static void write_pattern(const char *key, const char *const *words,
			  size_t count, struct gguf_write *out)
{
	struct bytes list[4];

	for (size_t i = 0; i < count; i++)
		list[i] = bytes_of_string(words[i]);
	gguf_write_strings(out, key, list, count);
}

static void write_tracks(const struct shape *shape, struct gguf_write *out)
{
	static const char *const reach[] = { "local", "local", "local",
					     "global" };
	static const char *const kind[] = { "dense", "sparse" };
	const struct number numbers[] = {
		{ "vocab_size", shape->vocabulary },
		{ "track_count", shape->tracks },
		{ "track_block_depth", shape->block_depth },
		{ "attention.sliding_window", shape->window },
	};

	write_numbers("ptmoe", numbers, 4, out);
	write_pattern("ptmoe.attention.pattern", reach, 4, out);
	write_pattern("ptmoe.feed_forward.pattern", kind, 2, out);
	gguf_write_f32(out, "ptmoe.expert_logit_cap", 50);
	gguf_write_string(out, "ptmoe.track_combine", BYTES_LITERAL("mean"));
}

/* Where every layer is sparse and no key tells the experts' width apart, the
 * width of feed-forwards is theirs. */
static uint32_t feed_forward_of(const struct shape *shape)
{
	int own_key = shape->tracks != 0 ||
		      strcmp(shape->architecture, "qwen3moe") == 0;

	return shape->experts != 0 && !own_key ? shape->expert_width
					       : shape->feed_forward;
}

void plan_write_metadata(const struct shape *shape, struct gguf_write *out)
{
	const char *architecture = shape->architecture;
	const struct number numbers[] = {
		{ "block_count", shape->layers },
		{ "context_length", shape->context },
		{ "embedding_length", shape->hidden },
		{ "feed_forward_length", feed_forward_of(shape) },
		{ "attention.head_count", shape->heads },
		{ "attention.head_count_kv", shape->kv_heads },
		{ "attention.key_length", shape->head_width },
		{ "attention.value_length", shape->head_width },
		{ "rope.dimension_count", shape->head_width },
		{ "expert_count", shape->experts },
		{ "expert_used_count", shape->experts_used },
		{ "expert_feed_forward_length", shape->expert_width },
	};
	char key[96];

	gguf_write_string(out, "general.architecture",
			  bytes_of_string(architecture));
	gguf_write_string(out, "general.name", bytes_of_string(shape->name));
	write_numbers(architecture, numbers, shape->experts == 0 ? 9 : 12, out);
	(void)snprintf(key, sizeof(key), "%s.rope.freq_base", architecture);
	gguf_write_f32(out, key, shape->rope_base);
	(void)snprintf(key, sizeof(key), "%s.attention.layer_norm_rms_epsilon",
		       architecture);
	gguf_write_f32(out, key, shape->epsilon);
	if (shape->tracks != 0)
		write_tracks(shape, out);
}
