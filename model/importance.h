/* SPDX-License-Identifier: Apache-2.0 */
/*
 * importance: how much each column of each matrix matters, on a text.
 *
 * A column's importance is the root of the mean square of the activation that
 * it is multiplied by, divided by its mean over all columns.  The file is GGUF:
 *
 *     general.type = "importance", general.architecture = the model's
 *     for each matrix that was used: a tensor of its name, F32,
 *         [columns, stack], a row for each matrix of a stack (experts)
 *
 * Matrices that no token reached have rows of ones.
 */
#ifndef MODEL_IMPORTANCE_H
#define MODEL_IMPORTANCE_H

#include "model/options.h"
#include "model/source.h"

/* Borrowed: rows of `columns` each; NULL where all columns count alike. */
struct importance {
	const float *rows;
	size_t columns;
};

/* That of a tensor, none where the file has none.  ERR_MALFORMED where its
 * shape is another, or where a number is negative or none. */
MUST_CHECK enum err importance_find(const struct gguf *file,
				    const struct gguf_tensor *tensor,
				    struct importance *out);

/* Of matrix `number` of a stack. */
const float *importance_row(const struct importance *importance, size_t number);

/* The command: returns the exit code. */
int importance_run(const struct options *options);

#endif
