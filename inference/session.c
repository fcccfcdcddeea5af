/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory first (what a session takes is known from the configuration alone),
 * then the walk through the model: blocks, tracks, layers.
 */
#include "inference/session.h"

#include <math.h>
#include <string.h>

#include "inference/attention.h"
#include "inference/layer.h"
#include "inference/reserve.h"
#include "inference/rope.h"

/* One buffer of a session: where its pointer is, and what it needs. */
struct buffer {
	size_t offset; /* of the pointer in struct session */
	size_t count;
	size_t size;
};

#define BUFFERS 22
#define BUFFER(member, count)                                  \
	{                                                      \
		offsetof(struct session, member), count,       \
			sizeof(*((struct session *)0)->member) \
	}

/* Everything but the caches.  One list, so that what is measured by
 * session_memory() is what session_open() takes. */
static void list_buffers(const struct config *config, size_t context,
			 struct buffer out[BUFFERS])
{
	size_t rows = SESSION_CHUNK;
	size_t width = config->head_width;
	size_t hidden = rows * config->hidden;
	size_t query = rows * config_query_width(config);
	size_t kv = rows * config_kv_width(config);
	size_t inner = rows * config_inner_width(config);
	size_t used = rows * config->experts_used;
	const struct buffer list[BUFFERS] = {
		BUFFER(frequencies, width / 2),
		BUFFER(rotations, rows * width),
		BUFFER(h, hidden),
		BUFFER(last, config->hidden),
		BUFFER(sum, hidden),
		BUFFER(x, hidden),
		BUFFER(normed, hidden),
		BUFFER(branch, hidden),
		BUFFER(query, query),
		BUFFER(key, kv),
		BUFFER(value, kv),
		BUFFER(mixed, query),
		BUFFER(scores, context),
		BUFFER(gate, inner),
		BUFFER(up, inner),
		BUFFER(router, rows * config->experts),
		BUFFER(shares, used),
		BUFFER(chosen, used),
		BUFFER(places, rows),
		BUFFER(gathered, hidden),
		BUFFER(answers, used * config->hidden),
		BUFFER(logits, config->vocabulary),
	};

	memcpy(out, list, sizeof(list));
}

/* A local layer never looks further back than its window; but one whose keys
 * others use as well is looked at after a whole chunk has gone in. */
static size_t slots_of(const struct config *config, uint32_t layer,
		       size_t context)
{
	size_t slots = (size_t)config->window + 1;

	if (layer + 1 == config->kv_reuse_from)
		slots += SESSION_CHUNK - 1;
	if (config_reach_of(config, layer) == CONFIG_GLOBAL || slots > context)
		return context;
	return slots;
}

size_t session_memory(const struct config *config, size_t context)
{
	struct buffer buffers[BUFFERS];
	size_t layers = (size_t)config->layers * config->tracks;
	size_t row = config_kv_width(config) * sizeof(float);
	size_t bytes = reserve_bytes(layers, sizeof(struct session_cache));

	list_buffers(config, context, buffers);
	for (size_t i = 0; i < BUFFERS; i++)
		bytes += reserve_bytes(buffers[i].count, buffers[i].size);
	for (uint32_t l = 0; l < config->layers; l++) {
		size_t slots = slots_of(config, l, context);

		if (config_has_keys(config, l))
			bytes += 2 * (size_t)config->tracks *
				 reserve_bytes(slots, row);
	}
	return bytes;
}

/* Fill in the pointers that the list names. */
static enum err take_buffers(struct session *session, struct arena *arena)
{
	struct buffer buffers[BUFFERS];

	list_buffers(session->model.config, session->context, buffers);
	for (size_t i = 0; i < BUFFERS; i++) {
		void *memory =
			arena_alloc(arena, buffers[i].count, buffers[i].size);

		if (memory == NULL)
			return ERR_TOO_LARGE;
		memcpy((uint8_t *)session + buffers[i].offset, &memory,
		       sizeof(memory));
	}
	return ERR_OK;
}

/* Cache number i.  A layer that uses another's keys and values has the same
 * ring, which has been made before. */
static enum err take_cache(struct session *session, size_t i,
			   struct arena *arena)
{
	const struct config *config = session->model.config;
	uint32_t layer = (uint32_t)(i / config->tracks);
	size_t source = config_cache_of(config, layer);
	size_t row = config_kv_width(config);
	struct session_cache *out = &session->caches[i];

	if (source != layer) {
		*out = session->caches[source * config->tracks +
				       i % config->tracks];
		return ERR_OK;
	}
	out->slots = slots_of(config, layer, session->context);
	out->keys = arena_alloc(arena, out->slots * row, sizeof(float));
	out->values = arena_alloc(arena, out->slots * row, sizeof(float));
	return out->keys == NULL || out->values == NULL ? ERR_TOO_LARGE
							: ERR_OK;
}

/* A ring for each layer of each track, in the order of weights_layer_of(). */
static enum err take_caches(struct session *session, struct arena *arena)
{
	const struct config *config = session->model.config;
	size_t count = (size_t)config->layers * config->tracks;

