/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_heap.h"

#include <string.h>

#define BYTES_PER_STEP 64

enum err jinja_heap_alloc(struct jinja_heap *heap, size_t count, size_t size,
			  void *out)
{
	size_t wanted;
	void *memory = heap->base + heap->used;

	invariant(heap->used <= heap->size);
	if (__builtin_mul_overflow(count, size, &wanted) ||
	    __builtin_add_overflow(wanted, JINJA_HEAP_ALIGNMENT - 1, &wanted))
		return ERR_TOO_LARGE;
	wanted -= wanted % JINJA_HEAP_ALIGNMENT;
	if (wanted > heap->size - heap->used)
		return ERR_TOO_LARGE;
	heap->used += wanted;
	memcpy(out, &memory, sizeof(memory));
	return ERR_OK;
}

enum err jinja_heap_work(struct jinja_heap *heap, size_t steps)
{
	if (steps > heap->work)
		return ERR_TOO_LARGE;
	heap->work -= steps;
	return ERR_OK;
}

enum err jinja_heap_read(struct jinja_heap *heap, size_t bytes)
{
	return jinja_heap_work(heap, 1 + bytes / BYTES_PER_STEP);
}

enum err jinja_heap_enter(struct jinja_heap *heap)
{
	if (heap->depth == JINJA_HEAP_DEPTH_MAX)
		return ERR_TOO_LARGE;
	heap->depth++;
	return jinja_heap_work(heap, 1);
}

void jinja_heap_leave(struct jinja_heap *heap)
{
	heap->depth--;
}

void jinja_heap_release(struct jinja_heap *heap, size_t mark)
{
	heap->used = mark > heap->kept ? mark : heap->kept;
}

void jinja_heap_keep(struct jinja_heap *heap)
{
	heap->kept = heap->used;
}
