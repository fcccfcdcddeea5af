/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/opened_session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/golden_file.h"
#include "tests/unit/model_files.h"

static const struct gguf_limits file_limits = { .values = 256,
						.tensors = 1024,
						.array_count = 1u << 16,
						.string_bytes = 1u << 16 };
static const struct config_limits limits = {
	.layers = 64, .width = 4096, .vocabulary = 1024, .context = 4096
};

static struct arena arena_of(size_t bytes)
{
	struct arena made = { .size = bytes };

	if (bytes == 0)
		return made;
	made.base = aligned_alloc(64, bytes);
	cr_assert_not_null(made.base);
	memset(made.base, 0, bytes);
	return made;
}

/* What a model consists of; closed piece by piece where one fails. */
static enum err read_model(struct opened_session *opened)
{
	TRY(gguf_open(opened->file, &file_limits, &opened->gguf));
	TRY(config_read(&opened->gguf, &limits, &opened->config));
	opened->packed = arena_of(weights_memory(&opened->gguf));
	return weights_open(&opened->gguf, &opened->config, &opened->packed,
			    &opened->weights);
}

enum err opened_session_try(struct bytes file)
{
	struct opened_session opened = { .file = file };
	enum err err = read_model(&opened);

	opened_session_close(&opened);
	return err;
}

void opened_session_open(struct opened_session *opened, struct bytes file,
			 const struct kernel *kernel)
{
	const struct opened_session_how how = { .kernel = kernel,
						.store = KERNEL_F32 };

	opened_session_open_how(opened, file, &how);
}

void opened_session_open_how(struct opened_session *opened, struct bytes file,
			     const struct opened_session_how *how)
{
	size_t chunk = how->chunk == 0 ? OPENED_SESSION_CHUNK : how->chunk;
	const struct session_shape shape = { OPENED_SESSION_CONTEXT, chunk,
					     how->store };
	const struct engine_shape engine = { .rows = chunk,
					     .logits = 1,
					     .context = OPENED_SESSION_CONTEXT,
					     .prompts = how->prompts };
	size_t bytes;

	*opened = (struct opened_session){ .file = file };
	cr_assert_eq(read_model(opened), ERR_OK);
	cr_assert_eq(opened->packed.used, opened->packed.size);
	opened->model = (struct work_model){ &opened->config, &opened->weights,
					     how->kernel };
	bytes = session_memory(&opened->config, &shape) +
		engine_memory(&opened->config, &engine, team_size(how->team));
	opened->arena = arena_of(bytes);
	cr_assert_eq(session_open(&opened->session, &opened->config, &shape,
				  &opened->arena),
		     ERR_OK);
	cr_assert_eq(engine_open(&opened->engine, &opened->model, &engine,
				 how->team, &opened->arena),
		     ERR_OK);
	cr_assert_eq(opened->arena.used, bytes, "no more, no less");
}

void opened_session_close(struct opened_session *opened)
{
	weights_close(&opened->weights);
	gguf_close(&opened->gguf);
	model_files_free(opened->file);
	free(opened->arena.base);
	free(opened->packed.base);
}

enum err opened_session_advance(struct opened_session *opened,
				const uint32_t *tokens, size_t count)
{
	const struct engine_input input = { &opened->session, tokens, count };

	return engine_advance(&opened->engine, ENGINE_PROMPT, &input, 1);
}

enum err opened_session_logits(struct opened_session *opened, size_t row,
			       const float **logits)
{
	return engine_logits(&opened->engine, &row, 1, logits);
}

void opened_session_tokens(uint32_t *tokens, size_t count, uint32_t vocabulary)
{
	uint64_t state = 7;

	for (size_t i = 0; i < count; i++) {
		state = state * 6364136223846793005u + 1;
		tokens[i] = (uint32_t)(state >> 33) % vocabulary;
	}
}

void opened_session_run(struct opened_session *opened, const uint32_t *tokens,
			size_t count, size_t chunk, float *out)
{
	size_t vocabulary = opened->config.vocabulary;
	const float *logits;

	cr_assert_leq(vocabulary, OPENED_SESSION_VOCABULARY);
	for (size_t at = 0; at < count; at += chunk) {
		size_t rows = count - at < chunk ? count - at : chunk;

		cr_assert_eq(opened_session_advance(opened, tokens + at, rows),
			     ERR_OK);
		for (size_t r = 0; r < rows; r++) {
			cr_assert_eq(opened_session_logits(opened, r, &logits),
				     ERR_OK);
			memcpy(out, logits, vocabulary * sizeof(float));
			out += vocabulary;
		}
	}
}

struct golden {
	struct bytes records;
	const struct opened_session *opened;
	size_t tokens;
	size_t row; /* of the next report of the last layer */
	size_t compared;
};

/* A report of all rows, or, from layers that are run row by row, of one. */
static void compare(struct golden *golden, const char *name,
		    const float *values, size_t count)
{
	static float record[OPENED_SESSION_FLOATS];
	const float *expected = record;
	size_t expected_count = golden_file_read(golden->records, name, record,
						 OPENED_SESSION_FLOATS);
	float largest = 0, worst = 0;

	if (count != expected_count) {
		cr_assert_eq(count * golden->tokens, expected_count, "%s",
			     name);
		expected += golden->row * count;
	}
	for (size_t i = 0; i < expected_count; i++)
		largest = fmaxf(largest, fabsf(record[i]));
	for (size_t i = 0; i < count; i++) {
		cr_assert(isfinite(values[i]));
		worst = fmaxf(worst, fabsf(values[i] - expected[i]));
	}
	cr_assert_leq(worst, 1e-4f * largest, "%s is off by %g of %g", name,
		      (double)worst, (double)largest);
	golden->compared++;
}

/* The names of records: tests/reference/README.md.  What tracks share is the
 * last that is said of a row, and named by its block. */
static void report(void *context, const char *name, uint32_t layer,
		   uint32_t track, const float *values, size_t count)
{
	struct golden *golden = context;
	const struct config *config = &golden->opened->config;
	char full[64];

	if (strcmp(name, "h") != 0) {
		(void)snprintf(full, sizeof(full), "l%u.t%u.%s", layer, track,
			       name);
		compare(golden, full, values, count);
		return;
	}
	(void)snprintf(full, sizeof(full), "b%u.h",
		       layer / config->block_depth);
	compare(golden, full, values, count);
	if (layer + config->block_depth == config->layers)
		golden->row++;
}

size_t opened_session_compare(const char *name)
{
	static float logits[OPENED_SESSION_FLOATS];
	struct opened_session opened;
	struct golden golden = { .opened = &opened };
	const struct work_trace trace = { report, &golden };
	char path[96];
	uint32_t tokens[OPENED_SESSION_CONTEXT];

	(void)snprintf(path, sizeof(path), "tests/reference/%s.gguf", name);
	opened_session_open(&opened, model_files_own(path), kernel_best());
	(void)snprintf(path, sizeof(path), "tests/reference/%s.golden", name);
	golden.records = model_files_own(path);
	golden.tokens = golden_file_integers(golden.records, "tokens", tokens,
					     OPENED_SESSION_CONTEXT);
	engine_watch(&opened.engine, &trace);
	opened_session_run(&opened, tokens, golden.tokens, OPENED_SESSION_CHUNK,
			   logits);
	compare(&golden, "logits", logits,
		golden.tokens * opened.config.vocabulary);
	model_files_free(golden.records);
	opened_session_close(&opened);
	return golden.compared;
}
