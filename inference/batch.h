/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch: rows that go through the model together.
 *
 * A row is one token of one session.  Rows of one session that follow each
 * other are a run; what several sessions have in a batch does not change what
 * any of them gets.
 */
#ifndef INFERENCE_BATCH_H
#define INFERENCE_BATCH_H

#include "inference/session.h"

struct batch_row {
	struct session *session;
	size_t position;
};

/* A few neighbouring rows of one run, which look back together. */
struct batch_stretch {
	size_t first;
	size_t count;
};

/* At most so many, and of a prompt as bf16. */
#define BATCH_STRETCH_ROWS 8
#define BATCH_STRETCH_ROWS_BF16 32

struct batch {
	struct batch_row *rows;
	size_t count;
	float *rotations; /* [count][d/2][2]: cosine, sine of each row */
	struct batch_stretch *stretches;
	size_t stretch_count;
};

#endif
