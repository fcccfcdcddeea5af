/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of what must be there, walked by one function that proves it.  All
 * tensors of the file must have been asked for in the end: a bias or a second
 * norm that went unnoticed would make answers subtly wrong.
 */
#include "inference/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/reserve.h"

#define NAME_MAX_BYTES 96
#define FACTOR_MIN 0x1p-4f /* of RoPE wavelengths; files have 1 and more */

/* Finds tensors under a prefix, and counts them. */
struct binder {
	const struct gguf *gguf;
	const struct config *config;
	char prefix[NAME_MAX_BYTES / 2];
	struct arena *memory; /* for all tensors, or NULL: they stay */
	size_t bound;
	uint64_t weights;
};

/* A tensor that the configuration calls for. */
struct expected {
	const char *name; /* after the prefix */
	size_t columns;
	size_t rows;
	size_t stack; /* matrices one below the other; 1 for just one */
	struct matrix *out;
};

/* NULL where the file has no such tensor. */
static const struct gguf_tensor *find(const struct binder *binder,
				      const char *name)
{
	char full[NAME_MAX_BYTES];
	int len = snprintf(full, sizeof(full), "%s%s", binder->prefix, name);

	invariant(len > 0 && (size_t)len < sizeof(full));
	return gguf_find_tensor(binder->gguf, full);
}

/* Dimensions of 1 at the end may be left out, as they are by many writers. */
static bool has_shape(const struct gguf_tensor *tensor,
		      const struct expected *expected)
{
	return tensor->dimensions[0] == expected->columns &&
	       tensor->dimensions[1] == expected->rows &&
	       tensor->dimensions[2] == expected->stack &&
	       tensor->dimensions[3] == 1;
}

/* Whether the kernels take a format as it is. */
static bool is_ready(enum matrix_format format)
{
	return matrix_ready_format(format) == format;
}

/* Bytes of a stack of matrices in another format. */
static enum err stack_bytes(const struct gguf_tensor *tensor,
			    enum matrix_format format, size_t *out)
{
	size_t bytes;

	TRY(matrix_bytes(format, tensor->dimensions[1], tensor->dimensions[0],
			 &bytes));
	for (size_t i = 2; i < GGUF_DIMENSIONS_MAX; i++) {
		if (__builtin_mul_overflow(bytes, tensor->dimensions[i],
					   &bytes))
			return ERR_TOO_LARGE;
	}
	*out = bytes;
	return ERR_OK;
}

size_t weights_memory(const struct gguf *gguf)
{
	size_t total = 0, bytes;
	bool all_ready = true;

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];

		all_ready = all_ready && is_ready(tensor->format);
		if (stack_bytes(tensor, matrix_ready_format(tensor->format),
				&bytes) != ERR_OK ||
		    __builtin_add_overflow(total, reserve_bytes(1, bytes),
					   &total))
			return SIZE_MAX; /* which no arena has */
	}
	return all_ready ? 0 : total;
}

/* Matrix i of a stack, which lie `apart` bytes from each other. */
static struct matrix pick(const struct matrix *stack, size_t i)
{
	struct matrix one = *stack;

	one.data += i * stack->apart;
	return one;
}

/* Lay a stack out anew, as the kernels want it. */
static enum err settle(struct arena *memory, const struct gguf_tensor *tensor,
		       struct matrix *stack)
{
	size_t count = tensor->dimensions[2] * tensor->dimensions[3];
	struct matrix made = *stack;
	struct matrix one;
	uint8_t *place;
	size_t bytes;

	TRY(stack_bytes(tensor, matrix_ready_format(stack->format), &bytes));
	place = arena_alloc(memory, 1, bytes);
	if (place == NULL)
		return ERR_TOO_LARGE;
	made.data = place;
	if (is_ready(stack->format)) {
		memcpy(place, stack->data, bytes);
		*stack = made;
		return ERR_OK;
	}
	for (size_t i = 0; i < count; i++) {
		one = pick(stack, i);
		matrix_pack(&one, place + i * (bytes / count), &made);
	}
	made.data = place;
	*stack = made;
	return ERR_OK;
}

/* Take a tensor for what it has to be.  Its weights are read here, once, so
 * that no request meets a number that is none. */
