/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One prompt and one seed, again and again: on every instruction-set path, by
 * one thread and by two, and beside a neighbour who wants it to be otherwise.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/engine.h"
#include "inference/generate.h"
#include "inference/team.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"
#include "tests/unit/tiny_model.h"

#define CONTEXT 64
#define TOKENS 6
#define TEXT_MAX 1024
#define COMPARISONS 3000 /* the long form goes on for its time */
#define WAYS_MAX 16

static const struct model_limits limits = { .layers = 1024,
					    .width = 1u << 16,
					    .vocabulary = 1u << 18,
					    .context = 4096 };

/* A way to compute: a path, a number of threads; with a model of its own, as a
 * node that was started anew has. */
struct way {
	const char *kernel;
	struct team *team;
	struct bytes file;
	struct model *model;
	struct arena arena;
};

struct answer {
	char text[TEXT_MAX];
	size_t len;
	uint32_t tokens;
};

static void open_way(const struct tiny_model_shape *shape, size_t kernel,
		     size_t threads, struct way *out)
{
	const struct generate_room room = { .context_max = CONTEXT,
					    .threads = threads };

	*out = (struct way){ .kernel = model_kernel(kernel),
			     .file = tiny_model_build(shape) };
	if (threads > 1)
		cr_assert_eq(team_open(threads, &out->team), ERR_OK);
	cr_assert_eq(model_open(out->file, &limits, NULL, &out->model), ERR_OK);
	model_choose_kernel(out->model, kernel);
	out->arena.size = generate_memory(out->model, &room) / 64 * 64 + 64;
	out->arena.base = aligned_alloc(64, out->arena.size);
	cr_assert_not_null(out->arena.base);
	memset(out->arena.base, 0, out->arena.size);
}

static void close_way(struct way *way)
{
	model_close(way->model);
	model_files_free(way->file);
	free(way->arena.base);
	if (way->team != NULL)
		team_close(way->team);
}

/* All paths of this processor, by one thread and by two. */
static size_t open_ways(const struct tiny_model_shape *shape, struct way *ways)
{
	size_t count = 0;

	for (size_t k = 0; model_kernel(k) != NULL; k++)
		for (size_t threads = 1; threads <= 2; threads++) {
			cr_assert_lt(count, WAYS_MAX);
			open_way(shape, k, threads, &ways[count++]);
		}
	return count;
}

static void ask(struct way *way, const char *prompt, uint32_t seed,
		struct answer *out)
{
	struct generate_options options = { .temperature = 1,
					    .top_p = 1,
					    .tokens_max = TOKENS,
					    .context_max = CONTEXT,
					    .team = way->team };
	enum generate_state state = GENERATE_RUNNING;
	struct generation *generation;
	struct bytes text;

	memcpy(options.seed, &seed, sizeof(seed));
	arena_wipe(&way->arena);
	cr_assert_eq(generate_start_text(way->model, &way->arena,
					 bytes_of_string(prompt), &options,
					 &generation),
		     ERR_OK);
	*out = (struct answer){ 0 };
	while (state == GENERATE_RUNNING) {
		cr_assert_eq(generate_step(generation, &text, &state), ERR_OK);
		cr_assert_leq(out->len + text.len, TEXT_MAX);
		if (text.len > 0)
			memcpy(out->text + out->len, text.data, text.len);
		out->len += text.len;
	}
	out->tokens = generate_usage(generation).answer_tokens;
}

static bool is_same(const struct answer *one, const struct answer *other)
{
	return one->len == other->len && one->tokens == other->tokens &&
	       memcmp(one->text, other->text, one->len) == 0;
}

static void invent_prompt(struct numbers *numbers, char prompt[static 32])
{
	size_t len = 3 + numbers_next(numbers) % 8;

	for (size_t i = 0; i < len; i++)
		prompt[i] = (char)('a' + numbers_next(numbers) % 26);
	prompt[len] = '\0';
}

struct tally {
	uint64_t compared;
	uint64_t different;
	uint64_t others; /* of other seeds, that say something else */
};

/* One prompt and seed, every way, against the first way. */
static void compare(struct way *ways, size_t count, struct numbers *numbers,
		    struct tally *tally)
{
	static struct answer first, again;
	uint32_t seed = numbers_next(numbers);
	char prompt[32];

	invent_prompt(numbers, prompt);
	ask(&ways[0], prompt, seed, &first);
	for (size_t i = 0; i < count; i++) {
		ask(&ways[i], prompt, seed, &again);
		tally->compared++;
		tally->different += !is_same(&first, &again);
	}
	ask(&ways[0], prompt, seed ^ 1, &again);
	tally->others += !is_same(&first, &again);
}

Test(same_answer, thousands_of_answers_have_the_same_bits_on_every_path,
     .timeout = 7200)
{
	static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
						      MATRIX_Q8_0 };
	struct numbers numbers = { effort_seed() };
	struct effort effort;
	struct tally tally = { 0 };
	struct way ways[WAYS_MAX];

	model_prepare();
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct tiny_model_shape shape = tiny_model_shape();
		size_t count;

		shape.format = formats[f];
		shape.layers = 2;
		count = open_ways(&shape, ways);
		effort = effort_of(COMPARISONS / 3 / count + 1);
		while (effort_more(&effort))
			compare(ways, count, &numbers, &tally);
		for (size_t i = 0; i < count; i++)
			close_way(&ways[i]);
	}
	figure_none("H1", "answers of one prompt and seed that differ",
		    tally.different, tally.compared, tally.others);
}

/* --- A neighbour who wants all experts' time, or one's alone --- */

#define CROWD 7
#define ROWS 4 /* of each in a batch */
#define ROUNDS 10

