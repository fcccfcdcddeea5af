/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model file of any bytes is refused, or is what it says: every tensor lies
 * in the file, aligned and apart from the others, every value is found by its
 * name; and its shape, vocabulary and chat template are each read or refused.
 * Weights are not looked at: that is fuzz_model, which is a hundred times
 * slower.
 */
#include "inference/config.h"
#include "inference/template.h"
#include "tests/fuzz/fuzz_file.h"

#define FILE_MAX (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tensors(const struct gguf *gguf, struct bytes whole)
{
	const uint8_t *end = whole.data + whole.len;

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct gguf_tensor *tensor = &gguf->tensors[i];
		uint64_t weights = 1;

		for (size_t d = 0; d < GGUF_DIMENSIONS_MAX; d++)
			weights *= tensor->dimensions[d];
		/* No format has less than two bits for a weight. */
		invariant(weights > 0 && weights / 4 <= tensor->data.len);
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

/* What the index leads to, each part by itself, so that a file whose shape is
 * wrong still has its vocabulary read. */
static void check_parts(const struct gguf *gguf)
{
	static const struct config_limits shape = {
		.layers = 16, .width = 256, .vocabulary = 1024, .context = 64
	};
	static const struct tokenizer_limits tokens = { .tokens = 1024,
							.merges = 1024 };
	struct tokenizer tokenizer;
	struct template template;
	struct config config;

	if (config_read(gguf, &shape, &config) == ERR_OK)
		invariant(config.context <= shape.context &&
			  config.layers * config.tracks <= shape.layers);
	if (tokenizer_open(gguf, &tokens, &tokenizer) != ERR_OK)
		return;
	invariant(tokenizer.vocabulary.count <= tokens.tokens);
	if (template_open(gguf, &tokenizer, &template) == ERR_OK)
		template_close(&template);
	tokenizer_close(&tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gguf_limits limits = { .values = 256,
						   .tensors = 256,
						   .array_count = 4096,
						   .string_bytes = 4096 };
	struct bytes file;
	struct gguf gguf;

	if (size > FILE_MAX)
		return -1;
	file = fuzz_file(data, size);
	if (gguf_open(file, &limits, &gguf) == ERR_OK) {
		check_tensors(&gguf, file);
		check_values(&gguf);
		check_parts(&gguf);
		gguf_close(&gguf);
	}
	fuzz_file_free(file);
	return 0;
}
