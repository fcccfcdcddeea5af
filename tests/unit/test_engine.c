/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text, many ways to compute it: the bits are the same (requirement H1).
 */
#include "inference/engine.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/team.h"
#include "tests/figure.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"
#include "tests/unit/tiny_model.h"

#define TOKENS 40
#define FLOATS (TOKENS * TINY_MODEL_VOCABULARY)
#define COMPANY 5

static const enum matrix_format formats[] = { MATRIX_F32, MATRIX_F16,
					      MATRIX_Q8_0 };

/* The logits of all tokens, computed in one of the ways. */
static void compute(const struct tiny_model_shape *shape,
		    const struct opened_session_how *how, size_t chunk,
		    float out[static FLOATS])
{
	uint32_t tokens[TOKENS];
	struct opened_session opened;

	opened_session_tokens(tokens, TOKENS, TINY_MODEL_VOCABULARY);
	opened_session_open_how(&opened, tiny_model_build(shape), how);
	opened_session_run(&opened, tokens, TOKENS, chunk, out);
	opened_session_close(&opened);
}

/* The control: rows of a model that differs in its weights' scale. */
static size_t count_others(void)
{
	static float first[FLOATS], second[FLOATS];
	const struct opened_session_how how = { .kernel = kernel_best(),
						.store = KERNEL_F32 };
	struct tiny_model_shape shape = tiny_model_shape();
	size_t others = 0;

	compute(&shape, &how, 9, first);
	shape.scale *= 1.0001f;
	compute(&shape, &how, 9, second);
	for (size_t i = 0; i < TOKENS; i++)
		others += memcmp(first + i * TINY_MODEL_VOCABULARY,
				 second + i * TINY_MODEL_VOCABULARY,
				 TINY_MODEL_VOCABULARY * sizeof(*first)) != 0;
	return others;
}

static struct team *team_of(size_t members)
{
	struct team *team;

	cr_assert_eq(team_open(members, &team), ERR_OK);
	return team;
}

/* Kernels, threads and chunks, all against the plainest. */
static size_t compare_ways(const struct tiny_model_shape *shape,
			   const struct opened_session_how *like,
			   struct team *const teams[], size_t team_count)
{
	static const size_t chunks[] = { 1, 7, OPENED_SESSION_CHUNK };
	static float plain[FLOATS], other[FLOATS];
	struct opened_session_how how = *like;
	size_t compared = 0;

	compute(shape, &how, 9, plain);
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		for (size_t t = 0; t < team_count; t++) {
			for (size_t c = 0; c < 3; c++) {
				how.kernel = kernel_at(k);
				how.team = teams[t];
				compute(shape, &how, chunks[c], other);
				cr_assert_arr_eq(plain, other, sizeof(plain),
						 "%s, %zu threads, chunks %zu",
						 kernel_at(k)->name,
						 team_size(teams[t]),
						 chunks[c]);
				compared += TOKENS;
			}
		}
	}
	return compared;
}

Test(engine, kernels_threads_and_chunks_do_not_change_a_bit)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct team *teams[] = { NULL, team_of(2) };
	struct opened_session_how how = { .kernel = kernel_at(0),
					  .store = KERNEL_F32 };
	size_t compared = 0, kernels = 0;

	for (size_t f = 0; f < 3; f++) {
		for (shape.tracks = 1; shape.tracks <= 3; shape.tracks++) {
			shape.format = formats[f];
			compared += compare_ways(&shape, &how, teams, 2);
		}
	}
	shape.tracks = 2;
	how.store = KERNEL_F16;
	compared += compare_ways(&shape, &how, teams, 2);
	how.store = KERNEL_I8;
	compared += compare_ways(&shape, &how, teams, 2);
	how.prompts = ACTIVATION_BF16;
	compared += compare_ways(&shape, &how, teams, 2);
	how.store = KERNEL_F16;
	compared += compare_ways(&shape, &how, teams, 2);
	/* Heads that fill tiles, and more queries than look back at once. */
	shape.heads = 6;
	shape.kv_heads = 1;
	shape.head_width = 32;
	compared += compare_ways(&shape, &how, teams, 2);
	/* With all four kernels ten thousand, which requirement H1 asks for. */
	for (size_t k = 0; kernel_at(k) != NULL; k++) {
		cr_log_info("kernel %s", kernel_at(k)->name);
		kernels++;
	}
	cr_assert_geq(compared, 2500 * kernels);
	figure_none("H1",
		    "rows of logits that differ by kernel, threads or "
		    "chunks",
		    0, compared, count_others());
	team_close(teams[1]);
}

