/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize: a model file with its matrices in another format.
 *
 * What is not a matrix keeps its format; routers become F32, because what they
 * decide is not smooth; matrices whose columns do not fill blocks of the
 * format become Q8_0 or F16 (panels fill themselves).  The embedding, and the
 * output where it is another matrix, may have a format of their own.  Metadata
 * is copied.
 */
#ifndef MODEL_QUANTIZE_H
#define MODEL_QUANTIZE_H

#include "model/importance.h"
#include "model/options.h"
#include "model/source.h"

struct quantize {
	enum matrix_format format;
	enum matrix_format embedding;  /* and of the output */
	const struct gguf *importance; /* see importance.h; or NULL */
};

/* Errors of gguf_write.h and quantizer.h; ERR_DENIED where the path is taken.
 * ERR_MALFORMED also where the importance is that of another model. */
MUST_CHECK enum err quantize_source(const struct source *source,
				    const struct quantize *quantize,
				    const char *path);

/* The format that a tensor gets. */
enum matrix_format quantize_format_for(const struct quantize *quantize,
				       const struct gguf_tensor *tensor);

/* The command: returns the exit code. */
int quantize_run(const struct options *options);

#endif
