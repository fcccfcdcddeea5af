/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/session.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/figure.h"
#include "tests/system.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"
#include "tests/unit/tiny_model.h"

/* --- Against the reference: tests/reference/README.md --- */

Test(session, every_intermediate_of_two_tracks_is_that_of_the_reference)
{
	cr_assert_eq(opened_session_compare("tiny"), 79);
}

Test(session, every_intermediate_of_one_track_is_that_of_the_reference)
{
	cr_assert_eq(opened_session_compare("tiny_t1"), 41);
}

Test(session, every_intermediate_of_reused_keys_is_that_of_the_reference)
{
	/* Two layers at once and two row by row, of two tracks: 10 tokens. */
	cr_assert_eq(opened_session_compare("tiny_reuse"),
		     2 * 2 * 8 + 1 + 10 * (2 * 2 * 6 + 1) + 1);
}

/* --- Equivalences --- */

Test(session, tracks_with_equal_weights_equal_one_track)
{
	static float one[OPENED_SESSION_FLOATS], two[sizeof(one) / 4];
	uint32_t tokens[30];
	struct opened_session fixture;

	opened_session_open(&fixture,
			    model_files_own("tests/reference/tiny_t1.gguf"),
			    kernel_best());
	opened_session_tokens(tokens, 30, fixture.config.vocabulary);
	opened_session_run(&fixture, tokens, 30, 7, one);
	opened_session_close(&fixture);
	opened_session_open(&fixture,
			    model_files_own("tests/reference/tiny_equal.gguf"),
			    kernel_best());
	cr_assert_eq(fixture.config.tracks, 2);
	opened_session_run(&fixture, tokens, 30, 7, two);
	cr_assert_arr_eq(one, two,
			 30 * fixture.config.vocabulary * sizeof(float));
	opened_session_close(&fixture);
}

static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
					      MATRIX_Q8_0 };

Test(session, a_prompt_in_chunks_is_a_prompt_at_once)
{
	static float whole[OPENED_SESSION_FLOATS], parts[sizeof(whole) / 4];
	static const size_t chunks[] = { 1, 2, 3, 5, 31 };
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[40];
	struct opened_session fixture;

	opened_session_tokens(tokens, 40, TINY_MODEL_VOCABULARY);
	for (size_t f = 0; f < 3; f++) {
		shape.format = formats[f];
		opened_session_open(&fixture, tiny_model_build(&shape),
				    kernel_best());
		opened_session_run(&fixture, tokens, 40, OPENED_SESSION_CHUNK,
				   whole);
		opened_session_close(&fixture);
		for (size_t c = 0; c < sizeof(chunks) / sizeof(*chunks); c++) {
			opened_session_open(&fixture, tiny_model_build(&shape),
					    kernel_best());
			opened_session_run(&fixture, tokens, 40, chunks[c],
					   parts);
			cr_assert_arr_eq(whole, parts,
					 40 * TINY_MODEL_VOCABULARY *
						 sizeof(float),
					 "chunks of %zu", chunks[c]);
			opened_session_close(&fixture);
		}
	}
}

Test(session, every_kernel_gives_the_same_bits)
{
	static float plain[OPENED_SESSION_FLOATS], fast[sizeof(plain) / 4];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[40];
	struct opened_session fixture;

	opened_session_tokens(tokens, 40, TINY_MODEL_VOCABULARY);
	for (size_t f = 0; f < 3; f++) {
		shape.format = formats[f];
		opened_session_open(&fixture, tiny_model_build(&shape),
				    kernel_at(0));
		opened_session_run(&fixture, tokens, 40, 9, plain);
		opened_session_close(&fixture);
		for (size_t k = 1; kernel_at(k) != NULL; k++) {
			opened_session_open(&fixture, tiny_model_build(&shape),
					    kernel_at(k));
			opened_session_run(&fixture, tokens, 40, 9, fast);
			cr_assert_arr_eq(plain, fast,
					 40 * TINY_MODEL_VOCABULARY *
						 sizeof(float));
			opened_session_close(&fixture);
		}
	}
}