struct crowd {
	struct opened_session opened;
	struct session sessions[1 + CROWD];
	struct engine engine;
	struct arena arena;
};

static void open_crowd(struct crowd *crowd,
		       const struct tiny_model_shape *shape, struct team *team)
{
	const struct opened_session_how how = { .kernel = kernel_best(),
						.store = KERNEL_F16,
						.team = team };
	const struct session_shape each = { CONTEXT, ROWS, KERNEL_F16 };
	const struct engine_shape room = { .rows = ROWS * (1 + CROWD),
					   .logits = 1,
					   .context = CONTEXT };

	opened_session_open_how(&crowd->opened, tiny_model_build(shape), &how);
	crowd->arena = (struct arena){
		.size = (1 + CROWD) *
				session_memory(&crowd->opened.config, &each) +
			engine_memory(&crowd->opened.config, &room,
				      team_size(team))
	};
	crowd->arena.base = aligned_alloc(64, crowd->arena.size);
	cr_assert_not_null(crowd->arena.base);
	memset(crowd->arena.base, 0, crowd->arena.size);
	for (size_t s = 0; s <= CROWD; s++)
		cr_assert_eq(session_open(&crowd->sessions[s],
					  &crowd->opened.config, &each,
					  &crowd->arena),
			     ERR_OK);
	cr_assert_eq(engine_open(&crowd->engine, &crowd->opened.model, &room,
				 team, &crowd->arena),
		     ERR_OK);
}

static void close_crowd(struct crowd *crowd)
{
	free(crowd->arena.base);
	opened_session_close(&crowd->opened);
}

/* How uneven the choice of experts was: the busiest one's share of a batch. */
struct load {
	double most;
};

static void weigh(void *context, const char *name, uint32_t layer,
		  uint32_t track, const float *values, size_t count)
{
	struct load *load = context;
	size_t rows[4] = { 0 };

	(void)layer;
	(void)track;
	if (strcmp(name, "experts") != 0)
		return;
	for (size_t i = 0; i < count; i++)
		rows[(size_t)values[i]]++;
	for (size_t e = 0; e < 4; e++)
		if ((double)rows[e] / (double)count > load->most)
			load->most = (double)rows[e] / (double)count;
}

/*
 * The victim's logits after all rounds, its tokens those of `seed`, beside
 * `neighbours` others who all say nothing but `token`.
 */
static void feed(struct crowd *crowd, uint32_t seed, size_t neighbours,
		 uint32_t token, float out[static TINY_MODEL_VOCABULARY])
{
	struct numbers numbers = { seed };
	uint32_t own[ROWS], foreign[ROWS];
	struct engine_input inputs[1 + CROWD];
	size_t row = ROWS - 1;
	const float *logits;

	for (size_t i = 0; i < ROWS; i++)
		foreign[i] = token;
	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ROWS; i++)
			own[i] = numbers_next(&numbers) % TINY_MODEL_VOCABULARY;
		for (size_t s = 0; s <= neighbours; s++)
			inputs[s] =
				(struct engine_input){ &crowd->sessions[s],
						       s == 0 ? own : foreign,
						       ROWS };
		cr_assert_eq(engine_advance(&crowd->engine, ENGINE_PROMPT,
					    inputs, 1 + neighbours),
			     ERR_OK);
	}
	cr_assert_eq(engine_logits(&crowd->engine, &row, 1, &logits), ERR_OK);
	memcpy(out, logits, TINY_MODEL_VOCABULARY * sizeof(*out));
}

static void with_neighbours(const struct tiny_model_shape *shape,
			    struct team *team, uint32_t seed, size_t neighbours,
			    uint32_t token, struct load *load, float *out)
{
	const struct work_trace trace = { weigh, load };
	struct crowd crowd;

	open_crowd(&crowd, shape, team);
	if (load != NULL)
		engine_watch(&crowd.engine, &trace);
	feed(&crowd, seed, neighbours, token, out);
	close_crowd(&crowd);
}

Test(same_answer, neighbours_who_all_want_one_expert_change_no_bit)
{
	static float alone[TINY_MODEL_VOCABULARY];
	static float beside[TINY_MODEL_VOCABULARY];
	struct numbers numbers = { effort_seed() };
	struct tiny_model_shape shape = tiny_model_shape();
	uint64_t tried = 0, changed = 0, control = 0;
	struct load load = { 0 };
	struct team *two;

	shape.experts_used = 1;
	cr_assert_eq(team_open(2, &two), ERR_OK);
	for (struct effort effort = effort_of(60); effort_more(&effort);) {
		uint32_t seed = numbers_next(&numbers);
		uint32_t token = numbers_next(&numbers) % TINY_MODEL_VOCABULARY;

		with_neighbours(&shape, NULL, seed, 0, 0, NULL, alone);
		for (size_t i = 0; i < 2; i++) {
			with_neighbours(&shape, i == 0 ? NULL : two, seed,
					CROWD, token, &load, beside);
			tried += TINY_MODEL_VOCABULARY;
			for (size_t j = 0; j < TINY_MODEL_VOCABULARY; j++)
				changed += memcmp(&alone[j], &beside[j],
						  sizeof(*alone)) != 0;
		}
		/* Another victim's are others, all of them. */
		with_neighbours(&shape, NULL, seed ^ 1, 0, 0, NULL, beside);
		for (size_t j = 0; j < TINY_MODEL_VOCABULARY; j++)
			control += memcmp(&alone[j], &beside[j],
					  sizeof(*alone)) != 0;
	}
	team_close(two);
	figure_none("H2", "logits that adversarial neighbours changed", changed,
		    tried, control);
	figure_at_least("H2", "rows of such a batch that one expert got",
			100 * load.most, "%", 90);
}
