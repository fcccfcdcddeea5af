/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: weights on their way into a model file.
 *
 * Weights come by the row.  Formats that lay rows side by side (panels) want
 * sixteen of them at once, and each matrix of a stack begins with a panel of
 * its own: so rows are gathered, encoded and written a line at a time.
 */
#ifndef MODEL_LINES_H
#define MODEL_LINES_H

#include "model/gguf_write.h"
#include "model/importance.h"
#include "model/quantizer.h"

/* A tensor: `stack` matrices of rows x columns. */
struct lines {
	struct quantizer quantizer;
	size_t columns;
	size_t rows;
	size_t stack;
	const struct importance *importance; /* or NULL */
	/* Gives a row, [columns]; numbers run on through the stack, and each
	 * is asked for once, in order. */
	void (*read)(void *from, size_t row, float *out);
	void *from;
};

/* Errors of quantizer.h and gguf_write_data(); ERR_UNAVAILABLE also without
 * memory, which is that of one line. */
MUST_CHECK enum err lines_write(const struct lines *lines,
				struct gguf_write *out);

#endif
