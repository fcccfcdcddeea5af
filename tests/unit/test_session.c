/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/golden_file.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"

#define CONTEXT 64

static const struct gguf_limits file_limits = { .values = 256,
						.tensors = 1024,
						.array_count = 1u << 16,
						.string_bytes = 1u << 16 };
static const struct config_limits limits = {
	.layers = 64, .width = 4096, .vocabulary = 1024, .context = 4096
};

/* A model file, opened as far as a session needs it, and a session. */
struct fixture {
	struct bytes file;
	struct gguf gguf;
	struct config config;
	struct weights weights;
	struct session_model model;
	struct arena arena;
	struct session session;
};

static void open_session(struct fixture *fixture, struct bytes file,
			 const struct kernel *kernel)
{
	size_t bytes;

	*fixture = (struct fixture){ .file = file };
	cr_assert_eq(gguf_open(file, &file_limits, &fixture->gguf), ERR_OK);
	cr_assert_eq(config_read(&fixture->gguf, &limits, &fixture->config),
		     ERR_OK);
	cr_assert_eq(weights_open(&fixture->gguf, &fixture->config,
				  &fixture->weights),
		     ERR_OK);
	fixture->model = (struct session_model){ &fixture->config,
						 &fixture->weights, kernel };
	bytes = session_memory(&fixture->config, CONTEXT);
	fixture->arena = (struct arena){ aligned_alloc(64, bytes), bytes, 0 };
	cr_assert_not_null(fixture->arena.base);
	memset(fixture->arena.base, 0, bytes);
	cr_assert_eq(session_open(&fixture->session, &fixture->model, CONTEXT,
				  &fixture->arena),
		     ERR_OK);
	cr_assert_eq(fixture->arena.used, bytes, "no more, no less");
}

static void close_session(struct fixture *fixture)
{
	weights_close(&fixture->weights);
	gguf_close(&fixture->gguf);
	model_files_free(fixture->file);
	free(fixture->arena.base);
}

/* Some tokens of a vocabulary, the same in every run. */
static void some_tokens(uint32_t *tokens, size_t count, uint32_t vocabulary)
{
	uint64_t state = 7;

	for (size_t i = 0; i < count; i++) {
		state = state * 6364136223846793005u + 1;
		tokens[i] = (uint32_t)(state >> 33) % vocabulary;
	}
}

#define VOCABULARY_MAX 512

/* The logits after each token [count][V], fed by chunks of a size. */
static void run(struct fixture *fixture, const uint32_t *tokens, size_t count,
		size_t chunk, float *out)
{
	size_t vocabulary = fixture->config.vocabulary;
	const float *logits;

	for (size_t at = 0; at < count; at += chunk) {
		size_t rows = count - at < chunk ? count - at : chunk;

		cr_assert_eq(
			session_advance(&fixture->session, tokens + at, rows),
			ERR_OK);
		for (size_t r = 0; r < rows; r++) {
			cr_assert_eq(
				session_logits(&fixture->session, r, &logits),
				ERR_OK);
			memcpy(out, logits, vocabulary * sizeof(float));
			out += vocabulary;
		}
	}
}

/* --- Against the reference: tests/reference/README.md --- */

struct golden {
	struct bytes records;
	size_t compared;
};

/* Within 1e-4 of the largest value of the record. */
static void compare(struct golden *golden, const char *name,
		    const float *values, size_t count)
{
	static float expected[CONTEXT * VOCABULARY_MAX];
	size_t expected_count = golden_file_read(
		golden->records, name, expected, CONTEXT * VOCABULARY_MAX);
	float largest = 0, worst = 0;

	cr_assert_eq(count, expected_count, "%s", name);
	for (size_t i = 0; i < count; i++) {
		cr_assert(isfinite(values[i]));
		largest = fmaxf(largest, fabsf(expected[i]));
		worst = fmaxf(worst, fabsf(values[i] - expected[i]));
	}
	cr_assert_leq(worst, 1e-4f * largest, "%s is off by %g of %g", name,
		      (double)worst, (double)largest);
	golden->compared++;
}

static void report(void *context, const char *name, uint32_t layer,
		   uint32_t track, const float *values, size_t count)
{
	char full[64];

	/* What tracks share is named by its block, of two layers here. */
	if (strcmp(name, "h") == 0)
		(void)snprintf(full, sizeof(full), "b%u.h", layer / 2);
	else
		(void)snprintf(full, sizeof(full), "l%u.t%u.%s", layer, track,
			       name);
	compare(context, full, values, count);
}

