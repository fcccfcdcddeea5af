/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepack: a model file with its matrices as the kernels want them.
 *
 * Opening any other file lays its blocks out as panels, in memory of their
 * own; of this one the kernels read what is mapped.  Every weight stays what
 * it was, and so does every answer.  Matrices of floats, and those in panels
 * already, stay as they are.  No other program reads such a file.
 */
#ifndef MODEL_PREPACK_H
#define MODEL_PREPACK_H

#include "model/options.h"
#include "model/source.h"

/* Errors of gguf_write.h; ERR_DENIED where the path is taken. */
MUST_CHECK enum err prepack_source(const struct source *source,
				   const char *path);

/* The command: returns the exit code. */
int prepack_run(const struct options *options);

#endif
