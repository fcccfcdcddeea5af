/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory first (what an engine takes is known from the configuration alone),
 * then the walk through the model: blocks, tracks, layers.
 */
#include "inference/engine.h"

#include <math.h>
#include <string.h>

#include "inference/layer.h"
#include "inference/reserve.h"
#include "inference/rope.h"

/* A track for each thread, where there are enough; else all for one track. */
static size_t workers_of(const struct config *config,
			 const struct engine_shape *shape, size_t threads)
{
	return shape->deal == ENGINE_TRACKS && config->tracks >= threads
		       ? threads
		       : 1;
}

static struct work_shape work_shape_of(const struct config *config,
				       const struct engine_shape *shape,
				       size_t threads)
{
	size_t workers = workers_of(config, shape, threads);

	return (struct work_shape){
		.rows = shape->rows,
		.context = shape->context,
		.members = workers == 1 ? threads : 1,
		.prompts = shape->prompts,
	};
}

/* Rows whose logits are wanted: those of prompts are no exception here, since
 * the vocabulary is always multiplied with integers. */
static struct activation_shape last_rows(const struct config *config,
					 const struct engine_shape *shape)
{
	return (struct activation_shape){ shape->logits, config->hidden,
					  ACTIVATION_INTEGERS };
}

static size_t batch_memory(const struct config *config, size_t rows)
{
	return reserve_bytes(rows, sizeof(struct batch_row)) +
	       reserve_bytes(rows, config->head_width * sizeof(float)) +
	       reserve_bytes(rows, sizeof(struct batch_stretch));
}

size_t engine_memory(const struct config *config,
		     const struct engine_shape *shape, size_t threads)
{
	struct work_shape work = work_shape_of(config, shape, threads);
	struct activation_shape last = last_rows(config, shape);
	size_t workers = workers_of(config, shape, threads);
	size_t hidden = config->hidden * sizeof(float);

	return reserve_bytes(workers, sizeof(struct work)) +
	       workers * work_memory(config, &work) +
	       reserve_bytes(config->head_width / 2, sizeof(double)) +
	       batch_memory(config, shape->rows) +
	       batch_memory(config, shape->logits) +
	       reserve_bytes(shape->rows, hidden) +
	       reserve_bytes(config->tracks * shape->rows, hidden) +
	       2 * reserve_bytes(shape->logits, hidden) +
	       activation_memory(&last) +
	       reserve_bytes(shape->logits, config->vocabulary * sizeof(float));
}

static enum err open_batch(struct batch *batch, const struct config *config,
			   size_t rows, struct arena *arena)
{
	batch->rows = arena_alloc(arena, rows, sizeof(*batch->rows));
	batch->rotations =
		arena_alloc(arena, rows, config->head_width * sizeof(float));
	batch->stretches = arena_alloc(arena, rows, sizeof(*batch->stretches));
	return batch->rows == NULL || batch->rotations == NULL ||
			       batch->stretches == NULL
		       ? ERR_TOO_LARGE
		       : ERR_OK;
}

static enum err open_works(struct engine *engine, struct arena *arena)
{
	struct work_shape shape = work_shape_of(
		engine->model.config, &engine->shape, team_size(engine->team));

	engine->works =
		arena_alloc(arena, engine->workers, sizeof(*engine->works));
	if (engine->works == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < engine->workers; i++) {
		TRY(work_open(&engine->works[i], &engine->model, &shape,
			      arena));
		engine->works[i].team =
			engine->workers == 1 ? engine->team : NULL;
	}
	return ERR_OK;
}

static enum err open_rows(struct engine *engine, struct arena *arena)
{
	const struct config *config = engine->model.config;
	size_t hidden = config->hidden * sizeof(float);
	size_t logits = engine->shape.logits;
	struct activation_shape last = last_rows(config, &engine->shape);

	engine->h = arena_alloc(arena, engine->shape.rows, hidden);
	engine->tracks =
		arena_alloc(arena, config->tracks * engine->shape.rows, hidden);
	engine->last = arena_alloc(arena, logits, hidden);
	engine->normed = arena_alloc(arena, logits, hidden);
	TRY(activation_open(&engine->normed_activation, &last, arena));
	engine->logits =
		arena_alloc(arena, logits, config->vocabulary * sizeof(float));
	return engine->h == NULL || engine->tracks == NULL ||
			       engine->last == NULL || engine->normed == NULL ||
			       engine->logits == NULL
		       ? ERR_TOO_LARGE
		       : ERR_OK;
}

enum err engine_open(struct engine *engine, const struct work_model *model,
		     const struct engine_shape *shape, struct team *team,
		     struct arena *arena)
{
	const struct config *config = model->config;

