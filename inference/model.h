/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: everything that is read from a model file once, and never changes.
 * Its public side is in generate.h.
 */
#ifndef INFERENCE_MODEL_H
#define INFERENCE_MODEL_H

#include "inference/generate.h"
#include "inference/session.h"
#include "inference/template.h"
#include "inference/tokenizer.h"

/* Borrows from the file. */
struct model {
	struct gguf gguf;
	struct config config;
	struct weights weights;
	struct tokenizer tokenizer;
	struct template template;
	const struct kernel *kernel;
};

/* What a session needs of it. */
struct session_model model_for_session(const struct model *model);

#endif
