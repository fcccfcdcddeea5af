/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors: the index of a file of tensors, every number in it proven.
 *
 *     u64 length of the header, little-endian
 *     header: a JSON object
 *         "name": { "dtype": "BF16", "shape": [rows, columns],
 *                   "data_offsets": [begin, end] }, ...
 *         "__metadata__": strings, not looked at
 *     data, from which offsets count
 *
 * Rows come first in a shape, and a name once; data lies inside the file, has
 * the length of its shape, and is shared with no other tensor.
 */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/bytes.h"
#include "inference/matrix.h"

#define SAFETENSORS_DIMENSIONS_MAX 4
#define SAFETENSORS_HEADER_MAX (64u << 20)

struct safetensors_tensor {
	char *name;
	enum matrix_format format; /* F32, F16 or BF16 */
	size_t dimension_count;
	uint64_t dimensions[SAFETENSORS_DIMENSIONS_MAX]; /* outermost first */
	struct bytes data;				 /* borrowed */
};

/* Sorted by name. */
struct safetensors {
	struct safetensors_tensor *tensors;
	size_t count;
};

/*
 * ERR_MALFORMED or ERR_TRUNCATED where the file lies, ERR_TOO_LARGE for a
 * header beyond SAFETENSORS_HEADER_MAX, ERR_UNSUPPORTED for other number
 * formats or more dimensions.  The file must outlive what is opened; close
 * with safetensors_close().
 */
MUST_CHECK enum err safetensors_open(struct bytes file,
				     struct safetensors *out);
void safetensors_close(struct safetensors *safetensors);

/* NULL when there is none of that name. */
const struct safetensors_tensor *
safetensors_find(const struct safetensors *safetensors, const char *name);

#endif
