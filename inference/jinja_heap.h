/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_heap: what one rendering may use up: memory, work and depth.
 *
 * Memory is a stack: what a statement needed is given back when it is over,
 * unless something of it was kept for later.  Nothing is wiped here: all of it
 * is one piece of the request's arena, and goes with it.
 */
#ifndef INFERENCE_JINJA_HEAP_H
#define INFERENCE_JINJA_HEAP_H

#include "base/bytes.h"

#define JINJA_HEAP_DEPTH_MAX 160 /* statements and expressions, nested */
#define JINJA_HEAP_ALIGNMENT 8

/* Invariant: kept <= used <= size. */
struct jinja_heap {
	uint8_t *base; /* the caller's, aligned to JINJA_HEAP_ALIGNMENT */
	size_t size;
	size_t used;
	size_t kept;
	size_t work; /* steps left */
	size_t depth;
};

/* Memory for count things of that size, not zeroed, never NULL;
 * ERR_TOO_LARGE where there is none left. */
MUST_CHECK enum err jinja_heap_alloc(struct jinja_heap *heap, size_t count,
				     size_t size, void *out);

/* ERR_TOO_LARGE where fewer steps are left. */
MUST_CHECK enum err jinja_heap_work(struct jinja_heap *heap, size_t steps);

/* The work of passing over that many bytes. */
MUST_CHECK enum err jinja_heap_read(struct jinja_heap *heap, size_t bytes);

/* One level deeper; ERR_TOO_LARGE beyond JINJA_HEAP_DEPTH_MAX. */
MUST_CHECK enum err jinja_heap_enter(struct jinja_heap *heap);
void jinja_heap_leave(struct jinja_heap *heap);

/* Give back what was taken since `used` was `mark`, unless it was kept. */
void jinja_heap_release(struct jinja_heap *heap, size_t mark);

/* Keep everything that is in use now. */
void jinja_heap_keep(struct jinja_heap *heap);

#endif
