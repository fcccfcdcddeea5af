/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that die in the middle of their work, one after the other: whoever
 * waits hears of it soon, no half answer looks whole, and the next is good.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/journal.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"

/* An answer takes a second and a half, however fast the model is. */
#define FRAMES 64
#define TICK_MS 25
#define ANSWER_MS (FRAMES * TICK_MS)

/* What is claimed, and what a busy machine is allowed on top. */
#define TOLD_MS 1000
#define BACK_MS 1000
#define SLACK_MS 2000
#define GONE_MS 250
#define GONE_SLACK_MS 500

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(death, .fini = stop);

static void start(uint32_t workers)
{
	struct policy policy = system_policy();

	policy.workers = workers;
	policy.warm_workers = workers;
	policy.threads = 2;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], workers, 5000));
}

static pid_t role(enum jail_role which)
{
	pid_t pid = process_role(pcc.pids[SYSTEM_NODE], which);

	cr_assert_gt(pid, 0);
	return pid;
}

static pid_t worker(void)
{
	struct process_list workers;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_geq(workers.count, 1);
	return workers.pids[0];
}

/* Begin, and wait until the answer has. */
static void begin(struct talk *talk, enum openai_form form)
{
	const struct openai_question question = { .prompt = "Once upon a time",
						  .form = form,
						  .max_tokens = 64 };

	talk_begin(talk, pcc.client, &question);
	/* A whole answer is held back to its end: be in its middle by time. */
	if (form == OPENAI_WHOLE)
		system_sleep_ms(ANSWER_MS / 2);
	else
		talk_await(talk);
}

/* A streamed answer that was cut says so twice: an error event, no clean end */
static void expect_cut(const struct openai_answer *answer)
{
	cr_assert_eq(answer->status, 200);
	cr_assert_eq(answer->end, FETCH_CUT, "it ended as if it were whole");
	cr_assert_not(answer->is_done);
	cr_assert_str_eq(answer->finish, "");
	cr_assert_str_eq(answer->error_code, "stream_cut");
}

static void expect_told_soon(const struct talk *talk, uint64_t killed_ms)
{
	uint64_t took = talk->ended_ms - killed_ms;

	cr_assert_leq(took, TOLD_MS + SLACK_MS, "%lu ms", took);
	cr_log_info("told after %lu ms", took);
}

static void expect_back_soon(void)
{
	int took =
		openai_await_answer(pcc.client, ANSWER_MS + BACK_MS + SLACK_MS);

	cr_assert_geq(took, 0, "no answer in time");
	cr_log_info("answered after %d ms", took);
}

/* Kill what is named while a streamed answer is under way. */
static void kill_in_mid_answer(enum jail_role which)
{
	uint64_t killed_ms;
	struct talk talk;

	start(1);
	begin(&talk, OPENAI_STREAMED);
	killed_ms = system_now_ms();
	kill(which == JAIL_WORKER ? worker() : role(which), SIGKILL);
	talk_end(&talk);
	expect_cut(&talk.answer);
	expect_told_soon(&talk, killed_ms);
	expect_back_soon();
}

Test(death, a_worker_killed_in_mid_answer_cuts_it_and_another_serves_on)
{
	kill_in_mid_answer(JAIL_WORKER);
	cr_assert(
		system_await_log(&pcc, SYSTEM_NODE, " signal=9 arena=0", 1000),
		"no line that says that its arena was wiped");
}

Test(death, a_keeper_killed_in_mid_answer_takes_its_keys_along)
{
	kill_in_mid_answer(JAIL_KEEPER);
}

Test(death, a_zygote_killed_in_mid_answer_is_replaced)
{
	kill_in_mid_answer(JAIL_ZYGOTE);
}

Test(death, a_front_killed_in_mid_answer_is_replaced)
{
	kill_in_mid_answer(JAIL_FRONT);
}