/* Give every layer a cache of the whole context, in memory of the test. */
static uint8_t *remember_everything(struct opened_session *fixture)
{
	const struct config *config = &fixture->config;
	const struct cache_shape shape = { KERNEL_F32, OPENED_SESSION_CONTEXT,
					   config->kv_heads,
					   config->head_width };
	size_t caches = (size_t)config->layers * config->tracks;
	struct arena arena = { .size = caches * cache_memory(&shape) };

	arena.base = aligned_alloc(64, arena.size);
	cr_assert_not_null(arena.base);
	memset(arena.base, 0, arena.size);
	for (size_t i = 0; i < caches; i++)
		cr_assert_eq(
			cache_open(&fixture->session.caches[i], &shape, &arena),
			ERR_OK);
	return arena.base;
}

static void compare_ring(const struct tiny_model_shape *shape,
			 const struct opened_session_how *how)
{
	static float ring[OPENED_SESSION_FLOATS], full[sizeof(ring) / 4];
	struct opened_session_how unlimited = *how;
	uint32_t tokens[OPENED_SESSION_CONTEXT];
	struct opened_session fixture;
	uint8_t *memory;

	opened_session_tokens(tokens, OPENED_SESSION_CONTEXT,
			      TINY_MODEL_VOCABULARY);
	opened_session_open_how(&fixture, tiny_model_build(shape), how);
	cr_assert_lt(fixture.session.caches[0].slots, OPENED_SESSION_CONTEXT);
	opened_session_run(&fixture, tokens, OPENED_SESSION_CONTEXT, how->chunk,
			   ring);
	opened_session_close(&fixture);
	unlimited.chunk = 0;
	opened_session_open_how(&fixture, tiny_model_build(shape), &unlimited);
	memory = remember_everything(&fixture);
	opened_session_run(&fixture, tokens, OPENED_SESSION_CONTEXT, 11, full);
	cr_assert_arr_eq(ring, full,
			 OPENED_SESSION_CONTEXT * TINY_MODEL_VOCABULARY *
				 sizeof(float));
	opened_session_close(&fixture);
	free(memory);
}

Test(session, a_ring_is_a_full_cache_with_a_mask)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct opened_session_how how = { .kernel = kernel_best(),
					  .store = KERNEL_F32,
					  .chunk = 5 };

	for (shape.window = 1; shape.window < 12; shape.window *= 3) {
		how.prompts = ACTIVATION_INTEGERS;
		compare_ring(&shape, &how);
		how.prompts = ACTIVATION_BF16;
		compare_ring(&shape, &how);
	}
}

Test(session, a_token_sees_its_window_and_no_further)
{
	struct tiny_model_shape shape = tiny_model_shape();
	static float first[OPENED_SESSION_FLOATS], second[sizeof(first) / 4];
	uint32_t tokens[2][20];
	struct opened_session fixture;
	size_t width = TINY_MODEL_VOCABULARY;

	/* One local layer: the token at 0 is seen up to position W. */
	shape.layers = 1;
	shape.block_depth = 1;
	opened_session_tokens(tokens[0], 20, TINY_MODEL_VOCABULARY);
	memcpy(tokens[1], tokens[0], sizeof(tokens[0]));
	tokens[1][0] = (tokens[0][0] + 1) % TINY_MODEL_VOCABULARY;
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	opened_session_run(&fixture, tokens[0], 20, 20, first);
	opened_session_close(&fixture);
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	opened_session_run(&fixture, tokens[1], 20, 20, second);
	opened_session_close(&fixture);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(memcmp(first + i * width, second + i * width,
				    width * sizeof(float)) != 0,
			     i <= shape.window, "position %zu", i);
}

