/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert: a checkpoint (checkpoint.h) into a model file.
 *
 * Matrices become F32, F16 or BF16, norms and biases F32.  Rows of the queries
 * and keys of llama change places, because there files of either kind turn
 * other pairs of numbers by their position:
 *
 *     checkpoint   number i of a head with number i + d/2
 *     model file   number 2i with number 2i + 1
 */
#ifndef MODEL_CONVERT_H
#define MODEL_CONVERT_H

#include "model/checkpoint.h"
#include "model/options.h"

/* What is wrong has been reported. */
MUST_CHECK enum err convert_checkpoint(const struct checkpoint *checkpoint,
				       enum matrix_format format,
				       const char *path);

/* The command: returns the exit code. */
int convert_run(const struct options *options);

#endif