	session->caches = arena_alloc(arena, count, sizeof(*session->caches));
	if (session->caches == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < count; i++)
		TRY(take_cache(session, i, arena));
	return ERR_OK;
}

enum err session_open(struct session *session,
		      const struct session_model *model, size_t context,
		      struct arena *arena)
{
	struct session made = { .model = *model, .context = context };

	if (context > model->config->context)
		return ERR_TOO_LARGE;
	TRY(take_buffers(&made, arena));
	TRY(take_caches(&made, arena));
	rope_frequencies(made.model.config, made.model.weights->rope_factors,
			 made.frequencies);
	*session = made;
	return ERR_OK;
}

/* All tokens are looked at before any is used: an error changes nothing. */
static enum err embed(struct session *session, const uint32_t *tokens,
		      size_t count)
{
	const struct matrix *embedding = &session->model.weights->embedding;
	size_t hidden = embedding->columns;

	for (size_t r = 0; r < count; r++)
		if (tokens[r] >= embedding->rows)
			return ERR_MALFORMED;
	for (size_t r = 0; r < count; r++)
		matrix_decode(embedding, tokens[r], 0, hidden,
			      session->h + r * hidden);
	return ERR_OK;
}

/* sum += x; at the first track, sum = x. */
static void add_track(struct session *session, uint32_t track, size_t count)
{
	if (track == 0) {
		memcpy(session->sum, session->x, count * sizeof(float));
		return;
	}
	for (size_t i = 0; i < count; i++)
		session->sum[i] += session->x[i];
}

/* The tracks meet: h becomes what all of them go on with.  Never a mean over
 * fewer than all: that would be another model. */
static void combine_tracks(const struct session *session, float *h,
			   size_t count)
{
	const struct config *config = session->model.config;
	float parts =
		config->combine == CONFIG_MEAN ? (float)config->tracks : 1.0f;

	for (size_t i = 0; i < count; i++)
		h[i] = session->sum[i] / parts;
}

/* The layers of one track, from the first of a block on. */
static enum err run_track(struct session *session, struct layer_place place,
			  const float *h)
{
	size_t count = place.rows * session->model.config->hidden;

	memcpy(session->x, h, count * sizeof(float));
	for (uint32_t d = 0; d < session->model.config->block_depth; d++) {
		TRY(layer_apply(session, &place));
		place.layer++;
	}
	add_track(session, place.track, count);
	return ERR_OK;
}

/* From a place to the layer `end`, on h [R][H].  Tracks run one after the
 * other here; nothing in a block lets one see another, so they could as well
 * run at once. */
static enum err run_blocks(struct session *session, struct layer_place place,
			   uint32_t end, float *h)
{
	const struct config *config = session->model.config;
	size_t count = place.rows * config->hidden;

	while (place.layer < end) {
		for (place.track = 0; place.track < config->tracks;
		     place.track++)
			TRY(run_track(session, place, h));
		combine_tracks(session, h, count);
		layer_report(session, &place, "h", h, count);
		place.layer += config->block_depth;
	}
	return ERR_OK;
}

/* Where layers have no keys of their own: no later token will ask what a row
 * was in them, so they wait for its logits to be wanted. */
static uint32_t first_late_layer(const struct config *config)
{
	return config->kv_reuse_from == 0 ? config->layers
					  : config->kv_reuse_from;
}

enum err session_advance(struct session *session, const uint32_t *tokens,
			 size_t count)
{
	const struct layer_place place = { .rows = count,
					   .first = session->position };

	invariant(count > 0 && count <= SESSION_CHUNK);
	if (count > session->context - session->position)
		return ERR_TOO_LARGE;
	TRY(embed(session, tokens, count));
	attention_rotations(session, session->position, count);
	TRY(run_blocks(session, place, first_late_layer(session->model.config),
		       session->h));
	session->position += count;
	session->rows = count;
	return ERR_OK;
}

/* session->last from a row of h, through the layers that waited. */
static enum err finish_row(struct session *session, size_t row)
{
	const struct config *config = session->model.config;
	const struct layer_place place = {
		.layer = first_late_layer(config),
		.rows = 1,
		.first = session->position - session->rows + row,
	};

	memcpy(session->last, session->h + row * config->hidden,
	       config->hidden * sizeof(float));
	if (place.layer == config->layers)
		return ERR_OK;
	attention_rotations(session, place.first, 1);
	return run_blocks(session, place, config->layers, session->last);
}

/* One row at a time: the output matrix is the largest of all, and of a prompt
 * only the last row is ever asked for. */
enum err session_logits(struct session *session, size_t row,
			const float **logits)
{
	const struct session_model *model = &session->model;
	const struct kernel_norm norm = { model->weights->output_norm,
					  model->config->hidden,
					  model->config->rms_epsilon };

	invariant(row < session->rows);
	TRY(finish_row(session, row));
	kernel_rms_norm(model->kernel, &norm, session->last, session->normed);
	model->kernel->multiply(&model->weights->output, session->normed, 1,
				session->logits);
	for (size_t i = 0; i < model->config->vocabulary; i++)
		if (!isfinite(session->logits[i]))
			return ERR_MALFORMED;
	*logits = session->logits;
	return ERR_OK;
}
