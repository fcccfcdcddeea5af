/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes until a caller hears of a death, until there is capacity
 * again, and until a whole node that was started again answers.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/system.h"

#define TICK_MS 25
#define FRAMES 12	 /* of an answer, 0.3 s */
#define WORKERS_KILLED 5 /* for each role */
#define TOLD_MS 1000
#define ROLE_BACK_MS 500
#define WORKER_BACK_MS 50
#define ANSWERED_MS 2000
#define PATIENCE_MS 10000
#define ROUNDS_MAX 100000

static struct system pcc;

/* One at a time. */
ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	(void)tests;
	criterion_options.jobs = 1;
}

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(recovery, .fini = stop, .timeout = 0);

static void start(enum policy_shape shape)
{
	struct policy policy = system_policy();

	policy.shape = shape;
	policy.workers = 1;
	policy.warm_workers = 1;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, PATIENCE_MS));
}

/* The slowest of so many, and a share of them that were no slower. */
struct times {
	uint64_t *list;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void note(struct times *times, uint64_t ms)
{
	if (times->list == NULL)
		times->list = calloc(ROUNDS_MAX, sizeof(*times->list));
	cr_assert_not_null(times->list);
	if (times->count < ROUNDS_MAX)
		times->list[times->count++] = ms;
}

static double percentile(struct times *times, unsigned percent)
{
	size_t at = (times->count * percent + 99) / 100;

	cr_assert_gt(times->count, 0);
	qsort(times->list, times->count, sizeof(*times->list), compare);
	return (double)times->list[at > 0 ? at - 1 : 0];
}

/* Whether a worker waits in its jail for a request, and all roles are there. */
static void await_capacity(void)
{
	uint64_t end = system_now_ms() + PATIENCE_MS;

	while (!process_is_complete(pcc.pids[SYSTEM_NODE], 1))
		cr_assert_lt(system_now_ms(), end, "there is no capacity");
}

/* A victim in the middle of an answer; told, and back. */
static void kill_one(enum jail_role role, struct times *told,
		     struct times *back)
{
	const struct openai_question question = { .prompt = "Once upon a time",
						  .form = OPENAI_STREAMED,
						  .max_tokens = 16 };
	struct process_list workers;
	uint64_t killed_ms;
	struct talk talk;
	pid_t victim;

	await_capacity();
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_geq(workers.count, 1);
	victim = role == JAIL_WORKER
			 ? workers.pids[0]
			 : process_role(pcc.pids[SYSTEM_NODE], role);
	cr_assert_gt(victim, 0);
	talk_begin(&talk, pcc.client, &question);
	talk_await(&talk);
	killed_ms = system_now_ms();
	cr_assert_eq(kill(victim, SIGKILL), 0);
	/* A zombie is seen at once, so what is waited for is another life. */
	cr_assert_geq(process_await_end(victim, PATIENCE_MS), 0);
	await_capacity();
	note(back, system_now_ms() - killed_ms);
	talk_end(&talk);
	cr_assert_neq(talk.answer.error_code[0], '\0', "status %ld, end %d",
		      talk.answer.status, talk.answer.end);
	note(told, talk.ended_ms - killed_ms);
	cr_assert_geq(openai_await_answer(pcc.client, PATIENCE_MS), 0);
}

Test(recovery, callers_hear_of_a_death_at_once_and_capacity_is_back)
{
	static const enum jail_role roles[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE };
	struct effort effort = effort_of(4);
	struct times told = { 0 }, role_back = { 0 }, worker_back = { 0 };

	start(POLICY_SHAPE_PACED);
	while (effort_more(&effort)) {
		for (int i = 0; i < WORKERS_KILLED; i++)
			kill_one(JAIL_WORKER, &told, &worker_back);
		kill_one(roles[effort.done % 3], &told, &role_back);
	}
	figure_of("L1", "until a killed worker was replaced, median",
		  percentile(&worker_back, 50), "ms");
	figure_of("L1", "until a killed role was replaced, median",
		  percentile(&role_back, 50), "ms");
	figure_at_most("L1", "until a caller was told of a death, slowest",
		       percentile(&told, 100), "ms", TOLD_MS);
	figure_at_most("L1", "until a killed role was replaced, slowest",
		       percentile(&role_back, 100), "ms", ROLE_BACK_MS);
	figure_at_most("L1", "until a killed worker was replaced, slowest",
		       percentile(&worker_back, 100), "ms", WORKER_BACK_MS);
}

/* Somebody who asks without pause, so that a node starts under load. */
static void *ask_on(void *argument)
{
	volatile const bool *has_enough = argument;
	const struct openai_question question = { .prompt = "Once upon a time",
						  .max_tokens = 4 };
	struct openai_answer answer;

	while (!*has_enough) {
		openai_complete(pcc.client, &question, &answer);
		if (answer.status != 200)
			system_sleep_ms(20);
	}
	return NULL;
}

Test(recovery, a_node_started_again_under_load_answers_within_two_seconds)
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(12);
	struct times times = { 0 };
	volatile bool has_enough = false;
	pthread_t asker;

	start(POLICY_SHAPE_OFF);
	cr_assert_eq(pthread_create(&asker, NULL, ask_on,
				    (void *)(uintptr_t)&has_enough),
		     0);
	while (effort_more(&effort)) {
		uint64_t began_ms;
		const char *wrong;

		system_signal(&pcc, SYSTEM_NODE,
			      numbers_next(&numbers) % 2 ? SIGKILL : SIGTERM);
		cr_assert_neq(system_await_end(&pcc, SYSTEM_NODE, PATIENCE_MS),
			      -1);
		began_ms = system_now_ms();
		wrong = system_restart(&pcc, SYSTEM_NODE);
		cr_assert_null(wrong, "%s", wrong);
		cr_assert_geq(openai_await_answer(pcc.client, PATIENCE_MS), 0);
		note(&times, system_now_ms() - began_ms);
	}
	has_enough = true;
	pthread_join(asker, NULL);
	figure_of("L8", "restarts under load", (double)effort.done, "");
	figure_of("L8", "first good answer after a restart, median",
		  percentile(&times, 50), "ms");
	figure_at_most("L8", "first good answer after a restart, p99",
		       percentile(&times, 99), "ms", ANSWERED_MS);
}
