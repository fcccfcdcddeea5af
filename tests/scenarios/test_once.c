/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker a request, and one answer a seed: whoever asks beside it, whatever
 * died before it, and however many threads there are.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define WORKERS 2
#define REQUESTS 500
#define SEEDS 60
#define CALLERS 3
#define TOKENS 8
#define GONE_MS 10000
#define SEEN_MAX (1u << 20)

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(once, .fini = stop, .timeout = 7200);

static void start(uint32_t threads)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = threads;
	policy.queue = 16;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

/* A process and no other that had its number: pid and when it began. */
struct identity {
	pid_t pid;
	unsigned long long began; /* 0: it is gone */
};

static struct identity identity_of(pid_t pid)
{
	struct identity found = { .pid = pid };
	char path[64], text[1024] = "";
	FILE *file;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return found;
	(void)!fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	/* State, then eighteen numbers; a zombie serves nobody. */
	at = strrchr(text, ')');
	if (at == NULL || at[2] == 'Z' ||
	    sscanf(at + 2,
		   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
		   "%*d %*d %*d %*d %*d %*d %llu",
		   &found.began) != 1)
		found.began = 0;
	return found;
}

static bool is_same(struct identity one, struct identity other)
{
	return one.pid == other.pid && one.began == other.began;
}

struct crew {
	struct identity workers[WORKERS];
	size_t count;
};

/* All there are, once there are as many as the policy keeps ready. */
static void look(struct crew *out)
{
	uint64_t until = system_now_ms() + GONE_MS;

	do {
		struct process_list list;

		process_workers(pcc.pids[SYSTEM_NODE], &list);
		out->count = 0;
		for (size_t i = 0; i < list.count && i < WORKERS; i++) {
			struct identity one = identity_of(list.pids[i]);

			if (one.began != 0)
				out->workers[out->count++] = one;
		}
		if (out->count == WORKERS)
			return;
		system_sleep_ms(1);
	} while (system_now_ms() < until);
	cr_assert_fail("the workers do not come back");
}

/* The one of them that is gone: who served.  False: nobody is, in time. */
static bool find_gone(const struct crew *crew, struct identity *out)
{
	uint64_t until = system_now_ms() + GONE_MS;

	do {
		for (size_t i = 0; i < crew->count; i++) {
			*out = crew->workers[i];
			if (!is_same(identity_of(out->pid), *out))
				return true;
		}
		system_sleep_ms(1);
	} while (system_now_ms() < until);
	return false;
}

Test(once, no_worker_serves_a_second_request)
{
	static struct identity served[SEEN_MAX];
	struct effort effort = effort_of(REQUESTS);
	struct identity front;
	uint64_t reused = 0, stayed = 0, count = 0;
	struct crew crew;

	start(1);
	front = identity_of(process_role(pcc.pids[SYSTEM_NODE], JAIL_FRONT));
	while (effort_more(&effort) && count < SEEN_MAX) {
		struct openai_question question = { .prompt = "hello",
						    .max_tokens = 1 };
		struct openai_answer answer;
		struct identity gone;

		look(&crew);
		openai_complete(pcc.client, &question, &answer);
		cr_assert(openai_is_whole(&answer), "%ld", answer.status);
		if (!find_gone(&crew, &gone)) {
			reused++;
			continue;
		}
		for (uint64_t i = 0; i < count; i++)
			reused += is_same(served[i], gone);
		served[count++] = gone;
		/* The control: who does serve again is known again. */
		stayed += is_same(front, identity_of(front.pid));
	}
	figure_none("H3", "requests served by a worker that had served before",
		    reused, effort.done, stayed);
}

static char alone[SEEDS][OPENAI_TEXT_MAX];

struct caller {
	pthread_t thread;
	size_t first; /* of the seeds, from which it goes round */
	uint64_t compared, different;
};

static void ask(unsigned seed, struct openai_answer *out)
{
	const struct openai_question question = { .prompt = "Once upon a time",
						  .max_tokens = TOKENS,
						  .seed = seed + 1 };

	openai_complete(pcc.client, &question, out);
	cr_assert(openai_is_whole(out), "%ld %s", out->status, out->error_code);
}

static void *compare_all(void *argument)
{
	struct caller *caller = argument;

	for (size_t i = 0; i < SEEDS; i++) {
		size_t seed = (caller->first + i) % SEEDS;
		struct openai_answer answer;

		ask((unsigned)seed, &answer);
		caller->compared++;
		caller->different += strcmp(answer.text, alone[seed]) != 0;
	}
	return NULL;
}

/* So many callers at once, each beside all others. */
static void compare_beside(size_t callers, struct caller *sum)
{
	struct caller all[CALLERS];

	for (size_t i = 0; i < callers; i++) {
		all[i] = (struct caller){ .first = i * SEEDS / CALLERS };
		cr_assert_eq(pthread_create(&all[i].thread, NULL, compare_all,
					    &all[i]),
			     0);
	}
	for (size_t i = 0; i < callers; i++) {
		pthread_join(all[i].thread, NULL);
		sum->compared += all[i].compared;
		sum->different += all[i].different;
	}
}

static void kill_the_zygote(void)
{
	pid_t zygote = process_role(pcc.pids[SYSTEM_NODE], JAIL_ZYGOTE);

	cr_assert_gt(zygote, 0);
	cr_assert_eq(kill(zygote, SIGKILL), 0);
	cr_assert_geq(process_await_end(zygote, GONE_MS), 0);
	cr_assert_geq(openai_await_answer(pcc.client, 2 * GONE_MS), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, GONE_MS));
}

Test(once, a_seed_s_answer_is_the_same_beside_others_and_after_a_restart)
{
	struct caller sum = { 0 };
	uint64_t others = 0;
	struct openai_answer answer;

	start(1);
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		ask(seed, &answer);
		memcpy(alone[seed], answer.text, sizeof(answer.text));
		others += seed > 0 && strcmp(alone[seed], alone[seed - 1]) != 0;
	}
	compare_beside(CALLERS, &sum);
	kill_the_zygote();
	compare_beside(1, &sum);
	stop();
	start(2);
	compare_beside(CALLERS, &sum);
	figure_none("H1",
		    "answers of a whole node that differ in company, "
		    "after a restart or with two threads",
		    sum.different, sum.compared, others);
}