static void compare_model(const char *name, size_t records)
{
	static float logits[CONTEXT * VOCABULARY_MAX];
	struct fixture fixture;
	struct golden golden = { 0 };
	const struct session_trace trace = { report, &golden };
	char path[64];
	uint32_t tokens[CONTEXT];
	size_t count;

	(void)snprintf(path, sizeof(path), "tests/reference/%s.gguf", name);
	open_session(&fixture, model_files_own(path), kernel_best());
	(void)snprintf(path, sizeof(path), "tests/reference/%s.golden", name);
	golden.records = model_files_own(path);
	count = golden_file_integers(golden.records, "tokens", tokens, CONTEXT);
	fixture.session.trace = &trace;
	run(&fixture, tokens, count, SESSION_CHUNK, logits);
	compare(&golden, "logits", logits, count * fixture.config.vocabulary);
	cr_assert_eq(golden.compared, records);
	model_files_free(golden.records);
	close_session(&fixture);
}

Test(session, every_intermediate_of_two_tracks_is_that_of_the_reference)
{
	compare_model("tiny", 79);
}

Test(session, every_intermediate_of_one_track_is_that_of_the_reference)
{
	compare_model("tiny_t1", 41);
}

/* --- Equivalences --- */

Test(session, tracks_with_equal_weights_equal_one_track)
{
	static float one[CONTEXT * VOCABULARY_MAX], two[sizeof(one) / 4];
	uint32_t tokens[30];
	struct fixture fixture;

	open_session(&fixture, model_files_own("tests/reference/tiny_t1.gguf"),
		     kernel_best());
	some_tokens(tokens, 30, fixture.config.vocabulary);
	run(&fixture, tokens, 30, 7, one);
	close_session(&fixture);
	open_session(&fixture,
		     model_files_own("tests/reference/tiny_equal.gguf"),
		     kernel_best());
	cr_assert_eq(fixture.config.tracks, 2);
	run(&fixture, tokens, 30, 7, two);
	cr_assert_arr_eq(one, two,
			 30 * fixture.config.vocabulary * sizeof(float));
	close_session(&fixture);
}

static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
					      MATRIX_Q8_0 };

Test(session, a_prompt_in_chunks_is_a_prompt_at_once)
{
	static float whole[CONTEXT * VOCABULARY_MAX], parts[sizeof(whole) / 4];
	static const size_t chunks[] = { 1, 2, 3, 5, 31 };
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[40];
	struct fixture fixture;

	some_tokens(tokens, 40, TINY_MODEL_VOCABULARY);
	for (size_t f = 0; f < 3; f++) {
		shape.format = formats[f];
		open_session(&fixture, tiny_model_build(&shape), kernel_best());
		run(&fixture, tokens, 40, SESSION_CHUNK, whole);
		close_session(&fixture);
		for (size_t c = 0; c < sizeof(chunks) / sizeof(*chunks); c++) {
			open_session(&fixture, tiny_model_build(&shape),
				     kernel_best());
			run(&fixture, tokens, 40, chunks[c], parts);
			cr_assert_arr_eq(whole, parts,
					 40 * TINY_MODEL_VOCABULARY *
						 sizeof(float),
					 "chunks of %zu", chunks[c]);
			close_session(&fixture);
		}
	}
}

Test(session, every_kernel_gives_the_same_bits)
{
	static float plain[CONTEXT * VOCABULARY_MAX], fast[sizeof(plain) / 4];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[40];
	struct fixture fixture;

	some_tokens(tokens, 40, TINY_MODEL_VOCABULARY);
	for (size_t f = 0; f < 3; f++) {
		shape.format = formats[f];
		open_session(&fixture, tiny_model_build(&shape), kernel_at(0));
		run(&fixture, tokens, 40, 9, plain);
		close_session(&fixture);
		for (size_t k = 1; kernel_at(k) != NULL; k++) {
			open_session(&fixture, tiny_model_build(&shape),
				     kernel_at(k));
			run(&fixture, tokens, 40, 9, fast);
			cr_assert_arr_eq(plain, fast,
					 40 * TINY_MODEL_VOCABULARY *
						 sizeof(float));
			close_session(&fixture);
		}
	}
}

