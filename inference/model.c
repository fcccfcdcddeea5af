/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model is made once, in the process that all workers are forked from, and
 * is read-only from then on: they share its pages.  This is the one place in
 * inference/ that takes memory from the heap, through the modules it opens.
 */
#include "inference/model.h"

#include <stdlib.h>

/* Bounds on the index of a file, far above any that is in use. */
static const struct gguf_limits index_limits = {
	.values = 1u << 12,
	.tensors = 1u << 18,
	.array_count = 1u << 22,
	.string_bytes = 1u << 20,
};

#define MERGES_MAX (1u << 22)

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

	TRY(gguf_open(file, &index_limits, &model->gguf));
	TRY(config_read(&model->gguf, &config_limits, &model->config));
	TRY(weights_open(&model->gguf, &model->config, &model->weights));
	TRY(tokenizer_open(&model->gguf, &tokenizer_limits, &model->tokenizer));
	/* Tokens without an embedding, or the reverse, are no model. */
	if (model->tokenizer.vocabulary.count != model->config.vocabulary)
		return ERR_MALFORMED;
	TRY(template_open(&model->gguf, &model->tokenizer, &model->template));
	model->kernel = kernel_best();
	return ERR_OK;
}

enum err model_open(struct bytes file, const struct model_limits *limits,
		    struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));
	enum err err;

	if (model == NULL)
		return ERR_UNAVAILABLE;
	err = read_model(file, limits, model);
	if (err != ERR_OK) {
		model_close(model);
		return err;
	}
	*out = model;
	return ERR_OK;
}

void model_close(struct model *model)
{
	template_close(&model->template);
	tokenizer_close(&model->tokenizer);
	weights_close(&model->weights);
	gguf_close(&model->gguf);
	free(model);
}

struct model_description model_describe(const struct model *model)
{
	const struct config *config = &model->config;
	struct model_description made = {
		.architecture = config->naming == CONFIG_NAMES_TRACKS ? "ptmoe"
								      : "llama",
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

struct session_model model_for_session(const struct model *model)
{
	return (struct session_model){ &model->config, &model->weights,
				       model->kernel };
}