Test(death, a_whole_answer_that_broke_off_is_an_error_and_nothing_else)
{
	struct talk talk;

	start(1);
	begin(&talk, OPENAI_WHOLE);
	kill(worker(), SIGKILL);
	talk_end(&talk);
	cr_assert_eq(talk.answer.status, 502, "%ld", talk.answer.status);
	cr_assert_eq(talk.answer.end, FETCH_WHOLE);
	cr_assert_str_eq(talk.answer.error_code, "stream_cut");
	cr_assert_str_eq(talk.answer.text, "");
	expect_back_soon();
}

/* All of them, one after the other, on one node that stays the same node. */
Test(death, whatever_idle_process_of_a_node_dies_the_next_request_is_good)
{
	static const enum jail_role victims[] = { JAIL_WORKER, JAIL_KEEPER,
						  JAIL_ZYGOTE, JAIL_FRONT };

	start(2);
	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		pid_t victim =
			victims[i] == JAIL_WORKER ? worker() : role(victims[i]);

		kill(victim, SIGKILL);
		cr_assert_geq(process_await_end(victim, 1000), 0);
		expect_back_soon();
		cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 2, 5000));
	}
}

Test(death, the_death_of_one_worker_leaves_its_neighbour_alone)
{
	struct talk talks[2];
	int whole = 0;

	start(2);
	begin(&talks[0], OPENAI_STREAMED);
	begin(&talks[1], OPENAI_STREAMED);
	kill(worker(), SIGKILL);
	for (int i = 0; i < 2; i++) {
		talk_end(&talks[i]);
		whole += openai_is_whole(&talks[i].answer) &&
			 talks[i].answer.is_done;
	}
	cr_assert_eq(whole, 1);
}

Test(death, with_its_supervisor_dies_the_whole_node)
{
	struct process_list all;

	start(2);
	process_node(pcc.pids[SYSTEM_NODE], &all);
	cr_assert_eq(all.count, 1 + 3 + 2);
	system_signal(&pcc, SYSTEM_NODE, SIGKILL);
	for (size_t i = 0; i < all.count; i++)
		cr_expect_geq(process_await_end(all.pids[i], 2000), 0);
}

Test(death, a_gateway_killed_in_mid_answer_cuts_it)
{
	uint64_t killed_ms;
	struct talk talk;

	start(1);
	begin(&talk, OPENAI_STREAMED);
	killed_ms = system_now_ms();
	system_signal(&pcc, SYSTEM_GATEWAY, SIGKILL);
	talk_end(&talk);
	expect_cut(&talk.answer);
	expect_told_soon(&talk, killed_ms);
}

static bool leave_at_once(void *user, const struct fetch_response *so_far)
{
	uint64_t *left_ms = user;

	(void)so_far;
	*left_ms = system_now_ms();
	return false;
}

/* However its user goes, the worker that served them has to go as well. */
static void expect_worker_gone(pid_t busy, uint64_t left_ms)
{
	int took = process_await_end(busy, GONE_MS + GONE_SLACK_MS);

	cr_assert_geq(took, 0, "the worker outlives its request");
	cr_log_info("gone after %lu ms", system_now_ms() - left_ms);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "request_done outcome=1",
				   1000));
}

Test(death, the_worker_of_a_client_that_hangs_up_is_gone_at_once)
{
	uint64_t left_ms = 0;
	struct openai_question question = { .prompt = "Once upon a time",
					    .form = OPENAI_STREAMED,
					    .max_tokens = 64,
					    .on_piece = leave_at_once,
					    .user = &left_ms };
	struct openai_answer answer;
	pid_t busy;

	start(1);
	busy = worker();
	openai_complete(pcc.client, &question, &answer);
	cr_assert_eq(answer.end, FETCH_LEFT);
	expect_worker_gone(busy, left_ms);
	expect_back_soon();
}

Test(death, the_worker_of_a_client_that_is_killed_is_gone_at_once)
{
	struct talk talk;
	pid_t busy;

	start(1);
	busy = worker();
	begin(&talk, OPENAI_STREAMED);
	system_signal(&pcc, SYSTEM_CLIENT, SIGKILL);
	expect_worker_gone(busy, system_now_ms());
	talk_end(&talk);
	cr_assert_eq(talk.answer.end, FETCH_CUT);
}