	*engine = (struct engine){
		.model = *model,
		.shape = *shape,
		.team = team,
		.workers = workers_of(config, shape, team_size(team)),
	};
	TRY(open_works(engine, arena));
	engine->frequencies =
		arena_alloc(arena, config->head_width / 2, sizeof(double));
	if (engine->frequencies == NULL)
		return ERR_TOO_LARGE;
	TRY(open_batch(&engine->batch, config, shape->rows, arena));
	TRY(open_batch(&engine->wanted, config, shape->logits, arena));
	TRY(open_rows(engine, arena));
	rope_frequencies(config, model->weights->rope_factors,
			 engine->frequencies);
	return ERR_OK;
}

void engine_watch(struct engine *engine, const struct work_trace *trace)
{
	for (size_t i = 0; i < engine->workers; i++)
		engine->works[i].trace = trace;
}

/* Rows that look back together: neighbours of one session, a few. */
static void cut_stretches(struct batch *batch, enum activation_form form)
{
	size_t most = form == ACTIVATION_BF16 ? BATCH_STRETCH_ROWS_BF16
					      : BATCH_STRETCH_ROWS;

	batch->stretch_count = 0;
	for (size_t r = 0; r < batch->count; r++) {
		struct batch_stretch *stretch =
			&batch->stretches[batch->stretch_count];
		const struct batch_row *row = &batch->rows[r];

		if (r > 0 && stretch[-1].count < most &&
		    row[-1].session == row->session &&
		    row[-1].position + 1 == row->position)
			stretch[-1].count++;
		else
			batch->stretches[batch->stretch_count++] =
				(struct batch_stretch){ r, 1 };
	}
}

/* What follows from the rows of a batch. */
static void prepare_batch(const struct engine *engine, struct batch *batch)
{
	const struct config *config = engine->model.config;

	for (size_t r = 0; r < batch->count; r++) {
		rope_rotation(config, engine->frequencies,
			      batch->rows[r].position,
			      batch->rotations + r * config->head_width);
	}
	cut_stretches(batch, engine->works[0].form);
}

/* All inputs are looked at before any is used: an error changes nothing. */
static enum err check_inputs(const struct engine *engine,
			     const struct engine_input *inputs, size_t count)
{
	size_t vocabulary = engine->model.weights->embedding.rows;
	size_t rows = 0;

	for (size_t i = 0; i < count; i++) {
		const struct session *session = inputs[i].session;

		invariant(session->shape.context <= engine->shape.context);
		invariant(inputs[i].count <= session->shape.chunk);
		if (inputs[i].count >
		    session->shape.context - session->position)
			return ERR_TOO_LARGE;
		for (size_t t = 0; t < inputs[i].count; t++)
			if (inputs[i].tokens[t] >= vocabulary)
				return ERR_MALFORMED;
		rows += inputs[i].count;
	}
	invariant(rows > 0 && rows <= engine->shape.rows);
	return ERR_OK;
}

static void enter(struct engine *engine, const struct engine_input *inputs,
		  size_t count)
{
	const struct matrix *embedding = &engine->model.weights->embedding;
	size_t hidden = embedding->columns;
	struct batch *batch = &engine->batch;

	batch->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct session *session = inputs[i].session;

		for (size_t t = 0; t < inputs[i].count; t++) {
			matrix_decode(embedding, inputs[i].tokens[t], 0, hidden,
				      engine->h + batch->count * hidden);
			batch->rows[batch->count++] =
				(struct batch_row){ session,
						    session->position + t };
		}
	}
	prepare_batch(engine, batch);
}

/* One block of layers, while tracks go through it. */
struct block_walk {
	struct engine *engine;
	const struct batch *batch;
	uint32_t layer;	    /* the first */
	const float *h;	    /* [R][H] */
	enum err *outcomes; /* [workers] */
};

/* The layers of one track, from the first of a block on. */
static enum err run_track(const struct block_walk *walk, struct work *work,
			  uint32_t track)
{
	const struct config *config = work->model->config;
	size_t count = walk->batch->count * config->hidden;
	struct layer_place place = { walk->layer, track, walk->batch };

	memcpy(work->x, walk->h, count * sizeof(float));
	for (uint32_t d = 0; d < config->block_depth; d++) {
		TRY(layer_apply(work, &place));
		place.layer++;
	}
	memcpy(walk->engine->tracks + track * count, work->x,
	       count * sizeof(float));
	return ERR_OK;
}

/* A worker's share of the tracks.  Nothing in a block lets one see another. */
static void run_tracks(void *context, size_t worker)
{
	const struct block_walk *walk = context;
	struct engine *engine = walk->engine;
	struct team_share share = team_share(engine->model.config->tracks,
					     worker, engine->workers);

	for (size_t track = share.first; track < share.end; track++) {
		enum err err = run_track(walk, &engine->works[worker],
					 (uint32_t)track);

		if (err != ERR_OK)
			walk->outcomes[worker] = err;
	}
}

