/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests without pause: no process grows, keeps descriptors or mappings of
 * shared memory, or leaves dead children behind.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "node/replay.h"
#include "policy/limits.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/support/timed.h"
#include "tests/system.h"

#define SAMPLES 40 /* in a usual run, one each: */
#define SAMPLE_MS 500
#define SKIPPED 10 /* of them, while everything is used a first time */
#define SAMPLES_MAX 20000
#define CALLERS 2
#define WORKERS 2
#define SETTLED_MS 5000

/* A mebibyte an hour cannot be told in seconds: a page is most of it. */
#define SLOPE_KIB_H 1024.0
#define LEAST_S 600 /* from here on it can */
#define GROWTH_KIB 1024.0
#define ENDS 5 /* samples at either end, of which the median is taken */
#define SEEN_KIB (2ul * KEY_REQUESTS_MAX * sizeof(struct replay_digest) / 1024)

/* Who is looked at. */
enum watched {
	SUPERVISOR,
	FRONT,
	KEEPER,
	ZYGOTE,
	GATEWAY,
	CLIENT,
	WATCHED
};

static const char *const names[WATCHED] = { "supervisor", "front",   "keeper",
					    "zygote",	  "gateway", "client" };

static struct system pcc;
static double kib[WATCHED][SAMPLES_MAX], seconds[SAMPLES_MAX];

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(steady, .fini = stop, .timeout = 0);

static void start(void)
{
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

static pid_t pid_of(enum watched which)
{
	static const enum jail_role roles[] = {
		[FRONT] = JAIL_FRONT,
		[KEEPER] = JAIL_KEEPER,
		[ZYGOTE] = JAIL_ZYGOTE,
	};

	if (which == SUPERVISOR)
		return pcc.pids[SYSTEM_NODE];
	if (which == GATEWAY || which == CLIENT)
		return pcc.pids[which == GATEWAY ? SYSTEM_GATEWAY
						 : SYSTEM_CLIENT];
	return process_role(pcc.pids[SYSTEM_NODE], roles[which]);
}

/*
 * Memory that is a process's own and in use.  Not of the table in which a keeper
 * keeps what it has seen: each request takes a place in it, so its pages are
 * taken one after the other, and there are only so many.
 */
static double own_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long size = 0, own = 0, sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		(void)sscanf(line, "Size: %lu", &size);
		if (sscanf(line, "Anonymous: %lu", &own) == 1 &&
		    size != SEEN_KIB)
			sum += own;
	}
	if (file != NULL)
		fclose(file);
	return (double)sum;
}

/* Children that ended and were not reaped. */
static size_t zombies(pid_t parent)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	size_t found = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char value[PROCESS_VALUE_MAX], state[PROCESS_VALUE_MAX];
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		process_status(pid, "PPid", value);
		process_status(pid, "State", state);
		found += strtol(value, NULL, 10) == parent && state[0] == 'Z';
	}
	if (folder != NULL)
		closedir(folder);
	return found;
}

/* Mappings that others may have as well: arenas, weights, memory files. */
static size_t shared_memory(pid_t pid)
{
	char path[64], line[512], rights[5];
	size_t found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		found += sscanf(line, "%*s %4s", rights) == 1 &&
			 rights[3] == 's';
	if (file != NULL)
		fclose(file);
	return found;
}

struct caller {
	pthread_t thread;
	volatile bool has_enough;
	uint64_t good, asked;
};

static void *call(void *argument)
{
	static const struct openai_question question = {
		.prompt = "Once upon a time",
		.max_tokens = 4,
	};
	struct caller *caller = argument;

	while (!caller->has_enough) {
		struct openai_answer answer;

		openai_complete(pcc.client, &question, &answer);
		caller->good += openai_is_whole(&answer);
		caller->asked++;
	}
	return NULL;
}

/* The line through the samples: its slope in an hour, and twice its error. */
static double slope(const double *values, size_t count, double *error)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, left = 0;
	double found;

	for (size_t i = 0; i < count; i++) {
		mean_x += seconds[SKIPPED + i] / (double)count;
		mean_y += values[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		double x = seconds[SKIPPED + i] - mean_x;

		xx += x * x;
		xy += x * (values[i] - mean_y);
	}
	found = xy / xx;
	for (size_t i = 0; i < count; i++) {
		double off = values[i] - mean_y -
			     found * (seconds[SKIPPED + i] - mean_x);

		left += off * off;
	}
	*error = 2 * 3600 * sqrt(left / (double)(count - 2) / xx);
	return 3600 * found;
}

