/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: the keys and values of one layer of one track, a ring of positions.
 *
 * Position p is in slot p modulo `slots`, a multiple of 32.  Keys lie as
 * kernel.h wants them to score, values as it wants them to blend, each head by
 * itself, so that what one head needs is one stretch of memory:
 *
 *     keys    [heads][slots / 16][d][16]
 *     values  [heads][slots][d]
 *
 * Elements are floats, halves (rounded to nearest even), or bytes with a scale
 * for each position and head, the largest magnitude / 127.
 */
#ifndef INFERENCE_CACHE_H
#define INFERENCE_CACHE_H

#include "base/arena.h"
#include "inference/kernel.h"

struct cache {
	enum kernel_store store;
	size_t slots;
	size_t heads;
	size_t width; /* d */
	uint8_t *keys;
	uint8_t *values;
	float *key_scales; /* [heads][slots]; bytes only */
	float *value_scales;
};

/* What a cache is to hold; slots are rounded up to 32. */
struct cache_shape {
	enum kernel_store store;
	size_t slots;
	size_t heads;
	size_t width;
};

/* Arena that cache_open() takes. */
size_t cache_memory(const struct cache_shape *shape);

MUST_CHECK enum err cache_open(struct cache *cache,
			       const struct cache_shape *shape,
			       struct arena *arena);

/*
 * A position's keys and values, [heads][d] each.  ERR_MALFORMED where one is
 * infinite or NaN, or becomes so: rows that do not see it may still meet it,
 * multiplied by zero, so that nothing may be computed any more.
 */
MUST_CHECK enum err cache_put(struct cache *cache, const struct kernel *kernel,
			      size_t position, const float *keys,
			      const float *values);

/* Where a head's keys from a slot that is a multiple of 16 on lie. */
const void *cache_keys(const struct cache *cache, size_t head, size_t slot);

/* Where a head's values from a slot on lie. */
const void *cache_values(const struct cache *cache, size_t head, size_t slot);

#endif
