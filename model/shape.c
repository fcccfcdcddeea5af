/* SPDX-License-Identifier: Apache-2.0 */
#include "model/shape.h"

#include <string.h>

/* All in a file of 256 columns and more, so that every format applies. */
#define TINY                                                      \
	.hidden = 256, .layers = 2, .heads = 4, .head_width = 64, \
	.feed_forward = 512, .vocabulary = 512, .context = 512,   \
	.rope_base = 10000, .epsilon = 1e-5f

#define TINY_EXPERTS .experts = 4, .experts_used = 2, .expert_width = 256

#define QWEN3                                                           \
	.architecture = "qwen3", .vocabulary = 32000, .context = 32768, \
	.rope_base = 1e6f, .epsilon = 1e-6f, .head_norm = SHAPE_HEADS_EACH

#define QWEN3_MOE                                                          \
	.architecture = "qwen3moe", .vocabulary = 32000, .context = 32768, \
	.rope_base = 1e6f, .epsilon = 1e-6f, .head_norm = SHAPE_HEADS_EACH

#define PTMOE                                                               \
	.architecture = "ptmoe", .vocabulary = 32000, .context = 32768,     \
	.rope_base = 5e5f, .epsilon = 1e-5f, .head_norm = SHAPE_HEADS_EACH, \
	.window = 4096, .block_depth = 4

static const struct shape shapes[] = {
	/* What a fuzzer can change; one matrix has blocks of 256. */
	{ .name = "least-llama",
	  .architecture = "llama",
	  .hidden = 32,
	  .layers = 1,
	  .heads = 2,
	  .kv_heads = 1,
	  .head_width = 16,
	  .feed_forward = 256,
	  .vocabulary = 360,
	  .context = 64,
	  .rope_base = 10000,
	  .epsilon = 1e-5f },

	{ .name = "tiny-llama", .architecture = "llama", TINY, .kv_heads = 2 },
	{ .name = "tiny-mixtral",
	  .architecture = "llama",
	  TINY,
	  .kv_heads = 2,
	  TINY_EXPERTS,
	  .output = SHAPE_UNTIED },
	{ .name = "tiny-qwen2",
	  .architecture = "qwen2",
	  TINY,
	  .kv_heads = 2,
	  .bias = SHAPE_BIAS },
	{ .name = "tiny-qwen3",
	  .architecture = "qwen3",
	  TINY,
	  .kv_heads = 2,
	  .head_norm = SHAPE_HEADS_EACH },
	{ .name = "tiny-qwen3moe",
	  .architecture = "qwen3moe",
	  TINY,
	  .kv_heads = 2,
	  TINY_EXPERTS,
	  .head_norm = SHAPE_HEADS_EACH,
	  .output = SHAPE_UNTIED },
	{ .name = "tiny-olmoe",
	  .architecture = "olmoe",
	  TINY,
	  .kv_heads = 4,
	  TINY_EXPERTS,
	  .head_norm = SHAPE_HEADS_TOGETHER,
	  .output = SHAPE_UNTIED },
	{ .name = "tiny-ptmoe",
	  .architecture = "ptmoe",
	  TINY,
	  .kv_heads = 2,
	  TINY_EXPERTS,
	  .tracks = 2,
	  .block_depth = 2,
	  .window = 16,
	  .head_norm = SHAPE_HEADS_EACH },

	{ .name = "qwen3-100m",
	  QWEN3,
	  .hidden = 768,
	  .layers = 12,
	  .heads = 12,
	  .kv_heads = 4,
	  .head_width = 64,
	  .feed_forward = 2048 },
	{ .name = "qwen3-0.6b",
	  QWEN3,
	  .hidden = 1024,
	  .layers = 28,
	  .heads = 16,
	  .kv_heads = 8,
	  .head_width = 128,
	  .feed_forward = 3072 },
	{ .name = "qwen3-1.5b",
	  QWEN3,
	  .hidden = 2048,
	  .layers = 28,
	  .heads = 16,
	  .kv_heads = 8,
	  .head_width = 128,
	  .feed_forward = 6144 },

	{ .name = "moe-1b",
	  QWEN3_MOE,
	  .hidden = 1536,
	  .layers = 11,
	  .heads = 8,
	  .kv_heads = 2,
	  .head_width = 64,
	  .feed_forward = 4096,
	  .experts = 40,
	  .experts_used = 8,
	  .expert_width = 512 },
	{ .name = "moe-7b",
	  QWEN3_MOE,
	  .hidden = 2048,
	  .layers = 16,
	  .heads = 16,
	  .kv_heads = 16,
	  .head_width = 128,
	  .feed_forward = 8192,
	  .experts = 64,
	  .experts_used = 8,
	  .expert_width = 1024,
	  .output = SHAPE_UNTIED },

	/* A token reads what one of qwen3-100m does, and the routers. */
	{ .name = "ptmoe-100m",
	  PTMOE,
	  .tracks = 4,
	  .hidden = 768,
	  .layers = 12,
	  .heads = 3,
	  .kv_heads = 1,
	  .head_width = 64,
	  .feed_forward = 512,
	  .experts = 8,
	  .experts_used = 2,
	  .expert_width = 256 },
	/* The same for qwen3-0.6b, cut into one, two and four tracks. */
	{ .name = "ptmoe-0.6b-t1",
	  PTMOE,
	  .tracks = 1,
	  .hidden = 1024,
	  .layers = 28,
	  .heads = 16,
	  .kv_heads = 8,
	  .head_width = 128,
	  .feed_forward = 3072,
	  .experts = 8,
	  .experts_used = 2,
	  .expert_width = 1536 },
	{ .name = "ptmoe-0.6b-t2",
	  PTMOE,
	  .tracks = 2,
	  .hidden = 1024,
	  .layers = 28,
	  .heads = 8,
	  .kv_heads = 4,
	  .head_width = 128,
	  .feed_forward = 1536,
	  .experts = 8,
	  .experts_used = 2,
	  .expert_width = 768 },
	/* Experts of 384 would not fill blocks of 256. */
	{ .name = "ptmoe-0.6b-t4",
	  PTMOE,
	  .tracks = 4,
	  .hidden = 1024,
	  .layers = 28,
	  .heads = 4,
	  .kv_heads = 2,
	  .head_width = 128,
	  .feed_forward = 768,
	  .experts = 12,
	  .experts_used = 3,
	  .expert_width = 256 },
	{ .name = "ptmoe-1.5b",
	  PTMOE,
	  .tracks = 4,
	  .hidden = 2048,
	  .layers = 28,
	  .heads = 4,
	  .kv_heads = 2,
	  .head_width = 128,
	  .feed_forward = 1536,
	  .experts = 8,
	  .experts_used = 2,
	  .expert_width = 768 },
};

const struct shape *shape_at(size_t i)
{
	return i < sizeof(shapes) / sizeof(shapes[0]) ? &shapes[i] : NULL;
}

const struct shape *shape_named(const char *name)
{
	for (size_t i = 0; shape_at(i) != NULL; i++)
		if (strcmp(shape_at(i)->name, name) == 0)
			return shape_at(i);
	return NULL;
}