static enum err bind(struct binder *binder, const struct expected *expected)
{
	const struct gguf_tensor *tensor = find(binder, expected->name);
	struct matrix made;

	if (tensor == NULL || !has_shape(tensor, expected))
		return ERR_MALFORMED;
	made = (struct matrix){ .data = tensor->data.data,
				.rows = expected->rows,
				.columns = expected->columns,
				.apart = tensor->data.len / expected->stack,
				.format = tensor->format };
	TRY(matrix_stride(made.format, made.columns, &made.stride));
	for (size_t i = 0; i < expected->stack; i++) {
		struct matrix one = pick(&made, i);

		if (!matrix_is_sound(&one))
			return ERR_MALFORMED;
	}
	if (binder->memory != NULL)
		TRY(settle(binder->memory, tensor, &made));
	binder->bound++;
	binder->weights += (uint64_t)made.rows * made.columns * expected->stack;
	*expected->out = made;
	return ERR_OK;
}

static enum err bind_all(struct binder *binder, const struct expected *expected,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		TRY(bind(binder, &expected[i]));
	return ERR_OK;
}

/* A vector, which must be plain floats. */
static enum err bind_vector(struct binder *binder, const char *name,
			    size_t count, const float **out)
{
	struct matrix matrix;
	struct expected expected = { name, count, 1, 1, &matrix };

	TRY(bind(binder, &expected));
	if (matrix.format != MATRIX_F32)
		return ERR_UNSUPPORTED;
	*out = (const float *)matrix.data;
	return ERR_OK;
}

/* One norm for every head, or for all heads side by side. */
static enum err bind_head_norms(struct binder *binder, uint32_t layer,
				struct weights_layer *out)
{
	const struct config *config = binder->config;
	size_t query = config->head_width;
	size_t key = config->head_width;

	if (config->head_norm == CONFIG_HEADS_PLAIN)
		return ERR_OK;
	if (config->head_norm == CONFIG_ROWS_NORMALISED_FIRST) {
		query = config_query_width(config);
		key = config_kv_width(config);
	}
	TRY(bind_vector(binder, "attn_q_norm.weight", query, &out->query_norm));
	if (!config_has_keys(config, layer))
		return ERR_OK;
	return bind_vector(binder, "attn_k_norm.weight", key, &out->key_norm);
}

static enum err bind_biases(struct binder *binder, uint32_t layer,
			    struct weights_layer *out)
{
	const struct config *config = binder->config;
	size_t kv = config_kv_width(config);

	if (config->bias == CONFIG_BIAS_NONE)
		return ERR_OK;
	TRY(bind_vector(binder, "attn_q.bias", config_query_width(config),
			&out->query_bias));
	if (!config_has_keys(config, layer))
		return ERR_OK;
	TRY(bind_vector(binder, "attn_k.bias", kv, &out->key_bias));
	return bind_vector(binder, "attn_v.bias", kv, &out->value_bias);
}

/* Queries, keys, values, output, and the norms before and on the heads. */
static enum err bind_attention(struct binder *binder, uint32_t layer,
			       struct weights_layer *out)
{
	const struct config *config = binder->config;
	size_t hidden = config->hidden;
	size_t query = config_query_width(config);
	size_t kv = config_kv_width(config);
	const struct expected expected[] = {
		{ "attn_q.weight", hidden, query, 1, &out->query },
		{ "attn_output.weight", query, hidden, 1, &out->output },
		{ "attn_k.weight", hidden, kv, 1, &out->key },
		{ "attn_v.weight", hidden, kv, 1, &out->value },
	};

	TRY(bind_vector(binder, "attn_norm.weight", hidden,
			&out->attention_norm));
	TRY(bind_all(binder, expected, config_has_keys(config, layer) ? 4 : 2));
	TRY(bind_biases(binder, layer, out));
	return bind_head_norms(binder, layer, out);
}

static enum err bind_dense(struct binder *binder, struct weights_layer *out)
{
	size_t hidden = binder->config->hidden;
	size_t width = binder->config->feed_forward;
	const struct expected expected[] = {
		{ "ffn_gate.weight", hidden, width, 1, &out->gate },
		{ "ffn_up.weight", hidden, width, 1, &out->up },
		{ "ffn_down.weight", width, hidden, 1, &out->down },
	};

	return bind_all(binder, expected, 3);
}

