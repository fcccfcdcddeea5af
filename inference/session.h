/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: what a model remembers of one text.
 *
 * The keys and values of every layer and track (cache.h), and nothing else: a
 * session is one request's, and what it is computed with (engine.h) may serve
 * several.  Local layers remember their window alone, in a ring.
 */
#ifndef INFERENCE_SESSION_H
#define INFERENCE_SESSION_H

#include "base/arena.h"
#include "inference/cache.h"
#include "inference/config.h"

struct session_shape {
	size_t context; /* tokens that there is to be room for */
	size_t chunk;	/* tokens that go in at once, at most */
	enum kernel_store store;
};

struct session {
	const struct config *config;
	struct session_shape shape;
	size_t position;      /* tokens that have gone in */
	struct cache *caches; /* [layers * tracks] */
};

/* Bytes of arena that a session takes. */
size_t session_memory(const struct config *config,
		      const struct session_shape *shape);

/*
 * ERR_TOO_LARGE when the arena has less than session_memory(), or the model
 * has a shorter context.
 */
MUST_CHECK enum err session_open(struct session *session,
				 const struct config *config,
				 const struct session_shape *shape,
				 struct arena *arena);

/* The keys and values that a layer of a track attends to. */
struct cache *session_cache(const struct session *session, uint32_t layer,
			    uint32_t track);

#endif