/* Give every layer a cache of the whole context, in memory of the test. */
static float *remember_everything(struct fixture *fixture)
{
	size_t caches = (size_t)fixture->config.layers * fixture->config.tracks;
	size_t row = config_kv_width(&fixture->config);
	float *memory = calloc(2 * caches * CONTEXT * row, sizeof(float));

	cr_assert_not_null(memory);
	for (size_t i = 0; i < caches; i++) {
		fixture->session.caches[i] = (struct session_cache){
			.keys = memory + 2 * i * CONTEXT * row,
			.values = memory + (2 * i + 1) * CONTEXT * row,
			.slots = CONTEXT,
		};
	}
	return memory;
}

Test(session, a_ring_is_a_full_cache_with_a_mask)
{
	static float ring[CONTEXT * VOCABULARY_MAX], full[sizeof(ring) / 4];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[CONTEXT];
	struct fixture fixture;
	float *memory;

	some_tokens(tokens, CONTEXT, TINY_MODEL_VOCABULARY);
	for (shape.window = 1; shape.window < 80; shape.window *= 3) {
		open_session(&fixture, tiny_model_build(&shape), kernel_best());
		cr_assert_eq(fixture.session.caches[0].slots,
			     shape.window < CONTEXT ? shape.window + 1
						    : CONTEXT);
		run(&fixture, tokens, CONTEXT, 11, ring);
		close_session(&fixture);
		open_session(&fixture, tiny_model_build(&shape), kernel_best());
		memory = remember_everything(&fixture);
		run(&fixture, tokens, CONTEXT, 11, full);
		cr_assert_arr_eq(ring, full,
				 CONTEXT * TINY_MODEL_VOCABULARY *
					 sizeof(float));
		close_session(&fixture);
		free(memory);
	}
}

Test(session, a_token_sees_its_window_and_no_further)
{
	struct tiny_model_shape shape = tiny_model_shape();
	static float first[CONTEXT * VOCABULARY_MAX], second[sizeof(first) / 4];
	uint32_t tokens[2][20];
	struct fixture fixture;
	size_t width = TINY_MODEL_VOCABULARY;

	/* One local layer: the token at 0 is seen up to position W. */
	shape.layers = 1;
	shape.block_depth = 1;
	some_tokens(tokens[0], 20, TINY_MODEL_VOCABULARY);
	memcpy(tokens[1], tokens[0], sizeof(tokens[0]));
	tokens[1][0] = (tokens[0][0] + 1) % TINY_MODEL_VOCABULARY;
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	run(&fixture, tokens[0], 20, 20, first);
	close_session(&fixture);
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	run(&fixture, tokens[1], 20, 20, second);
	close_session(&fixture);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(memcmp(first + i * width, second + i * width,
				    width * sizeof(float)) != 0,
			     i <= shape.window, "position %zu", i);
}

Test(session, experts_sorted_are_experts_one_by_one)
{
	static float sorted[CONTEXT * VOCABULARY_MAX];
	static float single[sizeof(sorted) / 4];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[32];
	struct fixture fixture;

	/* Many experts, so that some get no row and some get several. */
	shape.experts = 16;
	shape.experts_used = 5;
	some_tokens(tokens, 32, TINY_MODEL_VOCABULARY);
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	run(&fixture, tokens, 32, 32, sorted);
	close_session(&fixture);
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	run(&fixture, tokens, 32, 1, single);
	cr_assert_arr_eq(sorted, single,
			 32 * TINY_MODEL_VOCABULARY * sizeof(float));
	close_session(&fixture);
}

/* Every row has k different experts whose shares are 1 together. */
static void check_choice(void *context, const char *name, uint32_t layer,
			 uint32_t track, const float *values, size_t count)
{
	size_t *seen = context;

	(void)layer;
	(void)track;
	for (size_t i = 0; strcmp(name, "experts") == 0 && i < count; i += 2)
		cr_assert_neq(values[i], values[i + 1]);
	for (size_t i = 0; strcmp(name, "expert_weights") == 0 && i < count;
	     i += 2) {
		cr_assert_float_eq((double)(values[i] + values[i + 1]), 1,
				   1e-6);
		cr_assert_geq(values[i], values[i + 1]);
		(*seen)++;
	}
}

