/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/session.h"

#include "inference/reserve.h"

/*
 * A local layer looks back from any row of a chunk after the whole of it has
 * gone in: so beside its window a ring has room for a chunk.  What is read
 * besides, out to whole groups, weighs nothing.
 */
static size_t slots_of(const struct config *config, uint32_t layer,
		       const struct session_shape *shape)
{
	size_t slots = (size_t)config->window + shape->chunk;

	if (config_reach_of(config, layer) == CONFIG_GLOBAL ||
	    slots > shape->context)
		return shape->context;
	return slots;
}

static struct cache_shape cache_shape_of(const struct config *config,
					 uint32_t layer,
					 const struct session_shape *shape)
{
	return (struct cache_shape){ .store = shape->store,
				     .slots = slots_of(config, layer, shape),
				     .heads = config->kv_heads,
				     .width = config->head_width };
}

size_t session_memory(const struct config *config,
		      const struct session_shape *shape)
{
	size_t bytes = reserve_bytes((size_t)config->layers * config->tracks,
				     sizeof(struct cache));

	for (uint32_t l = 0; l < config->layers; l++) {
		struct cache_shape cache = cache_shape_of(config, l, shape);

		if (config_cache_of(config, l) == l)
			bytes += config->tracks * cache_memory(&cache);
	}
	return bytes;
}

/* A ring for each layer of each track; a layer that uses another's keys and
 * values has the same ring. */
static enum err take_caches(struct session *session, struct arena *arena)
{
	const struct config *config = session->config;

	for (uint32_t i = 0; i < config->layers * config->tracks; i++) {
		uint32_t layer = i / config->tracks, track = i % config->tracks;
		uint32_t source = config_cache_of(config, layer);
		struct cache_shape shape =
			cache_shape_of(config, layer, &session->shape);

		if (source == layer)
			TRY(cache_open(&session->caches[i], &shape, arena));
		else
			session->caches[i] =
				*session_cache(session, source, track);
	}
	return ERR_OK;
}

enum err session_open(struct session *session, const struct config *config,
		      const struct session_shape *shape, struct arena *arena)
{
	struct session made = { .config = config, .shape = *shape };

	if (shape->context > config->context)
		return ERR_TOO_LARGE;
	made.caches =
		arena_alloc(arena, (size_t)config->layers * config->tracks,
			    sizeof(*made.caches));
	if (made.caches == NULL)
		return ERR_TOO_LARGE;
	TRY(take_caches(&made, arena));
	*session = made;
	return ERR_OK;
}

struct cache *session_cache(const struct session *session, uint32_t layer,
			    uint32_t track)
{
	return &session->caches[(size_t)layer * session->config->tracks +
				track];
}