/* All experts of a layer lie in three tensors, expert after expert. */
static enum err bind_sparse(struct binder *binder, struct weights_layer *out)
{
	size_t hidden = binder->config->hidden;
	size_t width = binder->config->expert_width;
	size_t experts = binder->config->experts;
	const struct expected expected[] = {
		{ "ffn_gate_inp.weight", hidden, experts, 1, &out->router },
		{ "ffn_gate_exps.weight", hidden, width, experts, &out->gate },
		{ "ffn_up_exps.weight", hidden, width, experts, &out->up },
		{ "ffn_down_exps.weight", width, hidden, experts, &out->down },
	};

	return bind_all(binder, expected, 4);
}

static void set_prefix(struct binder *binder, uint32_t layer, uint32_t track)
{
	char *out = binder->prefix;
	size_t max = sizeof(binder->prefix);

	if (binder->config->naming == CONFIG_NAMES_TRACKS)
		(void)snprintf(out, max, "blk.%u.trk.%u.", layer, track);
	else
		(void)snprintf(out, max, "blk.%u.", layer);
}

static enum err bind_layer(struct binder *binder, uint32_t layer,
			   uint32_t track, struct weights_layer *out)
{
	const struct config *config = binder->config;

	set_prefix(binder, layer, track);
	TRY(bind_attention(binder, layer, out));
	TRY(bind_vector(binder, "ffn_norm.weight", config->hidden,
			&out->feed_norm));
	if (config_kind_of(config, layer) == CONFIG_SPARSE)
		return bind_sparse(binder, out);
	return bind_dense(binder, out);
}

/* They divide frequencies: one near 0 would make angles beyond all bounds. */
static enum err bind_factors(struct binder *binder, struct weights *out)
{
	size_t pairs = binder->config->head_width / 2;

	if (find(binder, "rope_freqs.weight") == NULL)
		return ERR_OK;
	TRY(bind_vector(binder, "rope_freqs.weight", pairs,
			&out->rope_factors));
	for (size_t i = 0; i < pairs; i++)
		if (out->rope_factors[i] < FACTOR_MIN)
			return ERR_MALFORMED;
	return ERR_OK;
}

/* What the tracks have in common. */
static enum err bind_shared(struct binder *binder, struct weights *out)
{
	const struct config *config = binder->config;
	const struct expected embedding = { "token_embd.weight", config->hidden,
					    config->vocabulary, 1,
					    &out->embedding };
	const struct expected output = { "output.weight", config->hidden,
					 config->vocabulary, 1, &out->output };

	TRY(bind(binder, &embedding));
	TRY(bind_vector(binder, "output_norm.weight", config->hidden,
			&out->output_norm));
	TRY(bind_factors(binder, out));
	if (find(binder, "output.weight") != NULL)
		return bind(binder, &output);
	out->output = out->embedding;
	return ERR_OK;
}

static enum err bind_model(struct binder *binder, struct weights *out)
{
	const struct config *config = binder->config;

	TRY(bind_shared(binder, out));
	for (uint32_t i = 0; i < config->layers * config->tracks; i++)
		TRY(bind_layer(binder, i / config->tracks, i % config->tracks,
			       &out->layers[i]));
	/* A tensor left over would have been part of the computation. */
	if (binder->bound != binder->gguf->tensor_count)
		return ERR_UNSUPPORTED;
	out->count = binder->weights;
	return ERR_OK;
}

enum err weights_open(const struct gguf *gguf, const struct config *config,
		      struct arena *memory, struct weights *out)
{
	struct binder binder = {
		.gguf = gguf,
		.config = config,
		.memory = weights_memory(gguf) == 0 ? NULL : memory,
	};
	size_t layers = (size_t)config->layers * config->tracks;
	struct weights made = {
		.layers = calloc(layers, sizeof(*made.layers)),
	};
	enum err err = ERR_UNAVAILABLE;

	if (made.layers != NULL)
		err = bind_model(&binder, &made);
	if (err != ERR_OK) {
		weights_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void weights_close(struct weights *weights)
{
	free(weights->layers);
	*weights = (struct weights){ 0 };
}

const struct weights_layer *weights_layer_of(const struct weights *weights,
					     const struct config *config,
					     uint32_t layer, uint32_t track)
{
	return &weights->layers[(size_t)layer * config->tracks + track];
}
