/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/gguf_builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/model_files.h"

#define ROOM (4u << 20)

static struct writer empty(void)
{
	struct writer made = { malloc(ROOM), 0, ROOM };

	cr_assert_not_null(made.data);
	return made;
}

struct gguf_builder gguf_builder_start(void)
{
	return (struct gguf_builder){ .values = empty(),
				      .tensors = empty(),
				      .data = empty(),
				      .version = 3,
				      .alignment = 32 };
}

static void put(struct writer *out, const void *data, size_t len)
{
	cr_assert_eq(bytes_put(out, (struct bytes){ data, len }), ERR_OK);
}

static void put_u32(struct writer *out, uint32_t value)
{
	put(out, &value, sizeof(value));
}

static void put_u64(struct writer *out, uint64_t value)
{
	put(out, &value, sizeof(value));
}

static void put_string(struct writer *out, const char *text)
{
	put_u64(out, strlen(text));
	put(out, text, strlen(text));
}

static struct writer *put_key(struct gguf_builder *builder, const char *key,
			      uint32_t type)
{
	put_string(&builder->values, key);
	put_u32(&builder->values, type);
	builder->value_count++;
	return &builder->values;
}

void gguf_builder_u32(struct gguf_builder *builder, const char *key,
		      uint32_t value)
{
	put_u32(put_key(builder, key, GGUF_U32), value);
}

void gguf_builder_f32(struct gguf_builder *builder, const char *key,
		      float value)
{
	put(put_key(builder, key, GGUF_F32), &value, sizeof(value));
}

void gguf_builder_bool(struct gguf_builder *builder, const char *key,
		       uint8_t value)
{
	put(put_key(builder, key, GGUF_BOOL), &value, 1);
}

void gguf_builder_string(struct gguf_builder *builder, const char *key,
			 const char *value)
{
	put_string(put_key(builder, key, GGUF_STRING), value);
}

static struct writer *put_array(struct gguf_builder *builder, const char *key,
				uint32_t type, size_t count)
{
	struct writer *out = put_key(builder, key, GGUF_ARRAY);

	put_u32(out, type);
	put_u64(out, count);
	return out;
}

void gguf_builder_strings(struct gguf_builder *builder, const char *key,
			  const char *const *values, size_t count)
{
	struct writer *out = put_array(builder, key, GGUF_STRING, count);

	for (size_t i = 0; i < count; i++)
		put_string(out, values[i]);
}

void gguf_builder_i32s(struct gguf_builder *builder, const char *key,
		       const int32_t *values, size_t count)
{
	put(put_array(builder, key, GGUF_I32, count), values,
	    count * sizeof(*values));
}

void gguf_builder_f32s(struct gguf_builder *builder, const char *key,
		       const float *values, size_t count)
{
	put(put_array(builder, key, GGUF_F32, count), values,
	    count * sizeof(*values));
}

void gguf_builder_value(struct gguf_builder *builder, const char *key,
			uint32_t type, struct bytes value)
{
	put(put_key(builder, key, type), value.data, value.len);
}

static void pad(struct writer *out, size_t alignment)
{
	static const uint8_t zero = 0;

	while (out->len % alignment != 0)
		put(out, &zero, 1);
}

void gguf_builder_tensor(struct gguf_builder *builder,
			 const struct gguf_builder_tensor *tensor,
			 struct bytes data)
{
	pad(&builder->data, builder->alignment);
	gguf_builder_tensor_at(builder, tensor, builder->data.len);
	put(&builder->data, data.data, data.len);
}

void gguf_builder_tensor_at(struct gguf_builder *builder,
			    const struct gguf_builder_tensor *tensor,
			    uint64_t offset)
{
	struct writer *out = &builder->tensors;

	put_string(out, tensor->name);
	put_u32(out, tensor->dimension_count);
	for (size_t i = 0; i < tensor->dimension_count; i++)
		put_u64(out, tensor->dimensions[i]);
	put_u32(out, tensor->format);
	put_u64(out, offset);
	builder->tensor_count++;
}

struct bytes gguf_builder_finish(struct gguf_builder *builder)
{
	struct writer file = empty();
	struct bytes made;

	put(&file, "GGUF", 4);
	put_u32(&file, builder->version);
	put_u64(&file, builder->tensor_count);
	put_u64(&file, builder->value_count);
	put(&file, builder->values.data, builder->values.len);
	put(&file, builder->tensors.data, builder->tensors.len);
	pad(&file, builder->alignment);
	put(&file, builder->data.data, builder->data.len);
	made = (struct bytes){ model_files_copy(bytes_written(&file), 0),
			       file.len };
	free(file.data);
	free(builder->values.data);
	free(builder->tensors.data);
	free(builder->data.data);
	*builder = (struct gguf_builder){ 0 };
	return made;
}
