/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model is made once, in the process that all workers are forked from, and
 * is read-only from then on: they share its pages.  This is the one place in
 * inference/ that takes memory from the heap, through the modules it opens.
 */
#include "inference/model.h"

#include <stdlib.h>
#include <string.h>

#include "inference/kernel_amx.h"
#include "inference/product_amx_bf16.h"

#define MERGES_MAX (1u << 22)

/*
 * Kernels want rows by sixteens and columns by 256, so a matrix of one row or
 * 32 columns grows a hundredfold.  Models have few of those, and the narrowest
 * of any use (64 columns) grow to four times; a file that is made of them would
 * have a process reserve what no model of its size is worth.
 */
#define GROWTH_MAX 4
#define GROWTH_FREE ((size_t)64 << 20) /* for models that are small anyway */

static bool is_out_of_proportion(const struct gguf *gguf, size_t bytes)
{
	size_t data = 0;

	/* They lie apart from each other in one file: no sum is beyond it. */
	for (size_t i = 0; i < gguf->tensor_count; i++)
		data += gguf->tensors[i].data.len;
	return bytes > GROWTH_FREE && (bytes - GROWTH_FREE) / GROWTH_MAX > data;
}

/* Room for weights that the kernels want in another order. */
static enum err take_memory(struct model *model)
{
	size_t bytes = weights_memory(&model->gguf);

	if (bytes == 0)
		return ERR_OK;
	if (is_out_of_proportion(&model->gguf, bytes))
		return ERR_TOO_LARGE;
	model->memory.base = model->source.reserve(bytes);
	if (model->memory.base == NULL)
		return ERR_UNAVAILABLE;
	model->memory.size = bytes;
	return ERR_OK;
}

/* Index, shape, weights, vocabulary, form of chats: each from what the one
 * before has proven. */
static enum err read_model(struct bytes file, const struct model_limits *limits,
			   struct model *model)
{
	const struct config_limits config_limits = {
		.layers = limits->layers,
		.width = limits->width,
		.vocabulary = limits->vocabulary,
		.context = limits->context,
	};
	const struct tokenizer_limits tokenizer_limits = {
		.tokens = limits->vocabulary,
		.merges = MERGES_MAX,
	};

	model->file_bytes = file.len;
	TRY(gguf_open(file, &gguf_model_limits, &model->gguf));
	TRY(config_read(&model->gguf, &config_limits, &model->config));
	TRY(take_memory(model));
	TRY(weights_open(&model->gguf, &model->config, &model->memory,
			 &model->weights));
	TRY(tokenizer_open(&model->gguf, &tokenizer_limits, &model->tokenizer));
	/* Tokens without an embedding, or the reverse, are no model. */
	if (model->tokenizer.vocabulary.count != model->config.vocabulary)
		return ERR_MALFORMED;
	TRY(template_open(&model->gguf, &model->tokenizer, &model->template));
	model->kernel = kernel_best();
	return ERR_OK;
}

void model_prepare(void)
{
	(void)kernel_best();
}

const char *model_kernel(size_t i)
{
	const struct kernel *kernel = kernel_at(i);

	return kernel == NULL ? NULL : kernel->name;
}

void model_choose_kernel(struct model *model, size_t i)
{
	invariant(kernel_at(i) != NULL);
	model->kernel = kernel_at(i);
}

enum model_tiles model_kernel_tiles(size_t i)
{
	const struct kernel *kernel = kernel_at(i);

	if (kernel == NULL || kernel != kernel_amx())
		return MODEL_NO_TILES;
	return kernel->product_bf16 == product_amx_bf16
		       ? MODEL_TILES_INT8_AND_BF16
		       : MODEL_TILES_INT8;
}

static void *reserve_heap(size_t bytes)
{
	void *memory = aligned_alloc(ARENA_ALIGNMENT, bytes);

	if (memory != NULL)
		memset(memory, 0, bytes);
	return memory;
}

static void release_heap(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

enum err model_open(struct bytes file, const struct model_limits *limits,
		    const struct model_memory *memory, struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));
	enum err err;

	static const struct model_memory heap = { reserve_heap, release_heap };

	if (model == NULL)
		return ERR_UNAVAILABLE;
	model->source = memory == NULL ? heap : *memory;
	err = read_model(file, limits, model);
	if (err != ERR_OK) {
		model_close(model);
		return err;
	}
	*out = model;
	return ERR_OK;
}

size_t model_file_needed(const struct model *model)
{
	if (model->memory.base == NULL)
		return model->file_bytes;
	return model->gguf.index_bytes;
}

void model_close(struct model *model)
{
	template_close(&model->template);
	tokenizer_close(&model->tokenizer);
	weights_close(&model->weights);
	gguf_close(&model->gguf);
	if (model->memory.base != NULL)
		model->source.release(model->memory.base, model->memory.size);
	free(model);
}

struct model_description model_describe(const struct model *model)
{
	const struct config *config = &model->config;
	struct model_description made = {
		.architecture = config->architecture,
		.chat = model->template.name,
		.kernel = model->kernel->name,
		.context = config->context,
		.vocabulary = config->vocabulary,
		.weights = model->weights.count,
	};

	if (gguf_string(&model->gguf, "general.name", &made.name) != ERR_OK)
		made.name = (struct bytes){ 0 };
	return made;
}

struct work_model model_for_engine(const struct model *model)
{
	return (struct work_model){ &model->config, &model->weights,
				    model->kernel };
}
