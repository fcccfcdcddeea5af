/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve: how much of an arena something will take, before there is one.
 */
#ifndef INFERENCE_RESERVE_H
#define INFERENCE_RESERVE_H

#include "base/arena.h"

/* What arena_alloc(arena, count, size) uses up; the product must fit. */
static inline size_t reserve_bytes(size_t count, size_t size)
{
	size_t bytes = count * size + ARENA_ALIGNMENT - 1;

	return bytes - bytes % ARENA_ALIGNMENT;
}

#endif