/* The tracks meet: h becomes what all of them go on with.  Never a mean over
 * fewer than all: that would be another model. */
static void combine_tracks(const struct engine *engine, float *h, size_t count)
{
	const struct config *config = engine->model.config;
	float parts =
		config->combine == CONFIG_MEAN ? (float)config->tracks : 1.0f;

	for (size_t i = 0; i < count; i++) {
		float sum = engine->tracks[i];

		for (size_t t = 1; t < config->tracks; t++)
			sum += engine->tracks[t * count + i];
		h[i] = sum / parts;
	}
}

static enum err run_block(struct engine *engine, const struct batch *batch,
			  uint32_t layer, float *h)
{
	enum err outcomes[TEAM_MAX] = { ERR_OK };
	struct block_walk walk = { engine, batch, layer, h, outcomes };

	if (engine->workers == 1)
		run_tracks(&walk, 0);
	else
		team_run(engine->team, run_tracks, &walk);
	for (size_t i = 0; i < engine->workers; i++)
		TRY(outcomes[i]);
	combine_tracks(engine, h, batch->count * engine->model.config->hidden);
	return ERR_OK;
}

/* From a layer to the layer `end`, on h [R][H]. */
static enum err run_blocks(struct engine *engine, const struct batch *batch,
			   uint32_t layer, uint32_t end, float *h)
{
	const struct config *config = engine->model.config;

	for (; layer < end; layer += config->block_depth) {
		TRY(run_block(engine, batch, layer, h));
		work_report(&engine->works[0], "h", layer, config->tracks, h,
			    batch->count * config->hidden);
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

static void set_form(struct engine *engine, enum engine_rows rows)
{
	enum activation_form form = rows == ENGINE_PROMPT
					    ? engine->shape.prompts
					    : ACTIVATION_INTEGERS;

	for (size_t i = 0; i < engine->workers; i++)
		work_set_form(&engine->works[i], form);
}

enum err engine_advance(struct engine *engine, enum engine_rows rows,
			const struct engine_input *inputs, size_t count)
{
	TRY(check_inputs(engine, inputs, count));
	set_form(engine, rows);
	enter(engine, inputs, count);
	TRY(run_blocks(engine, &engine->batch, 0,
		       first_late_layer(engine->model.config), engine->h));
	for (size_t i = 0; i < count; i++)
		inputs[i].session->position += inputs[i].count;
	return ERR_OK;
}

/* engine->last from rows of h, through the layers that waited. */
static enum err finish_rows(struct engine *engine, const size_t *rows,
			    size_t count)
{
	const struct config *config = engine->model.config;
	struct batch *wanted = &engine->wanted;
	uint32_t late = first_late_layer(config);

	wanted->count = count;
	for (size_t i = 0; i < count; i++) {
		invariant(rows[i] < engine->batch.count);
		wanted->rows[i] = engine->batch.rows[rows[i]];
		memcpy(engine->last + i * config->hidden,
		       engine->h + rows[i] * config->hidden,
		       config->hidden * sizeof(float));
	}
	if (late == config->layers)
		return ERR_OK;
	prepare_batch(engine, wanted);
	return run_blocks(engine, wanted, late, config->layers, engine->last);
}

/* Rows of the vocabulary are dealt to the team, whatever tracks are. */
static void multiply_output(void *context, size_t member)
{
	struct engine *engine = context;
	const struct matrix *output = &engine->model.weights->output;
	const struct multiply_input in = { engine->normed,
					   &engine->normed_activation,
					   engine->wanted.count };

	multiply(engine->model.kernel, output, &in,
		 multiply_share(output, member, team_size(engine->team)),
		 (struct multiply_output){ engine->logits, output->rows });
}

enum err engine_logits(struct engine *engine, const size_t *rows, size_t count,
		       const float **logits)
{
	const struct config *config = engine->model.config;
	const struct kernel *kernel = engine->model.kernel;
	const struct kernel_norm norm = { engine->model.weights->output_norm,
					  config->hidden, config->rms_epsilon };

	invariant(count > 0 && count <= engine->shape.logits);
	TRY(finish_rows(engine, rows, count));
	for (size_t i = 0; i < count; i++) {
		float *normed = engine->normed + i * config->hidden;

		kernel_rms_norm(kernel, &norm,
				engine->last + i * config->hidden, normed);
		kernel->set_row(&engine->normed_activation, i, normed,
				config->hidden);
	}
	team_run(engine->team, multiply_output, engine);
	for (size_t i = 0; i < count * config->vocabulary; i++)
		if (!isfinite(engine->logits[i]))
			return ERR_MALFORMED;
	*logits = engine->logits;
	return ERR_OK;
}
