/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node and a gateway end: what runs is finished, what comes is refused,
 * and nothing is left behind.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/journal.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"

#define FRAMES 64
#define TICK_MS 25
#define PATIENCE_MS 10000

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

static void start(void)
{
	struct policy policy = system_policy();

	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
}

TestSuite(drain, .init = start, .fini = stop);

static void begin(struct talk *talk)
{
	static const struct openai_question question = {
		.prompt = "Once upon a time",
		.form = OPENAI_STREAMED,
		.max_tokens = 64,
	};

	talk_begin(talk, pcc.client, &question);
	talk_await(talk);
}

static void expect_ended_well(enum system_part part)
{
	int status = system_await_end(&pcc, part, PATIENCE_MS);

	cr_assert_neq(status, -1, "it does not end");
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x",
		  (unsigned)status);
}

static bool has_socket(void)
{
	char path[SYSTEM_PATH_MAX];

	system_socket(&pcc, path);
	return access(path, F_OK) == 0;
}

Test(drain, a_node_told_to_stop_finishes_its_answer_and_takes_no_other)
{
	struct openai_question question = { .prompt = "Once", .max_tokens = 1 };
	struct openai_answer refused;
	struct talk talk;

	begin(&talk);
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "drain_started running=1",
				   PATIENCE_MS));
	openai_complete(pcc.client, &question, &refused);
	cr_assert_eq(refused.status, 503, "%ld", refused.status);
	cr_assert_str_eq(refused.error_code, "node_unavailable");
	cr_assert_str_eq(refused.retry_after, "1");
	cr_assert_lt(refused.ms, 1000, "%lu ms", refused.ms);
	talk_end(&talk);
	cr_assert(openai_is_whole(&talk.answer) && talk.answer.is_done,
		  "status %ld, end %d, code %s", talk.answer.status,
		  talk.answer.end, talk.answer.error_code);
	expect_ended_well(SYSTEM_NODE);
	cr_assert_not(has_socket());
}

Test(drain, a_drained_node_leaves_no_process_and_a_log_that_says_so)
{
	static char log[SYSTEM_LOG_MAX];
	struct process_list all;

	process_node(pcc.pids[SYSTEM_NODE], &all);
	cr_assert_geq(all.count, 4);
	cr_assert(has_socket());
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	expect_ended_well(SYSTEM_NODE);
	for (size_t i = 0; i < all.count; i++)
		cr_expect(process_is_gone(all.pids[i]));
	cr_assert_not(has_socket());
	(void)system_log(&pcc, SYSTEM_NODE, log);
	cr_assert_null(journal_stray_line(SYSTEM_NODE, log));
	cr_assert_eq(journal_count(log, "drain_done ms="), 1);
	cr_assert_eq(journal_count(log, "node_stopped cause=0"), 1);
	/* A role that was told to end did not fail. */
	cr_assert_eq(journal_count(log, "role_ended"), 0);
}

Test(drain, a_node_told_twice_ends_at_once)
{
	struct talk talk;
	uint64_t told_ms;

	begin(&talk);
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "drain_started",
				   PATIENCE_MS));
	told_ms = system_now_ms();
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	expect_ended_well(SYSTEM_NODE);
	cr_assert_lt(system_now_ms() - told_ms, 1000);
	talk_end(&talk);
	cr_assert_eq(talk.answer.end, FETCH_CUT);
	cr_assert_not(talk.answer.is_done);
	cr_assert_str_eq(talk.answer.error_code, "stream_cut");
}

Test(drain, a_gateway_told_to_stop_finishes_its_answer)
{
	struct talk talk;

	begin(&talk);
	system_signal(&pcc, SYSTEM_GATEWAY, SIGTERM);
	talk_end(&talk);
	cr_assert(openai_is_whole(&talk.answer) && talk.answer.is_done,
		  "status %ld, end %d, code %s", talk.answer.status,
		  talk.answer.end, talk.answer.error_code);
	expect_ended_well(SYSTEM_GATEWAY);
}

Test(drain, the_socket_of_a_node_that_was_killed_does_not_keep_the_next_away)
{
	struct system next;
	struct policy policy = system_policy();
	const char *wrong;

	/* Two systems side by side share nothing, and one ends alone. */
	wrong = system_start(&policy, SYSTEM_AS_CALLER, &next);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert_geq(openai_await_answer(next.client, PATIENCE_MS), 0);
	system_stop_or_fail(&next);
	cr_assert_geq(openai_await_answer(pcc.client, PATIENCE_MS), 0);
}
