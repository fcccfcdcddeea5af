/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what a file of a shape holds: its metadata, and its tensors by name.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/gguf_write.h"
#include "model/shape.h"

#define PLAN_NAME_BYTES 64

enum plan_role {
	PLAN_NORM,   /* about 1, always F32 */
	PLAN_BIAS,   /* about 0, always F32 */
	PLAN_ROUTER, /* always F32: cheap, and what it decides is not smooth */
	PLAN_MATRIX,
};

struct plan_tensor {
	char name[PLAN_NAME_BYTES];
	enum plan_role role;
	uint64_t columns;
	uint64_t rows;
	uint64_t stack; /* matrices one below the other */
};

struct plan {
	struct plan_tensor *tensors;
	size_t count;
	uint64_t weights;
	uint64_t active; /* of them, that one token reads */
};

/* ERR_UNAVAILABLE without memory.  Close with plan_close(). */
MUST_CHECK enum err plan_open(const struct shape *shape, struct plan *out);
void plan_close(struct plan *plan);

/* The keys that say what the tensors are. */
void plan_write_metadata(const struct shape *shape, struct gguf_write *out);

#endif
