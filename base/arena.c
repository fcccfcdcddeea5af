/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/secret.h"

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	size_t wanted;
	void *memory;

	invariant(arena->used <= arena->size);
	if (__builtin_mul_overflow(count, size, &wanted) ||
	    __builtin_add_overflow(wanted, ARENA_ALIGNMENT - 1, &wanted))
		return NULL;
	wanted -= wanted % ARENA_ALIGNMENT;
	if (wanted > arena->size - arena->used)
		return NULL;

	memory = arena->base + arena->used;
	arena->used += wanted;
	return memory;
}

enum err arena_writer(struct arena *arena, size_t size, struct writer *out)
{
	uint8_t *memory = arena_alloc(arena, size, 1);

	if (memory == NULL)
		return ERR_TOO_LARGE;
	*out = (struct writer){ .data = memory, .max = size };
	return ERR_OK;
}

void arena_wipe(struct arena *arena)
{
	secret_wipe(arena->base, arena->size);
	arena->used = 0;
}

bool arena_is_zero(const struct arena *arena)
{
	return secret_is_zero(arena->base, arena->size);
}
