/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve: how much of an arena something will take, before there is one.
 */
#ifndef INFERENCE_RESERVE_H
#define INFERENCE_RESERVE_H

#include "base/arena.h"

/* What arena_alloc(arena, count, size) uses up; SIZE_MAX, which no arena has,
 * where it is more than a size can say. */
static inline size_t reserve_bytes(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, ARENA_ALIGNMENT - 1, &bytes))
		return SIZE_MAX;
	return bytes - bytes % ARENA_ALIGNMENT;
}

#endif
