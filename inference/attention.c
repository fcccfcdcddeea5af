/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The projections take all rows of a chunk at once, because reading weights is
 * what costs; looking back is done row by row and head by head, each over its
 * own keys, as the ring changes under it.
 */
#include "inference/attention.h"

#include <math.h>
#include <string.h>

#include "inference/numeric.h"

/* Angles in double: at position 100,000 a float is off by 0.004 radians. */
void attention_rotations(struct session *session, size_t first, size_t rows)
{
	size_t pairs = session->model.config->head_width / 2;
	float *out = session->rotations;

	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < pairs; i++) {
			double angle =
				(double)(first + r) * session->frequencies[i];

			numeric_sine_cosine(angle, &out[1], &out[0]);
			out += 2;
		}
	}
}

/* Turn the pairs (0,1), (2,3), ... of one head. */
static void rotate(float *head, size_t width, const float *rotation)
{
	for (size_t i = 0; i < width; i += 2) {
		float cosine = rotation[i], sine = rotation[i + 1];
		float a = head[i], b = head[i + 1];

		head[i] = a * cosine - b * sine;
		head[i + 1] = a * sine + b * cosine;
	}
}

/* Place and normalise `count` heads a row, [R][count][d]: queries or keys.  The
 * norm comes after the rotation: its weight differs along the head, so the two
 * do not commute. */
static void prepare_heads(const struct session *session,
			  const struct layer_place *place, float *heads,
			  size_t count, const float *norm_weight)
{
	const struct config *config = session->model.config;
	size_t width = config->head_width;
	const struct kernel_norm norm = { norm_weight, width,
					  config->rms_epsilon };
	const float *rotation = session->rotations;

	for (size_t r = 0; r < place->rows; r++) {
		for (size_t i = 0; i < count; i++) {
			if (config_rotates(config, place->layer))
				rotate(heads, width, rotation);
			if (norm_weight != NULL)
				kernel_rms_norm(session->model.kernel, &norm,
						heads, heads);
			heads += width;
		}
		rotation += width;
	}
}

/* A stretch of the ring: consecutive slots of one key-value head. */
struct stretch {
	size_t slot;
	size_t count;
};

/* Keys or values of a stretch: rows a whole ring slot apart. */
static struct matrix view(const struct session *session, const float *ring,
			  struct stretch stretch, size_t kv_head)
{
	size_t kv_width = config_kv_width(session->model.config);
	size_t width = session->model.config->head_width;
	struct matrix matrix = matrix_of_floats(ring + stretch.slot * kv_width +
							kv_head * width,
						stretch.count, width);

	matrix.stride = kv_width * sizeof(float);
	return matrix;
}

/* One head of one row: out [d] from query [d], over both stretches.  The
 * stretches follow each other from the oldest position to the newest, so sums
 * are taken in the order of positions, wherever the ring begins. */
static void attend(struct session *session, const struct session_cache *cache,
		   const struct stretch stretches[2], size_t head, size_t row)
{
	const struct config *config = session->model.config;
	const struct kernel *kernel = session->model.kernel;
	size_t width = config->head_width;
	size_t kv_head = head / (config->heads / config->kv_heads);
	size_t at = row * config_query_width(config) + head * width;
	size_t count = stretches[0].count + stretches[1].count;
	float *scores = session->scores;
	float *out = session->mixed + at;
	float scale = 1.0f / sqrtf((float)width);
	struct matrix part;

	for (size_t i = 0; i < 2; i++) {
		part = view(session, cache->keys, stretches[i], kv_head);
		kernel->multiply(&part, session->query + at, 1, scores);
		scores += stretches[i].count;
	}
	scores = session->scores;
	for (size_t i = 0; i < count; i++)
		scores[i] *= scale;
	kernel->softmax(scores, count);

	memset(out, 0, width * sizeof(*out));
	for (size_t i = 0; i < 2; i++) {
		part = view(session, cache->values, stretches[i], kv_head);
		kernel->blend(scores, &part, out);
		scores += stretches[i].count;
	}
}

/* What a token at `position` may see, oldest first, as it lies in the ring. */
static void find_stretches(const struct session *session,
			   const struct layer_place *place,
			   const struct session_cache *cache, size_t position,
			   struct stretch out[2])
{
	const struct config *config = session->model.config;
	size_t first = 0;
	size_t count, until_end;

	if (config_reach_of(config, place->layer) == CONFIG_LOCAL &&
	    position > config->window)
		first = position - config->window;
	count = position - first + 1;
	invariant(count <= cache->slots);
	out[0].slot = first % cache->slots;
	until_end = cache->slots - out[0].slot;
	out[0].count = count < until_end ? count : until_end;
	out[1] = (struct stretch){ 0, count - out[0].count };
}

/*
 * Row by row, a key enters the ring before its row looks back, and after all
 * rows before it have: so a ring of window + 1 slots is enough for a chunk of
 * any length.
 */
static void attend_all(struct session *session, const struct layer_place *place)
{
	const struct config *config = session->model.config;
	size_t kv_width = config_kv_width(config);
	const struct session_cache *cache =
		&session->caches[place->layer * config->tracks + place->track];

	for (size_t r = 0; r < place->rows; r++) {
		size_t position = place->first + r;
		size_t slot = position % cache->slots;
		struct stretch stretches[2];

		memcpy(cache->keys + slot * kv_width,
		       session->key + r * kv_width, kv_width * sizeof(float));
		memcpy(cache->values + slot * kv_width,
		       session->value + r * kv_width, kv_width * sizeof(float));
		find_stretches(session, place, cache, position, stretches);
		for (size_t head = 0; head < config->heads; head++)
			attend(session, cache, stretches, head, r);
	}
}

void attention_apply(struct session *session, const struct layer_place *place)
{
	const struct config *config = session->model.config;
	const struct kernel *kernel = session->model.kernel;
	const struct weights_layer *weights = weights_layer_of(
		session->model.weights, config, place->layer, place->track);
	size_t rows = place->rows;
	size_t query = rows * config_query_width(config);
	size_t kv = rows * config_kv_width(config);

	/* [R][H] to [R][Q], [R][K] and [R][K] */
	kernel->multiply(&weights->query, session->normed, rows,
			 session->query);
	kernel->multiply(&weights->key, session->normed, rows, session->key);
	kernel->multiply(&weights->value, session->normed, rows,
			 session->value);
	prepare_heads(session, place, session->query, config->heads,
		      weights->query_norm);
	prepare_heads(session, place, session->key, config->kv_heads,
		      weights->key_norm);
	layer_report(session, place, "q", session->query, query);
	layer_report(session, place, "k", session->key, kv);
	layer_report(session, place, "v", session->value, kv);
	/* [R][Q], each head against its key-value head, to [R][Q] and [R][H] */
	attend_all(session, place);
	layer_report(session, place, "attn_mixed", session->mixed, query);
	kernel->multiply(&weights->output, session->mixed, rows,
			 session->branch);
}
