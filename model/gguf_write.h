/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gguf_write: model files, written front to back (format: inference/gguf.h).
 *
 *     gguf_write_open(path)       a temporary file beside it
 *     gguf_write_u32(...) ...     the metadata
 *     gguf_write_declare(...)     every tensor, in the order of the data
 *     gguf_write_data(...)        the data, in pieces of any size
 *     gguf_write_commit(...)      on the disk, whole, under its name
 *
 * Nothing is seen under the path before the file is complete and synced, and
 * a file that is there is never replaced.  Only the index is in memory.
 *
 * Tensors begin at multiples of 64 bytes, which a value of every file says.
 *
 * The index grows without telling: memory that ran out is found by declare and
 * commit, which fail then.
 */
#ifndef MODEL_GGUF_WRITE_H
#define MODEL_GGUF_WRITE_H

#include "inference/gguf.h"

struct gguf_write;

#define SCOPED_GGUF_WRITE \
	__attribute__((cleanup(gguf_write_abandon))) struct gguf_write

/* ERR_DENIED where the path is taken, ERR_UNAVAILABLE with errno. */
MUST_CHECK enum err gguf_write_open(const char *path, struct gguf_write **out);

void gguf_write_u32(struct gguf_write *out, const char *key, uint32_t value);
void gguf_write_f32(struct gguf_write *out, const char *key, float value);
void gguf_write_bool(struct gguf_write *out, const char *key, uint8_t value);
void gguf_write_string(struct gguf_write *out, const char *key,
		       struct bytes value);
/* Numbers, as they lie in memory: count of them. */
void gguf_write_array(struct gguf_write *out, const char *key,
		      enum gguf_type type, const void *values, size_t count);
void gguf_write_strings(struct gguf_write *out, const char *key,
			const struct bytes *values, size_t count);

/* A value of another file, as it stands there; its alignment is left out. */
void gguf_write_value(struct gguf_write *out, const struct gguf_value *value);

/* A tensor's name and shape; its `data` is not looked at.  Errors are those of
 * matrix_bytes(), and ERR_UNAVAILABLE. */
MUST_CHECK enum err gguf_write_declare(struct gguf_write *out,
				       const struct gguf_tensor *tensor);

/* The next bytes; where a tensor ends is known.  ERR_TOO_LARGE: more than was
 * declared.  ERR_UNAVAILABLE: the disk. */
MUST_CHECK enum err gguf_write_data(struct gguf_write *out, struct bytes data);

/* Finish and close.  ERR_TRUNCATED when data is missing, ERR_DENIED when the
 * path was taken meanwhile; nothing is left behind then. */
MUST_CHECK enum err gguf_write_commit(struct gguf_write **out);

/* Give up what is not committed; for SCOPED_GGUF_WRITE. */
void gguf_write_abandon(struct gguf_write **out);

#endif
