/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: everything that is read from a model file once, and never changes.
 * Its public side is in generate.h.
 */
#ifndef INFERENCE_MODEL_H
#define INFERENCE_MODEL_H

#include "inference/engine.h"
#include "inference/generate.h"
#include "inference/template.h"
#include "inference/tokenizer.h"

/* Borrows from the file: see model_file_needed(). */
struct model {
	struct model_memory source;
	struct arena memory; /* weights, where they were laid out anew */
	size_t file_bytes;
	struct gguf gguf;
	struct config config;
	struct weights weights;
	struct tokenizer tokenizer;
	struct template template;
	const struct kernel *kernel;
};

/* What an engine needs of it. */
struct work_model model_for_engine(const struct model *model);

#endif
