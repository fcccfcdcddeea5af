/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More requests than a node can take: who does not get in is told so at once
 * and when to come again, and who got in loses nothing.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/limits.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"

#define TICK_MS 25
#define FRAMES 40
#define ANSWER_MS (FRAMES * TICK_MS)
#define CLIENTS 12
#define TOLD_MS 50   /* what is claimed */
#define SLACK_MS 950 /* for a busy machine, and the way through the client */

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(overload, .fini = stop);

static void start(uint32_t workers, uint32_t queue, uint32_t frames)
{
	struct policy policy = system_policy();

	policy.workers = workers;
	policy.warm_workers = workers;
	policy.queue = queue;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = frames;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], workers, 5000));
}

static void begin(struct talk *talk)
{
	static const struct openai_question question = {
		.prompt = "Once upon a time",
		.form = OPENAI_STREAMED,
		.max_tokens = 8,
		.seed = 5,
	};

	talk_begin(talk, pcc.client, &question);
}

static void expect_whole(const struct talk *talk)
{
	cr_assert(openai_is_whole(&talk->answer) && talk->answer.is_done,
		  "status %ld, end %d, code %s", talk->answer.status,
		  talk->answer.end, talk->answer.error_code);
}

static void expect_told_to_wait(const struct talk *talk)
{
	cr_assert_eq(talk->answer.status, 429, "%ld", talk->answer.status);
	cr_assert_str_eq(talk->answer.error_code, "node_busy");
	cr_assert_str_eq(talk->answer.retry_after, "1");
}

Test(overload, one_too_many_is_told_so_at_once_and_the_others_are_answered)
{
	struct talk talks[3];

	start(1, 1, FRAMES);
	begin(&talks[0]);
	system_sleep_ms(ANSWER_MS / 5);
	begin(&talks[1]);
	system_sleep_ms(ANSWER_MS / 5);
	begin(&talks[2]);
	for (int i = 0; i < 3; i++)
		talk_end(&talks[i]);
	expect_whole(&talks[0]);
	expect_whole(&talks[1]);
	expect_told_to_wait(&talks[2]);
	cr_assert_leq(talks[2].answer.ms, TOLD_MS + SLACK_MS, "%lu ms",
		      talks[2].answer.ms);
	cr_log_info("told after %lu ms", talks[2].answer.ms);
	/* The second waited for the first and then had its whole time. */
	cr_assert_geq(talks[1].answer.ms, ANSWER_MS);
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
}

Test(overload, who_waits_too_long_for_a_worker_is_told_so)
{
	struct talk talks[2];

	start(1, 1, 2 * LIMIT_QUEUE_WAIT_MS / TICK_MS);
	begin(&talks[0]);
	system_sleep_ms(200);
	begin(&talks[1]);
	talk_end(&talks[1]);
	expect_told_to_wait(&talks[1]);
	cr_assert_geq(talks[1].answer.ms, LIMIT_QUEUE_WAIT_MS);
	cr_assert_leq(talks[1].answer.ms, LIMIT_QUEUE_WAIT_MS + SLACK_MS);
	talk_end(&talks[0]);
	expect_whole(&talks[0]);
}

Test(overload, of_a_crowd_each_gets_a_whole_answer_or_a_refusal)
{
	static struct talk talks[CLIENTS];
	const char *text = NULL;
	unsigned whole = 0;

	start(2, 2, FRAMES);
	for (size_t i = 0; i < CLIENTS; i++)
		begin(&talks[i]);
	for (size_t i = 0; i < CLIENTS; i++)
		talk_end(&talks[i]);
	for (size_t i = 0; i < CLIENTS; i++) {
		if (talks[i].answer.status != 200) {
			expect_told_to_wait(&talks[i]);
			continue;
		}
		expect_whole(&talks[i]);
		/* One seed: a neighbour's load must not change a letter. */
		if (text == NULL)
			text = talks[i].answer.text;
		cr_assert_str_eq(talks[i].answer.text, text);
		whole++;
	}
	cr_assert_geq(whole, 4, "%u were answered", whole);
	cr_assert_lt(whole, CLIENTS, "nobody was refused");
	cr_log_info("%u answered, %u refused", whole, CLIENTS - whole);
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
}
