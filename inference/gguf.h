/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf: the index of a model file, every length in it proven before use.
 *
 *     "GGUF"  u32 version = 3  u64 tensors  u64 values
 *     values   x { string key, u32 type, value }
 *     tensors  x { string name, u32 dimensions, u64 dimension[],
 *                  u32 format, u64 offset }
 *     padding to the alignment, then the data that offsets count from
 *
 *     string = u64 length, bytes      array = u32 type, u64 count, elements
 *
 * All integers are little-endian.  A file is refused, whatever is wrong with
 * it, before anything in it is believed: names are unique, sizes are products
 * that do not overflow, and the data of tensors is aligned, inside the file
 * and shared with no other tensor.
 *
 * The index borrows from the file, which must outlive it: its first index_bytes
 * for all but the data of tensors.
 */
#ifndef INFERENCE_GGUF_H
#define INFERENCE_GGUF_H

#include "base/bytes.h"
#include "inference/matrix.h"

#define GGUF_DIMENSIONS_MAX 4
#define GGUF_FILE_ALIGNMENT 64 /* of the file in memory; maps have more */

enum gguf_type {
	GGUF_U8,
	GGUF_I8,
	GGUF_U16,
	GGUF_I16,
	GGUF_U32,
	GGUF_I32,
	GGUF_F32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_U64,
	GGUF_I64,
	GGUF_F64,
};

/* What a file may hold; beyond it is ERR_TOO_LARGE. */
struct gguf_limits {
	size_t values;
	size_t tensors;
	size_t array_count;  /* elements of one array */
	size_t string_bytes; /* of one string, key or name */
};

/* Those of a model, far above any that is in use: a file that one reader takes
 * every other takes as well. */
extern const struct gguf_limits gguf_model_limits;

struct gguf_array {
	enum gguf_type type;
	size_t count;
	struct bytes elements; /* walk strings with gguf_take_string() */
};

struct gguf_value {
	struct bytes key;
	enum gguf_type type;
	struct bytes raw;	 /* the value, or the bytes of a string */
	struct gguf_array array; /* where type is GGUF_ARRAY */
};

struct gguf_tensor {
	struct bytes name;
	size_t dimension_count;
	/* Innermost first; 1 beyond dimension_count. */
	uint64_t dimensions[GGUF_DIMENSIONS_MAX];
	enum matrix_format format;
	struct bytes data;
};

/* Both tables are sorted by name. */
struct gguf {
	struct gguf_value *values;
	size_t value_count;
	struct gguf_tensor *tensors;
	size_t tensor_count;
	size_t index_bytes; /* of the file, up to the data of its tensors */
};

/*
 * Index a file that starts at a multiple of GGUF_FILE_ALIGNMENT.
 * ERR_MALFORMED or ERR_TRUNCATED where it lies, ERR_TOO_LARGE beyond the
 * limits, ERR_UNSUPPORTED for another version, byte order or weight format.
 * Close with gguf_close().
 */
MUST_CHECK enum err gguf_open(struct bytes file,
			      const struct gguf_limits *limits,
			      struct gguf *out);

void gguf_close(struct gguf *gguf);

/* NULL when the file has none of that name. */
const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *gguf,
					   const char *name);

/*
 * The value of a key, which must be there (else ERR_MALFORMED) and of a
 * fitting type: any integer type whose value fits, a bool for a u32, a float.
 */
MUST_CHECK enum err gguf_u32(const struct gguf *gguf, const char *key,
			     uint32_t *out);
MUST_CHECK enum err gguf_f32(const struct gguf *gguf, const char *key,
			     float *out);
MUST_CHECK enum err gguf_string(const struct gguf *gguf, const char *key,
				struct bytes *out);
MUST_CHECK enum err gguf_array(const struct gguf *gguf, const char *key,
			       enum gguf_type type, struct gguf_array *out);

/* The next string of an array's elements. */
MUST_CHECK enum err gguf_take_string(struct bytes *elements, struct bytes *out);

#endif
