/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf_builder: GGUF files to test with, honest ones and others.
 *
 * Values and tensors are written as they are told, so a test can also tell
 * lies: a name twice, a wrong count, an offset outside the file.
 */
#ifndef TESTS_GGUF_BUILDER_H
#define TESTS_GGUF_BUILDER_H

#include "base/bytes.h"
#include "inference/gguf.h"

struct gguf_builder {
	struct writer values;
	struct writer tensors;
	struct writer data;
	uint64_t value_count;
	uint64_t tensor_count;
	uint32_t version; /* 3 */
	size_t alignment; /* 32, of data in the file */
};

/* What a tensor is said to be. */
struct gguf_builder_tensor {
	const char *name;
	uint32_t dimension_count;
	uint64_t dimensions[GGUF_DIMENSIONS_MAX + 1];
	uint32_t format;
};

struct gguf_builder gguf_builder_start(void);

void gguf_builder_u32(struct gguf_builder *builder, const char *key,
		      uint32_t value);
void gguf_builder_f32(struct gguf_builder *builder, const char *key,
		      float value);
void gguf_builder_bool(struct gguf_builder *builder, const char *key,
		       uint8_t value);
void gguf_builder_string(struct gguf_builder *builder, const char *key,
			 const char *value);
void gguf_builder_strings(struct gguf_builder *builder, const char *key,
			  const char *const *values, size_t count);
void gguf_builder_i32s(struct gguf_builder *builder, const char *key,
		       const int32_t *values, size_t count);
void gguf_builder_f32s(struct gguf_builder *builder, const char *key,
		       const float *values, size_t count);

/* Any type number and any bytes as its value. */
void gguf_builder_value(struct gguf_builder *builder, const char *key,
			uint32_t type, struct bytes value);

/* A tensor whose data is appended, padded before it to the alignment. */
void gguf_builder_tensor(struct gguf_builder *builder,
			 const struct gguf_builder_tensor *tensor,
			 struct bytes data);

/* A tensor that says where its data is. */
void gguf_builder_tensor_at(struct gguf_builder *builder,
			    const struct gguf_builder_tensor *tensor,
			    uint64_t offset);

/* The file, in memory of its own at a multiple of 64; the builder is spent. */
struct bytes gguf_builder_finish(struct gguf_builder *builder);

#endif