Test(session, experts_sorted_are_experts_one_by_one)
{
	static float sorted[OPENED_SESSION_FLOATS];
	static float single[sizeof(sorted) / 4];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[32];
	struct opened_session fixture;

	/* Many experts, so that some get no row and some get several. */
	shape.experts = 16;
	shape.experts_used = 5;
	opened_session_tokens(tokens, 32, TINY_MODEL_VOCABULARY);
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	opened_session_run(&fixture, tokens, 32, 32, sorted);
	opened_session_close(&fixture);
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	opened_session_run(&fixture, tokens, 32, 1, single);
	cr_assert_arr_eq(sorted, single,
			 32 * TINY_MODEL_VOCABULARY * sizeof(float));
	opened_session_close(&fixture);
}

static void open_reuse(struct opened_session *opened)
{
	opened_session_open(opened,
			    model_files_own("tests/reference/tiny_reuse.gguf"),
			    kernel_best());
}

static void run_reuse(enum activation_form prompts, size_t chunk, float *out)
{
	const struct opened_session_how how = { .kernel = kernel_best(),
						.store = KERNEL_F16,
						.prompts = prompts };
	uint32_t tokens[OPENED_SESSION_CONTEXT];
	struct opened_session fixture;

	opened_session_open_how(
		&fixture, model_files_own("tests/reference/tiny_reuse.gguf"),
		&how);
	opened_session_tokens(tokens, OPENED_SESSION_CONTEXT,
			      fixture.config.vocabulary);
	opened_session_run(&fixture, tokens, OPENED_SESSION_CONTEXT, chunk,
			   out);
	opened_session_close(&fixture);
}

Test(session, reused_keys_in_chunks_are_reused_keys_at_once)
{
	static float whole[OPENED_SESSION_FLOATS];
	static float parts[OPENED_SESSION_FLOATS];
	static const size_t chunks[] = { 1, 2, 5, 31 };

	for (int n = ACTIVATION_INTEGERS; n <= ACTIVATION_BF16; n++) {
		run_reuse((enum activation_form)n, OPENED_SESSION_CHUNK, whole);
		for (size_t c = 0; c < 4; c++) {
			run_reuse((enum activation_form)n, chunks[c], parts);
			cr_assert_arr_eq(whole, parts, sizeof(whole),
					 "chunks of %zu", chunks[c]);
		}
	}
}

/* Rows that went through each layer of one track. */
static void count_rows(void *context, const char *name, uint32_t layer,
		       uint32_t track, const float *values, size_t count)
{
	size_t *rows = context;

	(void)values;
	if (strcmp(name, "attn_norm") == 0 && track == 0)
		rows[layer] += count / 32;
}

Test(session, layers_without_keys_run_for_the_rows_that_are_wanted_alone)
{
	size_t rows[4] = { 0 };
	const struct work_trace trace = { count_rows, rows };
	uint32_t tokens[20];
	struct opened_session fixture;
	const float *logits;

	open_reuse(&fixture);
	opened_session_tokens(tokens, 20, fixture.config.vocabulary);
	engine_watch(&fixture.engine, &trace);
	cr_assert_eq(opened_session_advance(&fixture, tokens, 20), ERR_OK);
	cr_assert_eq(opened_session_logits(&fixture, 19, &logits), ERR_OK);
	cr_assert_eq(rows[0], 20);
	cr_assert_eq(rows[1], 20);
	cr_assert_eq(rows[2], 1);
	cr_assert_eq(rows[3], 1);
	opened_session_close(&fixture);
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
	static float logits[OPENED_SESSION_FLOATS];
	struct tiny_model_shape shape = tiny_model_shape();
	size_t seen = 0;
	const struct work_trace trace = { check_choice, &seen };
	uint32_t tokens[32] = { 0 }; /* all alike: the most uneven choice */
	struct opened_session fixture;

	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	engine_watch(&fixture.engine, &trace);
	opened_session_run(&fixture, tokens, 32, 32, logits);
	cr_assert_eq(seen, 32u * 2 * 2);
	opened_session_close(&fixture);
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
	const struct work_trace trace = { keep_first_state, &states };
	const uint32_t token = 5;
	struct opened_session fixture;

	for (int i = 0; i < 2; i++) {
		shape.combine = i == 0 ? "mean" : "sum";
		opened_session_open(&fixture, tiny_model_build(&shape),
				    kernel_best());
		engine_watch(&fixture.engine, &trace);
		cr_assert_eq(opened_session_advance(&fixture, &token, 1),
			     ERR_OK);
		opened_session_close(&fixture);
	}
	for (size_t i = 0; i < 32; i++)
		cr_assert_eq(states.first[i] * 2, states.first[32 + i]);
}

