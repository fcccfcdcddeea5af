/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model file of any bytes is refused, or is what it says: every tensor lies
 * in the file, aligned and apart from the others, every value is found by its
 * name; and where it is a whole model, it answers.
 */
#include <stdlib.h>
#include <string.h>

#include "inference/generate.h"
#include "inference/gguf.h"

#define FILE_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t file[FILE_MAX] __attribute__((aligned(64)));

static void check_tensors(const struct gguf *gguf, struct bytes whole)
{
	const uint8_t *end = whole.data + whole.len;

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		uint64_t weights = 1;

		for (size_t d = 0; d < GGUF_DIMENSIONS_MAX; d++)
			weights *= tensor->dimensions[d];
		invariant(weights > 0 && weights <= tensor->data.len);
		invariant(tensor->data.data > whole.data);
		invariant(tensor->data.data <= end - tensor->data.len);
		invariant((uintptr_t)tensor->data.data % 8 == 0);
		for (size_t j = 0; j < i; j++) {
			struct bytes other = gguf->tensors[j].data;

			invariant(other.data + other.len <= tensor->data.data ||
				  tensor->data.data + tensor->data.len <=
					  other.data);
		}
	}
}

static void check_values(const struct gguf *gguf)
{
	for (size_t i = 0; i < gguf->value_count; i++) {
		const struct gguf_value *value = &gguf->values[i];
		char key[256] = { 0 };

		if (value->key.len >= sizeof(key))
			continue;
		memcpy(key, value->key.data, value->key.len);
		invariant(gguf_find(gguf, key) == value);
	}
}

static void answer(const struct model *model)
{
	const struct generate_options options = { .top_p = 1,
						  .tokens_max = 3,
						  .context_max = 8 };
	size_t bytes = generate_memory(model, 8, 1);
	struct arena arena = { aligned_alloc(64, bytes / 64 * 64 + 64), bytes,
			       0 };
	enum generate_state state = GENERATE_RUNNING;
	struct generation *generation;
	struct bytes text;

	invariant(arena.base != NULL);
	memset(arena.base, 0, bytes);
	if (generate_start_text(model, &arena, BYTES_LITERAL("a b"), &options,
				&generation) == ERR_OK)
		for (int i = 0; i < 8 && state == GENERATE_RUNNING; i++)
			if (generate_step(generation, &text, &state) != ERR_OK)
				break;
	free(arena.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gguf_limits limits = { .values = 256,
						   .tensors = 256,
						   .array_count = 4096,
						   .string_bytes = 4096 };
	static const struct model_limits model_limits = {
		.layers = 16, .width = 256, .vocabulary = 1024, .context = 64
	};
	struct bytes whole = { file, size };
	struct model *model;
	struct gguf gguf;

	if (size > FILE_MAX)
		return -1;
	memcpy(file, data, size);
	if (gguf_open(whole, &limits, &gguf) == ERR_OK) {
		check_tensors(&gguf, whole);
		check_values(&gguf);
		gguf_close(&gguf);
	}
	if (model_open(whole, &model_limits, NULL, &model) == ERR_OK) {
		answer(model);
		model_close(model);
	}
	return 0;
}
