/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line of pcc-model.
 */
#ifndef MODEL_OPTIONS_H
#define MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inference/activation.h"
#include "inference/matrix.h"
#include "model/shape.h"

enum options_command {
	OPTIONS_INSPECT,
	OPTIONS_CHECK,
	OPTIONS_MAKE_RANDOM,
	OPTIONS_QUANTIZE,
	OPTIONS_PACK,
	OPTIONS_CONVERT,
	OPTIONS_MEASURE,
	OPTIONS_IMPORTANCE,
	OPTIONS_PERPLEXITY,
	OPTIONS_SQNR,
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_HELP,  /* it has been printed */
	OPTIONS_USAGE, /* what is wrong has been said */
};

/* Texts are borrowed from the command line; NULL and 0 where not given. */
struct options {
	enum options_command command;
	const char *files[2];
	bool json;
	bool tensors;
	const struct shape *shape;
	const struct matrix_form *form;
	const struct matrix_form *embedding;
	uint64_t seed;
	const char *output;
	const char *importance;
	uint32_t context;
	uint32_t texts;
	enum activation_form prompts;
};

enum options_verdict options_parse(int count, char **arguments,
				   struct options *out);

#endif
