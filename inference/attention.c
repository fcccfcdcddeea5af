/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The projections take all rows of a chunk at once, because reading weights is
 * what costs; looking back is done row by row and head by head, each over its
 * own keys, as the ring changes under it.
 */
#include "inference/attention.h"

#include <math.h>
#include <string.h>

#include "inference/rope.h"

void attention_rotations(struct session *session, size_t first, size_t rows)
{
	const struct config *config = session->model.config;

	for (size_t r = 0; r < rows; r++)
		rope_rotation(config, session->frequencies, first + r,
			      session->rotations + r * config->head_width);
}

/* What the projection of all rows gave, on its way into attention. */
struct heads {
	float *values; /* [R][count][d] */
	size_t count;
	const float *bias; /* [count][d], or NULL */
	const float *norm; /* as in weights.h */
};

/* Every row += bias. */
static void add_bias(const struct heads *heads, size_t rows, size_t width)
{
	size_t row = heads->count * width;

	if (heads->bias == NULL)
		return;
	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < row; i++)
			heads->values[r * row + i] += heads->bias[i];
}

/* Head by head, or all heads of a row as one. */
static void normalise(const struct session *session, const struct heads *heads,
		      size_t rows)
{
	const struct config *config = session->model.config;
	size_t row = heads->count * config->head_width;
	size_t width = config->head_norm == CONFIG_ROWS_NORMALISED_FIRST
			       ? row
			       : config->head_width;
	const struct kernel_norm norm = { heads->norm, width,
					  config->rms_epsilon };

	for (size_t at = 0; at < rows * row; at += width)
		kernel_rms_norm(session->model.kernel, &norm,
				heads->values + at, heads->values + at);
}

static void rotate(const struct session *session, const struct heads *heads,
		   size_t rows)
{
	const struct config *config = session->model.config;
	size_t width = config->head_width;

	for (size_t i = 0; i < rows * heads->count; i++)
		rope_turn(config, session->rotations + i / heads->count * width,
			  heads->values + i * width);
}

/* Bias, norm and rotation of queries or keys.  The weight of a norm differs
 * along the head, so its place before or after the rotation matters. */
static void prepare(const struct session *session,
		    const struct layer_place *place, const struct heads *heads)
{
	const struct config *config = session->model.config;
	enum config_head_norm norm = config->head_norm;

	add_bias(heads, place->rows, config->head_width);
	if (norm == CONFIG_HEADS_NORMALISED_FIRST ||
	    norm == CONFIG_ROWS_NORMALISED_FIRST)
		normalise(session, heads, place->rows);
	if (config_rotates(config, place->layer))
		rotate(session, heads, place->rows);
	if (norm == CONFIG_HEADS_NORMALISED)
		normalise(session, heads, place->rows);
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
		size_t at = position % cache->slots * kv_width;
		struct stretch stretches[2];

		if (config_has_keys(config, place->layer)) {
			memcpy(cache->keys + at, session->key + r * kv_width,
			       kv_width * sizeof(float));
			memcpy(cache->values + at,
			       session->value + r * kv_width,
			       kv_width * sizeof(float));
		}
		find_stretches(session, place, cache, position, stretches);
		for (size_t head = 0; head < config->heads; head++)
			attend(session, cache, stretches, head, r);
	}
}

/* session->query [R][Q] from session->normed [R][H]. */
static void make_queries(struct session *session,
			 const struct layer_place *place,
			 const struct weights_layer *weights)
{
	const struct config *config = session->model.config;
	const struct heads query = { session->query, config->heads,
				     weights->query_bias, weights->query_norm };

	session->model.kernel->multiply(&weights->query, session->normed,
					place->rows, session->query);
	prepare(session, place, &query);
	layer_report(session, place, "q", session->query,
		     place->rows * config_query_width(config));
}

/* session->key and session->value [R][K] from session->normed [R][H]. */
static void make_keys(struct session *session, const struct layer_place *place,
		      const struct weights_layer *weights)
{
	const struct config *config = session->model.config;
	const struct kernel *kernel = session->model.kernel;
	size_t count = place->rows * config_kv_width(config);
	const struct heads key = { session->key, config->kv_heads,
				   weights->key_bias, weights->key_norm };
	const struct heads value = { session->value, config->kv_heads,
				     weights->value_bias, NULL };

	kernel->multiply(&weights->key, session->normed, place->rows,
			 session->key);
	prepare(session, place, &key);
	kernel->multiply(&weights->value, session->normed, place->rows,
			 session->value);
	add_bias(&value, place->rows, config->head_width);
	layer_report(session, place, "k", session->key, count);
	layer_report(session, place, "v", session->value, count);
}

void attention_apply(struct session *session, const struct layer_place *place)
{
	const struct config *config = session->model.config;
	const struct weights_layer *weights = weights_layer_of(
		session->model.weights, config, place->layer, place->track);

	make_queries(session, place, weights);
	if (config_has_keys(config, place->layer))
		make_keys(session, place, weights);
	/* [R][Q], each head against its key-value head, to [R][Q] and [R][H] */
	attend_all(session, place);
	layer_report(session, place, "attn_mixed", session->mixed,
		     place->rows * config_query_width(config));
	session->model.kernel->multiply(&weights->output, session->mixed,
					place->rows, session->branch);
}
