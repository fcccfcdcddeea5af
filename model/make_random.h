/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_random: files of a named shape, for tests of speed and of loading.
 *
 * Weights are normal with variance 1 / columns, so that what a matrix makes of
 * a normalised input stays about 1.  A tensor's numbers depend on the seed and
 * its name alone, not on the format or its place in the file.
 */
#ifndef MODEL_MAKE_RANDOM_H
#define MODEL_MAKE_RANDOM_H

#include "inference/matrix.h"
#include "model/options.h"
#include "model/shape.h"

struct make_random {
	const struct shape *shape;
	enum matrix_format format; /* of matrices whose columns fill blocks */
	uint64_t seed;
};

/* ERR_DENIED where the path is taken; errors of gguf_write.h. */
MUST_CHECK enum err make_random_file(const struct make_random *make,
				     const char *path);

/* The command: returns the exit code. */
int make_random_run(const struct options *options);

#endif
