/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: a folder as training leaves it: config.json, the weights in
 * one or several .safetensors, and a tokenizer (pieces.h).
 */
#ifndef MODEL_CHECKPOINT_H
#define MODEL_CHECKPOINT_H

#include <jansson.h>

#include "model/rope.h"
#include "model/safetensors.h"
#include "model/shape.h"
#include "model/source.h"

#define CHECKPOINT_FILES_MAX 256

struct checkpoint {
	const char *folder; /* borrowed */
	json_t *config;
	struct shape shape;
	struct rope rope;
	struct source files[CHECKPOINT_FILES_MAX];
	struct safetensors tensors[CHECKPOINT_FILES_MAX];
	size_t file_count;
};

/*
 * ERR_UNSUPPORTED for architectures and variants that are not converted,
 * ERR_MALFORMED where config.json is incomplete.  What is wrong has been
 * reported.  Close with checkpoint_close().
 */
MUST_CHECK enum err checkpoint_open(const char *folder, struct checkpoint *out);
void checkpoint_close(struct checkpoint *checkpoint);

/* NULL when no file has it. */
const struct safetensors_tensor *
checkpoint_find(const struct checkpoint *checkpoint, const char *name);

/* A JSON file of the folder, to be given back with json_decref(); NULL where
 * there is none that parses. */
json_t *checkpoint_json(const char *folder, const char *name);

/* The path of a file in a folder; free() it.  NULL without memory. */
char *checkpoint_path(const char *folder, const char *name);

#endif
