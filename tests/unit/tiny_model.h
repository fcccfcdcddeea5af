/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny_model: whole model files with random weights, to test with.
 *
 * The vocabulary is SentencePiece's: <unk> <s> </s>, 256 byte tokens, a
 * space, the letters a to z, a few merges of them, and two special tokens.
 */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "tests/unit/gguf_builder.h"

#define TINY_MODEL_UNKNOWN 0
#define TINY_MODEL_BOS 1
#define TINY_MODEL_EOS 2
#define TINY_MODEL_BYTE 3 /* the first of 256 */
#define TINY_MODEL_SPACE 259
#define TINY_MODEL_LETTER 260 /* a; the first of 26 */
#define TINY_MODEL_HE 286
#define TINY_MODEL_LL 287
#define TINY_MODEL_HELL 288
#define TINY_MODEL_HELLO 289
#define TINY_MODEL_SPACE_HELLO 290
#define TINY_MODEL_CALL 291 /* "<call>", a control token */
#define TINY_MODEL_NAME 292 /* {"name":" , user-defined */
#define TINY_MODEL_VOCABULARY 293

#define TINY_MODEL_HOME_TEMPLATE \
	"{{ bos_token }}{{ messages[-1]['content'] | trim | lower }}<call>"

struct tiny_model_shape {
	uint32_t tracks; /* 0: an ordinary llama */
	uint32_t layers;
	uint32_t block_depth;
	uint32_t hidden;
	uint32_t heads;
	uint32_t kv_heads;
	uint32_t head_width;
	uint32_t feed_forward;
	uint32_t experts; /* 0: every layer is dense */
	uint32_t experts_used;
	uint32_t expert_width;
	uint32_t window;
	uint32_t context;
	enum matrix_format format; /* of matrices */
	const char *combine;
	const char *chat_template; /* or NULL */
	float scale;		   /* of weights, beside 1 / sqrt(columns) */
};

/* Two tracks of four layers, experts in every second; a window of 4. */
struct tiny_model_shape tiny_model_shape(void);

/* The metadata of the vocabulary above. */
void tiny_model_add_vocabulary(struct gguf_builder *builder);

/* The metadata of a shape, and its tensors. */
void tiny_model_add_shape(struct gguf_builder *builder,
			  const struct tiny_model_shape *shape);
void tiny_model_add_tensors(struct gguf_builder *builder,
			    const struct tiny_model_shape *shape);

/* All of it as a file; free with model_files_free(). */
struct bytes tiny_model_build(const struct tiny_model_shape *shape);

#endif