/* --- Refusals --- */

Test(session, a_full_context_takes_nothing_more)
{
	static float logits[OPENED_SESSION_FLOATS];
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[OPENED_SESSION_CONTEXT];
	struct opened_session fixture;

	opened_session_tokens(tokens, OPENED_SESSION_CONTEXT,
			      TINY_MODEL_VOCABULARY);
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	opened_session_run(&fixture, tokens, OPENED_SESSION_CONTEXT - 1,
			   OPENED_SESSION_CHUNK, logits);
	cr_assert_eq(opened_session_advance(&fixture, tokens, 2),
		     ERR_TOO_LARGE);
	cr_assert_eq(fixture.session.position, OPENED_SESSION_CONTEXT - 1);
	cr_assert_eq(opened_session_advance(&fixture, tokens, 1), ERR_OK);
	cr_assert_eq(opened_session_advance(&fixture, tokens, 1),
		     ERR_TOO_LARGE);
	opened_session_close(&fixture);
}

Test(session, a_token_that_is_none_is_refused)
{
	struct tiny_model_shape shape = tiny_model_shape();
	const uint32_t tokens[] = { 1, TINY_MODEL_VOCABULARY };
	struct opened_session fixture;

	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	cr_assert_eq(opened_session_advance(&fixture, tokens, 2),
		     ERR_MALFORMED);
	cr_assert_eq(fixture.session.position, 0);
	opened_session_close(&fixture);
}

Test(session, an_arena_or_a_model_too_small_is_told)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct session_shape wanted = { OPENED_SESSION_CONTEXT, 8, KERNEL_F16 };
	const struct engine_shape room = { .rows = 8,
					   .logits = 1,
					   .context = OPENED_SESSION_CONTEXT };
	struct opened_session fixture;
	struct session session;
	struct engine engine;

	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	for (size_t size = 0; size < session_memory(&fixture.config, &wanted);
	     size += 64) {
		struct arena small = { fixture.arena.base, size, 0 };

		cr_assert_eq(session_open(&session, &fixture.config, &wanted,
					  &small),
			     ERR_TOO_LARGE);
	}
	for (size_t size = 0; size < engine_memory(&fixture.config, &room, 1);
	     size += 64) {
		struct arena small = { fixture.arena.base, size, 0 };

		cr_assert_eq(engine_open(&engine, &fixture.model, &room, NULL,
					 &small),
			     ERR_TOO_LARGE);
	}
	wanted.context = shape.context + 1;
	cr_assert_eq(session_open(&session, &fixture.config, &wanted,
				  &fixture.arena),
		     ERR_TOO_LARGE);
	opened_session_close(&fixture);
}

Test(session, numbers_that_break_down_are_an_error)
{
	struct tiny_model_shape shape = tiny_model_shape();
	const uint32_t tokens[] = { 1, 2, 3 };
	struct opened_session fixture;
	const float *logits;
	enum err err;

	shape.scale = 1e37f; /* finite weights, infinite products */
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	err = opened_session_advance(&fixture, tokens, 3);
	if (err == ERR_OK)
		err = opened_session_logits(&fixture, 2, &logits);
	cr_assert_eq(err, ERR_MALFORMED);
	opened_session_close(&fixture);
	/* And where there is no router to notice. */
	shape.experts = 0;
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	err = opened_session_advance(&fixture, tokens, 3);
	if (err == ERR_OK)
		err = opened_session_logits(&fixture, 2, &logits);
	cr_assert_eq(err, ERR_MALFORMED);
	opened_session_close(&fixture);
}

