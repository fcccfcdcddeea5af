/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perplexity: how many tokens a model hesitates between, on a text.
 */
#ifndef MODEL_PERPLEXITY_H
#define MODEL_PERPLEXITY_H

#include "model/options.h"

/* The command: prints, and returns the exit code. */
int perplexity_run(const struct options *options);

#endif
