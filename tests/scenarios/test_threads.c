/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers that compute with several threads: what they answer, and what they
 * use of the machine.  That each thread is jailed is shown in test_jailed.c.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define TOKENS 48
#define SEEDS 4
#define WORKERS 2
#define IDLE_MS 1000

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(threads, .fini = stop, .timeout = 120);

static void start_with(uint32_t threads, enum policy_numerics numerics)
{
	struct policy policy = system_policy();

	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = threads;
	policy.numerics = numerics;
	policy.tick_ms = 5;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

static void start(uint32_t threads)
{
	start_with(threads, POLICY_NUMERICS_INTEGERS);
}

static void ask_all(struct openai_answer answers[static SEEDS])
{
	for (unsigned i = 0; i < SEEDS; i++) {
		struct openai_question question = {
			.prompt = "Once upon a time",
			.max_tokens = TOKENS,
			.seed = i + 1,
		};

		openai_complete(pcc.client, &question, &answers[i]);
		cr_assert(openai_is_whole(&answers[i]), "status %ld",
			  answers[i].status);
	}
}

Test(threads, one_seed_gives_one_text_with_one_thread_and_with_more)
{
	static const uint32_t more[] = { 2, 5 };
	static struct openai_answer alone[SEEDS], together[SEEDS];
	size_t bytes = 0;

	start(1);
	ask_all(alone);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		stop();
		start(more[i]);
		ask_all(together);
		for (size_t j = 0; j < SEEDS; j++) {
			cr_expect_str_eq(together[j].text, alone[j].text);
			cr_expect_eq(together[j].answer_tokens,
				     alone[j].answer_tokens);
			bytes += strlen(alone[j].text);
		}
	}
	cr_assert_gt(bytes, 0, "the model says nothing");
}

Test(threads, prompts_as_bf16_make_one_text_with_one_thread_and_with_more)
{
	static struct openai_answer alone[SEEDS], together[SEEDS];
	static struct openai_answer integers[SEEDS];
	size_t bytes = 0, apart = 0;

	start_with(1, POLICY_NUMERICS_BF16_PROMPTS);
	ask_all(alone);
	stop();
	start_with(3, POLICY_NUMERICS_BF16_PROMPTS);
	ask_all(together);
	stop();
	start(3);
	ask_all(integers);
	for (size_t j = 0; j < SEEDS; j++) {
		cr_expect_str_eq(together[j].text, alone[j].text);
		bytes += strlen(alone[j].text);
		apart += strcmp(integers[j].text, alone[j].text) != 0;
	}
	cr_assert_gt(bytes, 0, "the model says nothing");
	cr_assert_gt(apart, 0, "the policy's numerics change nothing");
}

/* They look for work for a moment, and then they have to sleep. */
Test(threads, a_worker_that_waits_uses_no_processor)
{
	uint64_t used[WORKERS];
	struct process_list list;

	start(4);
	system_sleep_ms(100);
	process_workers(pcc.pids[SYSTEM_NODE], &list);
	cr_assert_eq(list.count, WORKERS);
	for (size_t i = 0; i < WORKERS; i++)
		used[i] = process_used_ms(list.pids[i]);
	system_sleep_ms(IDLE_MS);
	for (size_t i = 0; i < WORKERS; i++)
		cr_expect_leq(process_used_ms(list.pids[i]) - used[i],
			      IDLE_MS / 100);
}

Test(threads, time_of_a_process_that_works_is_seen)
{
	uint64_t before = process_used_ms(getpid());
	uint64_t end = system_now_ms() + 10000;

	while (process_used_ms(getpid()) < before + IDLE_MS / 10)
		cr_assert_lt(system_now_ms(), end);
}

Test(threads, a_worker_may_use_what_its_threads_can_in_the_longest_request)
{
	struct policy policy = system_policy();
	struct process_list list;

	start(4);
	process_workers(pcc.pids[SYSTEM_NODE], &list);
	cr_assert_eq(list.count, WORKERS);
	for (size_t i = 0; i < WORKERS; i++)
		cr_expect_eq(process_allowed_s(list.pids[i]),
			     5 * (policy.request_ms_max / 1000 + 1));
}