/* Logits of all tokens, or an error; how long it took in microseconds. */
static uint64_t time_of(float scale, enum err *err)
{
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[OPENED_SESSION_CHUNK];
	struct opened_session fixture;
	uint64_t began;
	const float *logits;

	shape.scale = scale;
	opened_session_tokens(tokens, OPENED_SESSION_CHUNK,
			      TINY_MODEL_VOCABULARY);
	opened_session_open(&fixture, tiny_model_build(&shape), kernel_best());
	began = system_now_us();
	*err = opened_session_advance(&fixture, tokens, OPENED_SESSION_CHUNK);
	if (*err == ERR_OK)
		*err = opened_session_logits(&fixture, OPENED_SESSION_CHUNK - 1,
					     &logits);
	for (size_t i = 0; *err == ERR_OK && i < TINY_MODEL_VOCABULARY; i++)
		cr_assert(isfinite(logits[i]));
	began = system_now_us() - began;
	opened_session_close(&fixture);
	return began;
}

/* From weights that are hardly numbers to those whose products are none. */
Test(session, weights_of_any_size_end_in_numbers_or_an_error)
{
	static const float scales[] = { 0,	1e-45f, 1e-42f, 1e-39f,
					1e-38f, 1e-30f, 1e-20f, 1e-10f,
					1e10f,	1e20f,	1e30f,	1e37f };
	const size_t count = sizeof(scales) / sizeof(scales[0]);
	uint64_t longest = 0, usual;
	size_t typed = 0;
	enum err err;

	(void)time_of(1, &err);
	usual = time_of(1, &err);
	cr_assert_eq(err, ERR_OK);
	for (size_t i = 0; i < count; i++) {
		uint64_t us = time_of(scales[i], &err);

		longest = us > longest ? us : longest;
		typed += err == ERR_OK || err == ERR_MALFORMED;
	}
	figure_all("H4",
		   "sizes of weights, denormal to infinite, that end in "
		   "numbers or an error",
		   typed, count);
	/* The limit is for a machine that is busy. */
	figure_at_most("H4", "the slowest, over weights of the usual size",
		       (double)longest / (double)(usual + 1), "times", 500);
}

/* How many tokens go in before one is refused, so many at a time. */
static size_t count_taken(const struct tiny_model_shape *shape,
			  const struct opened_session_how *how,
			  const uint32_t *tokens, size_t chunk)
{
	struct opened_session fixture;
	size_t taken = 0;

	opened_session_open_how(&fixture, tiny_model_build(shape), how);
	while (taken + chunk <= OPENED_SESSION_CONTEXT &&
	       opened_session_advance(&fixture, tokens + taken, chunk) ==
		       ERR_OK)
		taken += chunk;
	opened_session_close(&fixture);
	return taken;
}

/* Some values of this scale are infinite as halves: what comes before them
 * goes in, and nothing that is beside one. */
Test(session, a_value_that_is_none_stops_its_batch_and_nothing_before)
{
	struct tiny_model_shape shape = tiny_model_shape();
	uint32_t tokens[OPENED_SESSION_CONTEXT];
	size_t stopped = 0;

	opened_session_tokens(tokens, OPENED_SESSION_CONTEXT,
			      TINY_MODEL_VOCABULARY);
	shape.experts = 0;
	for (int n = ACTIVATION_INTEGERS; n <= ACTIVATION_BF16; n++) {
		for (shape.scale = 2000; shape.scale < 2e5f;
		     shape.scale *= 1.2f) {
			const struct opened_session_how how = {
				.kernel = kernel_best(),
				.store = KERNEL_F16,
				.prompts = (enum activation_form)n,
			};
			size_t most = count_taken(&shape, &how, tokens, 1);

			if (most == 0 || most == OPENED_SESSION_CONTEXT)
				continue;
			stopped++;
			for (size_t chunk = 2; chunk < 17; chunk *= 2)
				cr_assert_eq(count_taken(&shape, &how, tokens,
							 chunk),
					     most / chunk * chunk);
		}
	}
	cr_log_info("%zu models stopped on the way", stopped);
	cr_assert_gt(stopped, 0);
}
