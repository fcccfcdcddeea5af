/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/cache.h"

#include <math.h>
#include <string.h>

#include "inference/half.h"
#include "inference/reserve.h"

static size_t slots_of(const struct cache_shape *shape)
{
	return (shape->slots + KERNEL_POSITIONS_BF16 - 1) /
	       KERNEL_POSITIONS_BF16 * KERNEL_POSITIONS_BF16;
}

static size_t element(enum kernel_store store)
{
	if (store == KERNEL_F32)
		return sizeof(float);
	return store == KERNEL_F16 ? sizeof(uint16_t) : sizeof(int8_t);
}

size_t cache_memory(const struct cache_shape *shape)
{
	size_t places = slots_of(shape) * shape->heads;
	size_t bytes =
		2 * reserve_bytes(places * shape->width, element(shape->store));

	if (shape->store == KERNEL_I8)
		bytes += 2 * reserve_bytes(places, sizeof(float));
	return bytes;
}

enum err cache_open(struct cache *cache, const struct cache_shape *shape,
		    struct arena *arena)
{
	size_t places = slots_of(shape) * shape->heads;
	size_t count = places * shape->width;
	struct cache made = { .store = shape->store,
			      .slots = slots_of(shape),
			      .heads = shape->heads,
			      .width = shape->width };

	made.keys = arena_alloc(arena, count, element(shape->store));
	made.values = arena_alloc(arena, count, element(shape->store));
	if (made.keys == NULL || made.values == NULL)
		return ERR_TOO_LARGE;
	if (shape->store == KERNEL_I8) {
		made.key_scales = arena_alloc(arena, places, sizeof(float));
		made.value_scales = arena_alloc(arena, places, sizeof(float));
		if (made.key_scales == NULL || made.value_scales == NULL)
			return ERR_TOO_LARGE;
	}
	*cache = made;
	return ERR_OK;
}

/* Elements of a head, `step` apart in memory. */
struct place {
	uint8_t *first;
	size_t step;
};

/* The largest magnitude; NaN where one is no number. */
static float largest(const float *x, size_t count)
{
	float most = 0;

	for (size_t i = 0; i < count; i++) {
		if (!isfinite(x[i]))
			return NAN;
		most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
	}
	return most;
}

/* As in activation.h, for one head: the bytes, and their scale. */
static enum err put_bytes(const float *x, size_t count, struct place place,
			  float *scale)
{
	int8_t *to = (int8_t *)place.first;
	float most = largest(x, count);
	bool is_usual = most >= ACTIVATION_LEAST;
	float inverse = is_usual ? 127.0f / most : 0.0f;

	for (size_t i = 0; i < count; i++)
		to[i * place.step] =
			(int8_t)(is_usual ? nearbyintf(x[i] * inverse) : 0);
	invariant(scale != NULL);
	*scale = is_usual ? most / 127.0f : 0.0f;
	return isnan(most) ? ERR_MALFORMED : ERR_OK;
}

/* Rounded side by side, a few at a time, then put where they belong. */
static enum err put_halves(const struct kernel *kernel, const float *x,
			   size_t count, struct place place)
{
	uint16_t *to = (uint16_t *)(void *)place.first;
	uint16_t some[64];
	bool is_broken = false;

	for (size_t done = 0; done < count; done += 64) {
		size_t left = count - done < 64 ? count - done : 64;

		kernel->narrow(x + done, left, some);
		for (size_t i = 0; i < left; i++) {
			to[(done + i) * place.step] = some[i];
			is_broken |= (some[i] & HALF_EXPONENT) == HALF_EXPONENT;
		}
	}
	return is_broken ? ERR_MALFORMED : ERR_OK;
}

static enum err put_floats(const float *x, size_t count, struct place place)
{
	float *to = (float *)(void *)place.first;
	bool is_broken = false;

	for (size_t i = 0; i < count; i++) {
		to[i * place.step] = x[i];
		is_broken |= !isfinite(x[i]);
	}
	return is_broken ? ERR_MALFORMED : ERR_OK;
}

/* One head's key or value of one position. */
static enum err put(const struct cache *cache, const struct kernel *kernel,
		    const float *x, struct place place, float *scale)
{
	if (cache->store == KERNEL_F32)
		return put_floats(x, cache->width, place);
	if (cache->store == KERNEL_F16)
		return put_halves(kernel, x, cache->width, place);
	return put_bytes(x, cache->width, place, scale);
}

/* Element number i of keys or values. */
static uint8_t *at(const struct cache *cache, uint8_t *base, size_t i)
{
	return base + i * element(cache->store);
}

static size_t key_at(const struct cache *cache, size_t head, size_t slot)
{
	return (head * cache->slots + slot - slot % KERNEL_POSITIONS) *
		       cache->width +
	       slot % KERNEL_POSITIONS;
}

static size_t value_at(const struct cache *cache, size_t head, size_t slot)
{
	return (head * cache->slots + slot) * cache->width;
}

/* One head's share of a slot. */
static enum err put_head(const struct cache *cache, const struct kernel *kernel,
			 size_t head, size_t slot, const float *of[2])
{
	struct place keys = { at(cache, cache->keys, key_at(cache, head, slot)),
			      KERNEL_POSITIONS };
	struct place values = {
		at(cache, cache->values, value_at(cache, head, slot)), 1
	};
	size_t index = head * cache->slots + slot;
	bool has_scales = cache->store == KERNEL_I8;

	TRY(put(cache, kernel, of[0] + head * cache->width, keys,
		has_scales ? &cache->key_scales[index] : NULL));
	return put(cache, kernel, of[1] + head * cache->width, values,
		   has_scales ? &cache->value_scales[index] : NULL);
}

enum err cache_put(struct cache *cache, const struct kernel *kernel,
		   size_t position, const float *keys, const float *values)
{
	const float *both[2] = { keys, values };

	for (size_t head = 0; head < cache->heads; head++)
		TRY(put_head(cache, kernel, head, position % cache->slots,
			     both));
	return ERR_OK;
}

const void *cache_keys(const struct cache *cache, size_t head, size_t slot)
{
	invariant(slot % KERNEL_POSITIONS == 0);
	return at(cache, cache->keys, key_at(cache, head, slot));
}

const void *cache_values(const struct cache *cache, size_t head, size_t slot)
{
	return at(cache, cache->values, value_at(cache, head, slot));
}
