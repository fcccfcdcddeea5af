/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that its request took over and that does nothing but harm: each of
 * its threads writes over all of its arena, for ever.  What do others' requests
 * notice?
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/figure.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/talk.h"
#include "tests/support/puppet.h"
#include "tests/support/timed.h"
#include "tests/system.h"

#define REQUESTS 100 /* without a bomb, and as many beside one: in turn, */
#define ROUND 20     /* so many each time */
#define OTHERS 4     /* at once */
#define MAPPINGS_MAX 1024
#define ARENA_NAME "/dev/zero"
#define FRAMES 16
#define TICK_MS 25 /* as by default: an answer takes 0.4 s */
#define MORE_PERCENT 20

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(bomb, .fini = stop, .timeout = 300);

static bool reads(const char *path, const char *line)
{
	char text[4096] = "";
	FILE *file = fopen(path, "re");
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(text, sizeof(text), file) != NULL)
		found = strcmp(text, line) == 0 || (strchr(line, ':') == line &&
						    strstr(text, line) != NULL);
	fclose(file);
	return found;
}

/* Autogroups share processors out among what is in the one root group. */
static bool shares_by_session(void)
{
	return reads("/proc/sys/kernel/sched_autogroup_enabled", "1\n") &&
	       (reads("/proc/self/cgroup", ":cpu:/\n") ||
		reads("/proc/self/cgroup", ":cpu,cpuacct:/\n") ||
		reads("/proc/self/cgroup", "0::/\n"));
}

/* Processors, threads and ticks as by default. */
static void start(void)
{
	struct policy policy = system_policy();

	if (!puppet_works())
		cr_skip_test("only root takes a process over");
	if (!shares_by_session())
		cr_skip_test("processors are not shared by session here");
	policy.workers = 1 + 2 * OTHERS;
	policy.warm_workers = 1;
	policy.threads = 2;
	policy.tick_ms = TICK_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_buckets[1] = 1024;
	policy.total_bucket_count = 2;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
}

static pid_t only_worker(void)
{
	struct process_list workers;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, 1);
	return workers.pids[0];
}

/* 1: mov %rsi,%rdi; mov %rdx,%rcx; rep stosb; jmp 1b; rsi and rdx first */
static const uint8_t write_for_ever[] = {
	0x48, 0x89, 0xfe, 0x48, 0x89, 0xca, 0x48, 0x89,
	0xf7, 0x48, 0x89, 0xd1, 0xf3, 0xaa, 0xeb, 0xf6,
};

static struct process_mapping arena_of(pid_t pid)
{
	static struct process_mapping mappings[MAPPINGS_MAX];
	ssize_t count = process_mappings(pid, mappings, MAPPINGS_MAX);

	for (ssize_t i = 0; i < count; i++)
		if (strcmp(mappings[i].rights, "rw-s") == 0 &&
		    strncmp(mappings[i].name, ARENA_NAME, strlen(ARENA_NAME)) ==
			    0)
			return mappings[i];
	cr_assert_fail("a worker has no arena");
	return (struct process_mapping){ 0 };
}

/* All its threads, which wait; whether each was there to be taken. */
static void light(pid_t pid)
{
	const struct bytes code = { write_for_ever, sizeof(write_for_ever) };
	struct process_mapping arena = arena_of(pid);
	struct puppet puppets[PROCESS_MAX];
	struct process_list threads;

	process_threads(pid, &threads);
	for (size_t i = 0; i < threads.count; i++)
		cr_assert(puppet_take(threads.pids[i], &puppets[i]));
	for (size_t i = 0; i < threads.count; i++)
		cr_assert(puppet_run(&puppets[i], code, arena.start,
				     arena.end - arena.start));
}

static void ask_often(double ms[static ROUND])
{
	static struct talk talks[OTHERS];
	const struct openai_question question = { .prompt = "Turn on the light",
						  .form = OPENAI_STREAMED,
						  .max_tokens = 8,
						  .is_greedy = true };

	for (size_t i = 0; i < ROUND; i += OTHERS) {
		for (size_t j = 0; j < OTHERS; j++)
			talk_begin(&talks[j], pcc.client, &question);
		for (size_t j = 0; j < OTHERS; j++) {
			const struct openai_answer *answer = &talks[j].answer;

			talk_end(&talks[j]);
			cr_assert(openai_is_whole(answer));
			ms[i + j] = (double)answer->ms;
		}
	}
}

/* Its answer is long, and what it has to say it says at once. */
static pid_t light_one(struct talk *talk)
{
	const struct openai_question attack = { .prompt = "Turn on the light",
						.form = OPENAI_STREAMED,
						.max_tokens = 200 };
	pid_t worker = only_worker();

	talk_begin(talk, pcc.client, &attack);
	talk_await(talk);
	system_sleep_ms(100);
	light(worker);
	return worker;
}

static void await_idle(void)
{
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
}

/* The processor time that the bomb used meanwhile. */
static uint64_t ask_beside_a_bomb(double ms[static ROUND])
{
	static struct talk talk;
	pid_t bomb = light_one(&talk);
	uint64_t used_ms = process_used_ms(bomb);

	ask_often(ms);
	cr_expect_not(process_is_gone(bomb), "it ended before the others did");
	used_ms = process_used_ms(bomb) - used_ms;
	kill(bomb, SIGKILL);
	talk_end(&talk);
	return used_ms;
}

Test(bomb, a_worker_that_only_does_harm_delays_nobody_by_a_fifth)
{
	static double quiet_ms[REQUESTS], loud_ms[REQUESTS];
	uint64_t used_ms = 0;
	double quiet, loud;

	start();
	cr_assert_geq(openai_await_answer(pcc.client, 10000), 0);
	/* In turn, so that what else the machine does meets both. */
	for (size_t i = 0; i < REQUESTS; i += ROUND) {
		await_idle();
		ask_often(quiet_ms + i);
		await_idle();
		used_ms += ask_beside_a_bomb(loud_ms + i);
	}
	quiet = timed_quantile(quiet_ms, REQUESTS, 0.99);
	loud = timed_quantile(loud_ms, REQUESTS, 0.99);
	/* That it was one at all. */
	figure_at_least("E8", "processor time of the bomb meanwhile",
			(double)used_ms, "ms", 1000);
	figure_of("E8", "p99 of others' answers without a bomb", quiet, "ms");
	figure_of("E8", "median of others' answers beside it, over without",
		  timed_median(loud_ms, REQUESTS) /
			  timed_median(quiet_ms, REQUESTS),
		  "");
	figure_at_most("E8",
		       "p99 of others' answers beside it, more than without",
		       100 * (loud / quiet - 1), "%", MORE_PERCENT);
}