static double median_of_end(const double values[static ENDS])
{
	double copy[ENDS];

	memcpy(copy, values, sizeof(copy));
	return timed_median(copy, ENDS);
}

static void tell_growth(enum watched which, size_t count)
{
	const double *values = kib[which] + SKIPPED;
	double lasted = seconds[SKIPPED + count - 1] - seconds[SKIPPED];
	double error, grows = slope(values, count, &error);
	char what[80];

	snprintf(what, sizeof(what), "%s: slope of its memory in an hour",
		 names[which]);
	/* What speaks gRPC has the heap of a library: that is told alone. */
	if (lasted >= LEAST_S && which != FRONT && which != GATEWAY)
		figure_at_most("L6", what, grows, "KiB", SLOPE_KIB_H + error);
	else
		figure_of("L6", what, grows, "KiB");
	snprintf(what, sizeof(what), "%s: twice the error of that slope",
		 names[which]);
	figure_of("L6", what, error, "KiB");
	snprintf(what, sizeof(what), "%s: growth in this run", names[which]);
	if (lasted < LEAST_S)
		figure_at_most("L6", what,
			       median_of_end(values + count - ENDS) -
				       median_of_end(values),
			       "KiB", GROWTH_KIB);
}

static size_t watch(pid_t pids[static WATCHED])
{
	struct effort effort = effort_of(SAMPLES);
	uint64_t began_ms = system_now_ms();
	size_t count = 0;

	while (effort_more(&effort) && count < SAMPLES_MAX) {
		for (int i = 0; i < WATCHED; i++)
			kib[i][count] = own_kib(pids[i]);
		seconds[count++] = (double)(system_now_ms() - began_ms) / 1000;
		system_sleep_ms(SAMPLE_MS);
	}
	return count;
}

/* No more than before, once the last connection is closed. */
static void await_descriptors(pid_t pid, size_t before, const char *name)
{
	uint64_t end = system_now_ms() + SETTLED_MS;
	size_t now;

	do {
		now = process_descriptor_count(pid);
		if (now <= before)
			return;
		system_sleep_ms(20);
	} while (system_now_ms() < end);
	cr_expect_fail("%s has %zu descriptors, had %zu", name, now, before);
}

static void begin(struct caller callers[static CALLERS])
{
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){ .asked = 0 };
		cr_assert_eq(pthread_create(&callers[i].thread, NULL, call,
					    &callers[i]),
			     0);
	}
}

static void end(struct caller callers[static CALLERS])
{
	uint64_t good = 0, asked = 0;

	for (size_t i = 0; i < CALLERS; i++) {
		callers[i].has_enough = true;
		pthread_join(callers[i].thread, NULL);
		good += callers[i].good;
		asked += callers[i].asked;
	}
	cr_assert_gt(good, 0);
	figure_of("L6", "requests answered", (double)good, "");
	figure_of("L6", "requests refused", (double)(asked - good), "");
}

Test(steady, under_load_nothing_grows_and_nothing_is_left_behind)
{
	struct caller callers[CALLERS];
	pid_t pids[WATCHED];
	size_t before[WATCHED], shared[WATCHED], all_shared = 0, count;

	start();
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	for (int i = 0; i < WATCHED; i++) {
		pids[i] = pid_of((enum watched)i);
		before[i] = process_descriptor_count(pids[i]);
		shared[i] = shared_memory(pids[i]);
		all_shared += shared[i];
		if (own_kib(pids[i]) == 0)
			cr_skip_test("only root may look into processes");
	}
	/* The control: arenas of the zygote are such. */
	cr_assert_gt(all_shared, 0);
	begin(callers);
	count = watch(pids);
	end(callers);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	cr_assert_gt(count, 2 * SKIPPED);
	for (int i = 0; i < WATCHED; i++) {
		/* The same life from beginning to end, or it proves nothing. */
		cr_assert_eq(pid_of((enum watched)i), pids[i]);
		cr_assert_eq(zombies(pids[i]), 0, "%s has zombies", names[i]);
		await_descriptors(pids[i], before[i], names[i]);
		cr_expect_leq(shared_memory(pids[i]), shared[i],
			      "%s has %zu shared mappings, had %zu", names[i],
			      shared_memory(pids[i]), shared[i]);
		tell_growth((enum watched)i, count - SKIPPED);
	}
}
