/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tiny_model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tiny_model_shape tiny_model_shape(void)
{
	return (struct tiny_model_shape){
		.tracks = 2,
		.layers = 4,
		.block_depth = 2,
		.hidden = 32,
		.heads = 4,
		.kv_heads = 2,
		.head_width = 8,
		.feed_forward = 64,
		.experts = 4,
		.experts_used = 2,
		.expert_width = 32,
		.window = 4,
		.context = 128,
		.format = MATRIX_F32,
		.combine = "mean",
		.scale = 1.2f,
	};
}

/* Random numbers that every run repeats, and that a name determines, so that
 * a tensor has the same weights in models of different shapes. */
static uint32_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static float next_float(uint64_t *state)
{
	return (float)next(state) / (float)(1u << 30) - 1.0f;
}

static uint64_t seed_of(const char *name)
{
	uint64_t seed = 1;

	for (; *name != '\0'; name++)
		seed = seed * 1099511628211u + (uint8_t)*name;
	return seed;
}

/* A half of about the value, by cutting off: exact enough to be random. */
static uint16_t half_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	if (fabsf(value) < 0x1p-14f)
		return 0;
	return (uint16_t)((bits >> 16 & 0x8000) |
			  (((bits >> 13) & 0x3ffff) - ((127 - 15) << 10)));
}

static void put(struct writer *out, const void *data, size_t len)
{
	cr_assert_eq(bytes_put(out, (struct bytes){ data, len }), ERR_OK);
}

static void put_weights(struct writer *out, enum matrix_format format,
			size_t count, float scale, uint64_t seed)
{
	for (size_t i = 0; i < count; i++) {
		float value = next_float(&seed) * scale;
		uint16_t half = half_of(value);

		if (format == MATRIX_F32) {
			put(out, &value, sizeof(value));
		} else if (format == MATRIX_F16) {
			put(out, &half, sizeof(half));
		} else {
			int8_t code = (int8_t)(next(&seed) % 255 - 127u);

			half = half_of(scale / 127);
			if (i % BLOCK_SMALL == 0)
				put(out, &half, sizeof(half));
			put(out, &code, 1);
		}
	}
}

struct maker {
	struct gguf_builder *builder;
	const struct tiny_model_shape *shape;
	char prefix[48];
	uint8_t *room;
};

#define ROOM (1u << 20)

/* Matrices of columns x rows x stack, or a norm where rows is 0. */
static void add(struct maker *maker, const char *name, uint32_t columns,
		uint32_t rows, uint32_t stack)
{
	struct writer out = { maker->room, 0, ROOM };
	struct gguf_builder_tensor tensor = { .dimensions = { columns, rows,
							      stack } };
	size_t count = (size_t)columns * rows * stack;
	char full[96];

	(void)snprintf(full, sizeof(full), "%s%s.weight", maker->prefix, name);
	tensor.name = full;
	tensor.format = maker->shape->format;
	tensor.dimension_count = stack > 1 ? 3 : 2;
	if (rows == 0) {
		uint64_t seed = seed_of(full);

		tensor.format = MATRIX_F32;
		tensor.dimension_count = 1;
		for (uint32_t i = 0; i < columns; i++) {
			float value = 1.0f + next_float(&seed) / 2;

			put(&out, &value, sizeof(value));
		}
	} else {
		put_weights(&out, maker->shape->format, count,
			    maker->shape->scale * 1.7f / sqrtf((float)columns),
			    seed_of(full));
	}
	gguf_builder_tensor(maker->builder, &tensor, bytes_written(&out));
}

static void add_feed_forward(struct maker *maker, uint32_t layer)
{
	const struct tiny_model_shape *s = maker->shape;

	if (s->experts == 0 || layer % 2 == 0) {
		add(maker, "ffn_gate", s->hidden, s->feed_forward, 1);
		add(maker, "ffn_up", s->hidden, s->feed_forward, 1);
		add(maker, "ffn_down", s->feed_forward, s->hidden, 1);
		return;
	}
	add(maker, "ffn_gate_inp", s->hidden, s->experts, 1);
	add(maker, "ffn_gate_exps", s->hidden, s->expert_width, s->experts);
	add(maker, "ffn_up_exps", s->hidden, s->expert_width, s->experts);
	add(maker, "ffn_down_exps", s->expert_width, s->hidden, s->experts);
}

static void add_layer(struct maker *maker, uint32_t layer)
{
	const struct tiny_model_shape *s = maker->shape;
	uint32_t query = s->heads * s->head_width;
	uint32_t kv = s->kv_heads * s->head_width;

	add(maker, "attn_norm", s->hidden, 0, 1);
	add(maker, "attn_q", s->hidden, query, 1);
	add(maker, "attn_k", s->hidden, kv, 1);
	add(maker, "attn_v", s->hidden, kv, 1);
	add(maker, "attn_output", query, s->hidden, 1);
	add(maker, "ffn_norm", s->hidden, 0, 1);
	if (s->tracks > 0) {
		add(maker, "attn_q_norm", s->head_width, 0, 1);
		add(maker, "attn_k_norm", s->head_width, 0, 1);
	}
	add_feed_forward(maker, layer);
}

