/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: a model file that is read, mapped and indexed.
 */
#ifndef MODEL_SOURCE_H
#define MODEL_SOURCE_H

#include "inference/gguf.h"

struct source {
	const char *path; /* borrowed */
	struct bytes file;
	struct gguf gguf;
};

#define SCOPED_SOURCE __attribute__((cleanup(source_close))) struct source

/* Map a file; ERR_UNAVAILABLE with errno, ERR_TRUNCATED where it is empty.
 * source_close() unmaps it. */
MUST_CHECK enum err source_map(const char *path, struct source *out);

/* Map it and read its index; errors of gguf_open() as well. */
MUST_CHECK enum err source_open(const char *path, struct source *out);

void source_close(struct source *source);

/* The index alone, of what is mapped. */
MUST_CHECK enum err source_index(struct source *source);

/* How many matrices are stacked in a tensor, and which is number i of them. */
size_t source_stack(const struct gguf_tensor *tensor);
struct matrix source_matrix_at(const struct gguf_tensor *tensor, size_t i);

/* All of them as one, row below row; rows that fill up panels count, too. */
struct matrix source_matrix(const struct gguf_tensor *tensor);

/* How many weights there are. */
uint64_t source_weights(const struct gguf_tensor *tensor);

/* A tensor's name as a C string, for people; cut where it is long. */
struct source_name {
	char text[96];
};
struct source_name source_name_of(struct bytes name);

#endif