#define COMPANY_ROUNDS 9

/* Several sessions in one batch, each at a place of its own. */
struct company {
	struct opened_session opened;
	struct session sessions[COMPANY];
	struct engine engine;
	struct arena arena;
};

static void open_company(struct company *company,
			 const struct tiny_model_shape *shape,
			 const struct opened_session_how *how,
			 enum engine_deal deal)
{
	struct team *team = how->team;
	const struct session_shape session = { OPENED_SESSION_CONTEXT, 8,
					       KERNEL_F16 };
	const struct engine_shape room = { 8 * COMPANY, COMPANY,
					   OPENED_SESSION_CONTEXT, deal,
					   how->prompts };
	const struct config *config = &company->opened.config;

	opened_session_open_how(&company->opened, tiny_model_build(shape), how);
	company->arena = (struct arena){
		.size = COMPANY * session_memory(config, &session) +
			engine_memory(config, &room, team_size(team))
	};
	company->arena.base = aligned_alloc(64, company->arena.size);
	cr_assert_not_null(company->arena.base);
	memset(company->arena.base, 0, company->arena.size);
	for (size_t s = 0; s < COMPANY; s++)
		cr_assert_eq(session_open(&company->sessions[s], config,
					  &session, &company->arena),
			     ERR_OK);
	cr_assert_eq(engine_open(&company->engine, &company->opened.model,
				 &room, team, &company->arena),
		     ERR_OK);
}

static void close_company(struct company *company)
{
	free(company->arena.base);
	opened_session_close(&company->opened);
}

/* Session s is fed s + 1 tokens at a time: token i of it is s + i. */
static void feed_company(struct company *company, size_t rounds,
			 float out[COMPANY][TINY_MODEL_VOCABULARY])
{
	uint32_t tokens[COMPANY][8];
	struct engine_input inputs[COMPANY];
	size_t rows[COMPANY], row;
	const float *logits;

	for (size_t round = 0; round < rounds; round++) {
		row = 0;
		for (size_t s = 0; s < COMPANY; s++) {
			for (size_t i = 0; i <= s; i++)
				tokens[s][i] = (uint32_t)(company->sessions[s]
								  .position +
							  i + s) %
					       TINY_MODEL_VOCABULARY;
			inputs[s] =
				(struct engine_input){ &company->sessions[s],
						       tokens[s], s + 1 };
			row += s + 1;
			rows[s] = row - 1;
		}
		cr_assert_eq(engine_advance(&company->engine, ENGINE_PROMPT,
					    inputs, COMPANY),
			     ERR_OK);
	}
	cr_assert_eq(engine_logits(&company->engine, rows, COMPANY, &logits),
		     ERR_OK);
	memcpy(out, logits, COMPANY * TINY_MODEL_VOCABULARY * sizeof(*logits));
}

static void feed_alone(const struct tiny_model_shape *shape,
		       const struct opened_session_how *how, size_t s,
		       float out[TINY_MODEL_VOCABULARY])
{
	struct opened_session opened;
	const float *logits;

	opened_session_open_how(&opened, tiny_model_build(shape), how);
	for (size_t i = 0; i < COMPANY_ROUNDS * (s + 1); i++) {
		uint32_t token = (uint32_t)(i + s) % TINY_MODEL_VOCABULARY;

		cr_assert_eq(opened_session_advance(&opened, &token, 1),
			     ERR_OK);
	}
	cr_assert_eq(opened_session_logits(&opened, 0, &logits), ERR_OK);
	memcpy(out, logits, TINY_MODEL_VOCABULARY * sizeof(*logits));
	opened_session_close(&opened);
}

static void compare_company(const struct tiny_model_shape *shape,
			    const struct opened_session_how *how,
			    enum engine_deal deal)
{
	static float together[COMPANY][TINY_MODEL_VOCABULARY];
	static float alone[TINY_MODEL_VOCABULARY];
	struct opened_session_how single = *how;
	struct company company;

	open_company(&company, shape, how, deal);
	feed_company(&company, COMPANY_ROUNDS, together);
	close_company(&company);
	single.team = NULL;
	for (size_t s = 0; s < COMPANY; s++) {
		feed_alone(shape, &single, s, alone);
		cr_assert_arr_eq(together[s], alone, sizeof(alone));
	}
}