void tiny_model_add_tensors(struct gguf_builder *builder,
			    const struct tiny_model_shape *shape)
{
	struct maker maker = { .builder = builder,
			       .shape = shape,
			       .room = malloc(ROOM) };

	cr_assert_not_null(maker.room);
	add(&maker, "token_embd", shape->hidden, TINY_MODEL_VOCABULARY, 1);
	add(&maker, "output_norm", shape->hidden, 0, 1);
	for (uint32_t l = 0; l < shape->layers; l++) {
		(void)snprintf(maker.prefix, sizeof(maker.prefix), "blk.%u.",
			       l);
		if (shape->tracks == 0)
			add_layer(&maker, l);
		for (uint32_t t = 0; t < shape->tracks; t++) {
			(void)snprintf(maker.prefix, sizeof(maker.prefix),
				       "blk.%u.trk.%u.", l, t);
			add_layer(&maker, l);
		}
	}
	free(maker.room);
}

static void add_tracks(struct gguf_builder *builder,
		       const struct tiny_model_shape *s)
{
	static const char *const reach[] = { "local", "local", "local",
					     "global" };
	static const char *const kinds[] = { "dense", "sparse" };

	gguf_builder_u32(builder, "ptmoe.track_count", s->tracks);
	gguf_builder_u32(builder, "ptmoe.track_block_depth", s->block_depth);
	gguf_builder_u32(builder, "ptmoe.attention.key_length", s->head_width);
	gguf_builder_u32(builder, "ptmoe.attention.sliding_window", s->window);
	gguf_builder_strings(builder, "ptmoe.attention.pattern", reach, 4);
	gguf_builder_strings(builder, "ptmoe.feed_forward.pattern", kinds,
			     s->experts == 0 ? 1 : 2);
	gguf_builder_u32(builder, "ptmoe.expert_count", s->experts);
	gguf_builder_u32(builder, "ptmoe.expert_used_count", s->experts_used);
	gguf_builder_u32(builder, "ptmoe.expert_feed_forward_length",
			 s->expert_width);
	gguf_builder_f32(builder, "ptmoe.expert_logit_cap", 50.0f);
	gguf_builder_string(builder, "ptmoe.track_combine", s->combine);
}

static void add_u32(struct gguf_builder *builder, const char *architecture,
		    const char *name, uint32_t value)
{
	char key[96];

	(void)snprintf(key, sizeof(key), "%s.%s", architecture, name);
	gguf_builder_u32(builder, key, value);
}

void tiny_model_add_shape(struct gguf_builder *builder,
			  const struct tiny_model_shape *shape)
{
	const char *name = shape->tracks > 0 ? "ptmoe" : "llama";

	gguf_builder_string(builder, "general.architecture", name);
	gguf_builder_string(builder, "general.name", "tiny");
	add_u32(builder, name, "block_count", shape->layers);
	add_u32(builder, name, "context_length", shape->context);
	add_u32(builder, name, "embedding_length", shape->hidden);
	add_u32(builder, name, "feed_forward_length", shape->feed_forward);
	add_u32(builder, name, "attention.head_count", shape->heads);
	add_u32(builder, name, "attention.head_count_kv", shape->kv_heads);
	if (shape->tracks > 0)
		add_tracks(builder, shape);
	if (shape->chat_template != NULL)
		gguf_builder_string(builder, "tokenizer.chat_template",
				    shape->chat_template);
}

void tiny_model_add_vocabulary(struct gguf_builder *builder)
{
	static char texts[TINY_MODEL_VOCABULARY][16];
	static const char *const merged[] = { "he",	     "ll",
					      "hell",	     "hello",
					      "\u2581hello", "<call>",
					      "{\"name\":\"" };
	const char *tokens[TINY_MODEL_VOCABULARY] = { "<unk>", "<s>", "</s>" };
	int32_t kinds[TINY_MODEL_VOCABULARY] = { 2, 3, 3 };
	float scores[TINY_MODEL_VOCABULARY] = { 0 };

	for (int i = 3; i < TINY_MODEL_VOCABULARY; i++) {
		tokens[i] = texts[i];
		kinds[i] = i < TINY_MODEL_SPACE ? 6 : 1;
		scores[i] = (float)(TINY_MODEL_HE - 1 - i);
	}
	for (int i = 0; i < 256; i++)
		(void)snprintf(texts[TINY_MODEL_BYTE + i], 16, "<0x%02X>", i);
	tokens[TINY_MODEL_SPACE] = "\u2581";
	for (int i = 0; i < 26; i++)
		texts[TINY_MODEL_LETTER + i][0] = (char)('a' + i);
	for (int i = 0; i < 7; i++)
		tokens[TINY_MODEL_HE + i] = merged[i];
	kinds[TINY_MODEL_CALL] = 3;
	kinds[TINY_MODEL_NAME] = 4;

	gguf_builder_string(builder, "tokenizer.ggml.model", "llama");
	gguf_builder_strings(builder, "tokenizer.ggml.tokens", tokens,
			     TINY_MODEL_VOCABULARY);
	gguf_builder_f32s(builder, "tokenizer.ggml.scores", scores,
			  TINY_MODEL_VOCABULARY);
	gguf_builder_i32s(builder, "tokenizer.ggml.token_type", kinds,
			  TINY_MODEL_VOCABULARY);
	gguf_builder_u32(builder, "tokenizer.ggml.bos_token_id",
			 TINY_MODEL_BOS);
	gguf_builder_u32(builder, "tokenizer.ggml.eos_token_id",
			 TINY_MODEL_EOS);
	gguf_builder_u32(builder, "tokenizer.ggml.unknown_token_id",
			 TINY_MODEL_UNKNOWN);
}

struct bytes tiny_model_build(const struct tiny_model_shape *shape)
{
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_shape(&builder, shape);
	tiny_model_add_vocabulary(&builder);
	tiny_model_add_tensors(&builder, shape);
	return gguf_builder_finish(&builder);
}
