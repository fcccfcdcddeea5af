/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: all the memory of one request, in one piece, so that one call wipes
 * it.
 *
 * The memory is reserved once, from limits in policy/; nothing is ever given
 * back singly.  What an arena hands out is zero, because it was zero when the
 * arena was made and is wiped before it is used again.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define ARENA_ALIGNMENT 64 /* a cache line, and the widest vector */

/* Invariant: used <= size; bytes from used on are zero. */
struct arena {
	uint8_t *base; /* the caller's; aligned to ARENA_ALIGNMENT */
	size_t size;
	size_t used;
};

/* count * size zeroed bytes, aligned to ARENA_ALIGNMENT; NULL when full. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* An empty writer over size bytes of the arena.  ERR_TOO_LARGE when full. */
MUST_CHECK enum err arena_writer(struct arena *arena, size_t size,
				 struct writer *out);

/* Overwrite the whole arena, used or not, and hand it out anew. */
void arena_wipe(struct arena *arena);

/* Whether every byte of the arena, used or not, reads zero. */
bool arena_is_zero(const struct arena *arena);

#endif