Test(engine, a_session_in_company_gets_what_it_gets_alone)
{
	struct tiny_model_shape shape = tiny_model_shape();
	struct team *teams[] = { NULL, team_of(2) };
	struct opened_session_how how = { .kernel = kernel_best(),
					  .store = KERNEL_F16 };

	for (size_t i = 0; i < 3 * 2 * 2; i++) {
		shape.format = formats[i % 3];
		how.team = teams[i / 3 % 2];
		how.prompts =
			i / 6 == 0 ? ACTIVATION_INTEGERS : ACTIVATION_BF16;
		compare_company(&shape, &how, ENGINE_TRACKS);
		compare_company(&shape, &how, ENGINE_TENSORS);
	}
	team_close(teams[1]);
}

#define ALONE 8 /* tokens that a session has in the end, one by one */

/* Many rows at once, then one session's row by row: both ways of experts and
 * of rows that are dealt out. */
static void feed_both(struct company *company,
		      float out[COMPANY + ALONE][TINY_MODEL_VOCABULARY])
{
	const float *logits;
	size_t row = 0;

	feed_company(company, 5, out);
	for (size_t i = 0; i < ALONE; i++) {
		uint32_t token = (uint32_t)i;
		struct engine_input input = { &company->sessions[0], &token,
					      1 };

		cr_assert_eq(engine_advance(&company->engine, ENGINE_PROMPT,
					    &input, 1),
			     ERR_OK);
		cr_assert_eq(engine_logits(&company->engine, &row, 1, &logits),
			     ERR_OK);
		memcpy(out[COMPANY + i], logits, sizeof(out[0]));
	}
}

Test(engine, dealing_tracks_or_sharing_tensors_does_not_change_a_bit)
{
	static float plain[COMPANY + ALONE][TINY_MODEL_VOCABULARY];
	static float other[COMPANY + ALONE][TINY_MODEL_VOCABULARY];
	struct tiny_model_shape shape = tiny_model_shape();
	struct team *teams[] = { team_of(2), team_of(3) };
	struct opened_session_how how = { .kernel = kernel_best(),
					  .store = KERNEL_F16 };
	struct company company;

	shape.tracks = 3;
	for (size_t f = 0; f < 3; f++) {
		shape.format = formats[f];
		how.team = NULL;
		open_company(&company, &shape, &how, ENGINE_TRACKS);
		feed_both(&company, plain);
		close_company(&company);
		for (size_t way = 0; way < 4; way++) {
			enum engine_deal deal =
				way % 2 == 0 ? ENGINE_TRACKS : ENGINE_TENSORS;

			how.team = teams[way / 2];
			open_company(&company, &shape, &how, deal);
			feed_both(&company, other);
			cr_assert_eq(company.engine.workers,
				     deal == ENGINE_TENSORS ? 1 : 2 + way / 2);
			close_company(&company);
			cr_assert_arr_eq(plain, other, sizeof(plain));
		}
	}
	team_close(teams[0]);
	team_close(teams[1]);
}

/* The largest difference, over the largest logit. */
static double distance(const float *a, const float *b, size_t count)
{
	double most = 0, apart = 0;

	for (size_t i = 0; i < count; i++) {
		most = fmax(most, fabs((double)a[i]));
		apart = fmax(apart, fabs((double)a[i] - (double)b[i]));
	}
	return apart / most;
}

Test(engine, what_is_kept_in_fewer_bits_changes_little)
{
	static float floats[FLOATS], halves[FLOATS], bytes[FLOATS];
	struct tiny_model_shape shape = tiny_model_shape();
	struct opened_session_how how = { .kernel = kernel_best(),
					  .store = KERNEL_F32 };

	/* Without experts: a choice that tips over is no small change. */
	shape.experts = 0;
	compute(&shape, &how, 8, floats);
	how.store = KERNEL_F16;
	compute(&shape, &how, 8, halves);
	how.store = KERNEL_I8;
	compute(&shape, &how, 8, bytes);
	cr_assert_lt(distance(floats, halves, FLOATS), 2e-3);
	cr_assert_gt(distance(floats, halves, FLOATS), 0);
	cr_log_info("halves %g, bytes %g", distance(floats, halves, FLOATS),
		    distance(floats, bytes, FLOATS));
	cr_assert_lt(distance(floats, bytes, FLOATS), 1e-1);
	cr_assert_gt(distance(floats, bytes, FLOATS),
		     distance(floats, halves, FLOATS));
}

/* Meetings of two threads over one token, without the logits. */
static size_t count_meetings(const struct tiny_model_shape *shape,
			     enum engine_deal deal)
{
	const uint32_t token = 1;
	struct team *team = team_of(2);
	const struct opened_session_how how = { .kernel = kernel_best(),
						.store = KERNEL_F16,
						.team = team };
	struct company company;
	size_t meetings;

