/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_memory.h"

#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

#define CLASSES 256 /* 64 octaves of four */

struct block {
	size_t size;	    /* of what follows this header */
	struct block *next; /* while free: the next one of its class */
};

_Static_assert(sizeof(struct block) == JSON_MEMORY_ALIGNMENT,
	       "what follows the header is aligned as the header is");

/* Invariant: bytes from used on were never touched. */
static _Thread_local struct {
	uint8_t *base; /* the caller's */
	size_t size;
	size_t used;
	struct block *freed[CLASSES];
	bool was_full;
} memory;

/* The place of the highest bit that is set; value is not zero. */
static unsigned int log2_floor(size_t value)
{
	return 63u - (unsigned int)__builtin_clzll(value);
}

/* The least class that holds size, which is at least 16. */
static size_t class_size(size_t size)
{
	size_t step = (size_t)1 << (log2_floor(size) - 2);

	if (step < JSON_MEMORY_ALIGNMENT)
		step = JSON_MEMORY_ALIGNMENT;
	return (size + step - 1) & ~(step - 1);
}

/* Four classes an octave, told apart by the two bits below the highest. */
static size_t class_index(size_t size)
{
	unsigned int octave = log2_floor(size);

	return (size_t)4 * octave + (size >> (octave - 2) & 3);
}

void json_memory_give(void *given, size_t size)
{
	invariant((uintptr_t)given % JSON_MEMORY_ALIGNMENT == 0);
	memory.base = given;
	memory.size = size;
	memory.used = 0;
	memory.was_full = false;
	secret_wipe(memory.freed, sizeof(memory.freed));
}

bool json_memory_is_given(void)
{
	return memory.base != NULL;
}

/* A new block from the untouched end. */
static struct block *cut(size_t size)
{
	struct block *block;

	if (size > memory.size - memory.used ||
	    sizeof(*block) > memory.size - memory.used - size) {
		memory.was_full = true;
		return NULL;
	}
	block = (struct block *)(void *)(memory.base + memory.used);
	memory.used += sizeof(*block) + size;
	block->size = size;
	return block;
}

void *json_memory_alloc(size_t size)
{
	struct block **list;
	struct block *block;

	if (size > memory.size) {
		memory.was_full = true;
		return NULL;
	}
	if (size < JSON_MEMORY_ALIGNMENT)
		size = JSON_MEMORY_ALIGNMENT;
	size = class_size(size);
	list = &memory.freed[class_index(size)];
	block = *list;
	if (block != NULL)
		*list = block->next;
	else
		block = cut(size);
	return block == NULL ? NULL : block + 1;
}

void json_memory_free(void *given)
{
	struct block *block = given;
	struct block **list;

	if (block == NULL)
		return;
	block--;
	list = &memory.freed[class_index(block->size)];
	block->next = *list;
	*list = block;
}

bool json_memory_was_full(void)
{
	return memory.was_full;
}

size_t json_memory_used(void)
{
	return memory.used;
}

void json_memory_wipe(void)
{
	if (memory.used > 0)
		secret_wipe(memory.base, memory.used);
	json_memory_give(memory.base, memory.size);
}
