/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory: the allocator behind wire/json.h.
 *
 *     block = 16 bytes of header | what the caller gets
 *
 * Blocks come in size classes, four an octave.  A freed block waits in the
 * list of its class; a new one is cut from the untouched end.  Nothing is ever
 * split or joined, so each call takes the same few steps whatever a document
 * does, and nothing asks the kernel.
 */
#ifndef WIRE_JSON_MEMORY_H
#define WIRE_JSON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_MEMORY_ALIGNMENT 16

/* Use this memory, aligned, in this thread from now on. */
void json_memory_give(void *given, size_t size);

/* Whether json_memory_give() was called in this thread. */
bool json_memory_is_given(void);

/* size bytes, not zeroed; NULL when none are left. */
void *json_memory_alloc(size_t size);

/* Hand back what json_memory_alloc() gave; NULL is nothing. */
void json_memory_free(void *given);

/* Whether an allocation has failed since the last wipe. */
bool json_memory_was_full(void);

/* Bytes touched since the last wipe. */
size_t json_memory_used(void);

/* Zero every byte that was touched and hand all of it out anew. */
void json_memory_wipe(void);

#endif
