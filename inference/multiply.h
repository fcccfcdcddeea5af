/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multiply: rows times a matrix, whatever the format of its weights.
 *
 * Matrices of floats take rows as floats, panels take them as activations; an
 * input has both, or the one that its matrices need.
 */
#ifndef INFERENCE_MULTIPLY_H
#define INFERENCE_MULTIPLY_H

#include "inference/kernel.h"
#include "inference/team.h"

struct multiply_input {
	const float *values; /* [rows][columns] */
	struct activation *activation;
	size_t rows;
};

struct multiply_output {
	float *values; /* [rows][stride] */
	size_t stride; /* floats */
};

/*
 * The outputs of one member of a team, of so many: whole panels, or as many
 * floats.  Which outputs these are is multiply_share().
 */
void multiply(const struct kernel *kernel, const struct matrix *matrix,
	      const struct multiply_input *in, struct team_share share,
	      struct multiply_output out);

/* A member's outputs of a matrix: a multiple of 16, but at its end. */
struct team_share multiply_share(const struct matrix *matrix, size_t member,
				 size_t members);

#endif