Test(session, no_token_is_dropped_by_the_experts)
{
	static float logits[CONTEXT * VOCABULARY_MAX];
	struct tiny_model_shape shape = tiny_model_shape();
	size_t seen = 0;
	const struct session_trace trace = { check_choice, &seen };
	uint32_t tokens[32] = { 0 }; /* all alike: the most uneven choice */
	struct fixture fixture;

	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	fixture.session.trace = &trace;
	run(&fixture, tokens, 32, 32, logits);
	cr_assert_eq(seen, 32u * 2 * 2);
	close_session(&fixture);
}

struct states {
	float first[2 * 32];
	size_t count;
};

static void keep_first_state(void *context, const char *name, uint32_t layer,
			     uint32_t track, const float *values, size_t count)
{
	struct states *states = context;

	(void)track;
	if (strcmp(name, "h") != 0 || layer != 0)
		return;
	memcpy(states->first + states->count, values, count * sizeof(float));
	states->count += count;
}

Test(session, tracks_combine_by_mean_or_sum)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct states states = { 0 };
	const struct session_trace trace = { keep_first_state, &states };
	const uint32_t token = 5;
	struct fixture fixture;

	for (int i = 0; i < 2; i++) {
		shape.combine = i == 0 ? "mean" : "sum";
		open_session(&fixture, tiny_model_build(&shape), kernel_best());
		fixture.session.trace = &trace;
		cr_assert_eq(session_advance(&fixture.session, &token, 1),
			     ERR_OK);
		close_session(&fixture);
	}
	for (size_t i = 0; i < 32; i++)
		cr_assert_eq(states.first[i] * 2, states.first[32 + i]);
}

/* --- Refusals --- */

Test(session, a_full_context_takes_nothing_more)
{
	static float logits[CONTEXT * VOCABULARY_MAX];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[CONTEXT];
	struct fixture fixture;

	some_tokens(tokens, CONTEXT, TINY_MODEL_VOCABULARY);
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	run(&fixture, tokens, CONTEXT - 1, SESSION_CHUNK, logits);
	cr_assert_eq(session_advance(&fixture.session, tokens, 2),
		     ERR_TOO_LARGE);
	cr_assert_eq(fixture.session.position, CONTEXT - 1);
	cr_assert_eq(session_advance(&fixture.session, tokens, 1), ERR_OK);
	cr_assert_eq(session_advance(&fixture.session, tokens, 1),
		     ERR_TOO_LARGE);
	close_session(&fixture);
}

Test(session, a_token_that_is_none_is_refused)
{
	struct tiny_model_shape shape = tiny_model_shape();
	const uint32_t tokens[] = { 1, TINY_MODEL_VOCABULARY };
	struct fixture fixture;

	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	cr_assert_eq(session_advance(&fixture.session, tokens, 2),
		     ERR_MALFORMED);
	cr_assert_eq(fixture.session.position, 0);
	close_session(&fixture);
}

Test(session, an_arena_or_a_model_too_small_is_told)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct fixture fixture;
	struct session session;

	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	for (size_t size = 0; size < fixture.arena.size; size += 64) {
		struct arena small = { fixture.arena.base, size, 0 };

		cr_assert_eq(
			session_open(&session, &fixture.model, CONTEXT, &small),
			ERR_TOO_LARGE);
	}
	cr_assert_eq(session_open(&session, &fixture.model, shape.context + 1,
				  &fixture.arena),
		     ERR_TOO_LARGE);
	close_session(&fixture);
}

Test(session, numbers_that_break_down_are_an_error)
{
	struct tiny_model_shape shape = tiny_model_shape();
	const uint32_t tokens[] = { 1, 2, 3 };
	struct fixture fixture;
	const float *logits;
	enum err err;

	shape.scale = 1e37f; /* finite weights, infinite products */
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	err = session_advance(&fixture.session, tokens, 3);
	if (err == ERR_OK)
		err = session_logits(&fixture.session, 2, &logits);
	cr_assert_eq(err, ERR_MALFORMED);
	close_session(&fixture);
	/* And where there is no router to notice. */
	shape.experts = 0;
	open_session(&fixture, tiny_model_build(&shape), kernel_best());
	cr_assert_eq(session_advance(&fixture.session, tokens, 3), ERR_OK);
	cr_assert_eq(session_logits(&fixture.session, 2, &logits),
		     ERR_MALFORMED);
	close_session(&fixture);
}