	open_company(&company, shape, &how, deal);
	cr_assert_eq(engine_advance(&company.engine, ENGINE_PROMPT,
				    &(struct engine_input){
					    &company.sessions[0], &token, 1 },
				    1),
		     ERR_OK);
	meetings = team_meetings(team);
	close_company(&company);
	team_close(team);
	return meetings;
}

Test(engine, tracks_meet_once_a_block_and_layers_five_times)
{
	struct tiny_model_shape shape = tiny_model_shape();

	for (shape.block_depth = 1; shape.block_depth <= shape.layers;
	     shape.block_depth *= 2) {
		for (shape.tracks = 1; shape.tracks <= 2; shape.tracks++) {
			size_t layers = shape.tracks * shape.layers;
			size_t shared = count_meetings(&shape, ENGINE_TENSORS);
			size_t dealt = count_meetings(&shape, ENGINE_TRACKS);

			cr_assert_eq(shared, 5 * layers);
			cr_assert_eq(dealt,
				     shape.tracks == 1
					     ? shared
					     : shape.layers /
						       shape.block_depth);
		}
	}
}

static void add_one(void *context, size_t member)
{
	size_t *sums = context;

	sums[member]++;
}

/* The logits after one token that was given, or drawn. */
static void compute_one(const struct opened_session_how *how,
			enum engine_rows rows,
			float out[static TINY_MODEL_VOCABULARY])
{
	struct tiny_model_shape shape = tiny_model_shape();
	const uint32_t token = 3;
	struct opened_session opened;
	struct engine_input input = { &opened.session, &token, 1 };
	const float *logits;

	shape.format = MATRIX_Q8_0;
	shape.experts = 0;
	opened_session_open_how(&opened, tiny_model_build(&shape), how);
	cr_assert_eq(engine_advance(&opened.engine, rows, &input, 1), ERR_OK);
	cr_assert_eq(opened_session_logits(&opened, 0, &logits), ERR_OK);
	memcpy(out, logits, TINY_MODEL_VOCABULARY * sizeof(*out));
	opened_session_close(&opened);
}

Test(engine, prompts_go_as_bf16_and_answers_do_not)
{
	static float integers[TINY_MODEL_VOCABULARY];
	static float answer[TINY_MODEL_VOCABULARY];
	static float prompt[TINY_MODEL_VOCABULARY];
	struct opened_session_how how = { .kernel = kernel_best(),
					  .store = KERNEL_F16 };
	double apart;

	compute_one(&how, ENGINE_PROMPT, integers);
	how.prompts = ACTIVATION_BF16;
	compute_one(&how, ENGINE_ANSWER, answer);
	compute_one(&how, ENGINE_PROMPT, prompt);
	cr_assert_arr_eq(integers, answer, sizeof(integers));
	apart = distance(integers, prompt, TINY_MODEL_VOCABULARY);
	cr_log_info("bf16 %g", apart);
	cr_assert_gt(apart, 0);
	cr_assert_lt(apart, 5e-2);
}

Test(team, every_member_works_once_a_round)
{
	for (size_t members = 1; members <= 3; members++) {
		struct team *team = team_of(members);
		size_t sums[5] = { 0 };

		for (size_t i = 0; i < 500; i++)
			team_run(team, add_one, sums);
		for (size_t m = 0; m < 5; m++)
			cr_assert_eq(sums[m], m < members ? 500 : 0);
		team_close(team);
	}
}

Test(team, meetings_are_counted_from_the_first_work_on)
{
	struct team *team = team_of(3);
	size_t sums[3] = { 0 };

	cr_assert_eq(team_meetings(team), 0);
	team_run(team, add_one, sums);
	cr_assert_eq(team_meetings(team), 1);
	team_close(team);
}

Test(team, shares_are_everything_once)
{
	for (size_t count = 0; count < 40; count++) {
		for (size_t members = 1; members < 7; members++) {
			size_t next = 0;

			for (size_t m = 0; m < members; m++) {
				struct team_share share =
					team_share(count, m, members);

				cr_assert_eq(share.first, next);
				cr_assert_leq(share.end - share.first,
					      count / members + 1);
				next = share.end;
			}
			cr_assert_eq(next, count);
		}
	}
}

Test(team, too_large_a_team_is_refused)
{
	struct team *team = NULL;

	cr_assert_eq(team_open(0, &team), ERR_TOO_LARGE);
	cr_assert_eq(team_open(TEAM_MAX + 1, &team), ERR_TOO_LARGE);
	cr_assert_null(team);
}
