/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many requests and many deaths at once: each request ends as a whole answer or
 * as an error that says so, nothing is lost without a word, and afterwards the
 * node is as it was before.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"

#define WORKERS 2
#define CALLERS 3
#define STORM_MS 6000
#define BETWEEN_MS 120	   /* deaths, on average */
#define QUICK_REQUESTS 150 /* of each caller */
#define ENDS_MS 12000	   /* any request, whatever happens to it */
#define OPEN_MAX_SEEN 64

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(storm, .fini = stop);

static void start(enum policy_shape shape)
{
	struct policy policy = system_policy();

	policy.shape = shape;
	policy.tick_ms = 5;
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

struct caller {
	pthread_t thread;
	uint64_t until_ms;
	unsigned requests; /* at most */
	unsigned whole, refused, cut;
	uint64_t slowest_ms;
	char stray[256]; /* an end that should not be, or empty */
};

/*
 * A stream that was cut and says so, or a refusal before there was one.  All of
 * the text may have come before the cut: then just its padding was lost.
 */
static bool is_typed(const struct openai_answer *answer)
{
	if (answer->error_code[0] == '\0')
		return false;
	return answer->status == 200
		       ? answer->end == FETCH_CUT
		       : answer->end == FETCH_WHOLE && answer->status >= 400 &&
				 answer->text[0] == '\0';
}

static void judge(struct caller *caller, const struct openai_answer *answer)
{
	if (answer->ms > caller->slowest_ms)
		caller->slowest_ms = answer->ms;
	if (openai_is_whole(answer) && answer->is_done)
		caller->whole++;
	else if (is_typed(answer) && answer->status == 200)
		caller->cut++;
	else if (is_typed(answer))
		caller->refused++;
	else
		snprintf(caller->stray, sizeof(caller->stray),
			 "status %ld, end %d, code %s, finish %s",
			 answer->status, answer->end, answer->error_code,
			 answer->finish);
}

static void *call(void *argument)
{
	struct openai_question question = { .prompt = "Once upon a time",
					    .form = OPENAI_STREAMED,
					    .max_tokens = 4 };
	struct caller *caller = argument;

	for (unsigned i = 0; i < caller->requests && caller->stray[0] == '\0' &&
			     system_now_ms() < caller->until_ms;
	     i++) {
		struct openai_answer answer;

		openai_complete(pcc.client, &question, &answer);
		judge(caller, &answer);
	}
	return NULL;
}

static void begin(struct caller callers[static CALLERS], unsigned requests,
		  unsigned ms)
{
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){
			.until_ms = system_now_ms() + ms,
			.requests = requests,
		};
		cr_assert_eq(pthread_create(&callers[i].thread, NULL, call,
					    &callers[i]),
			     0);
	}
}

static struct caller end(struct caller callers[static CALLERS])
{
	struct caller sum = { .requests = 0 };

	for (size_t i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		cr_assert_str_empty(callers[i].stray, "%s", callers[i].stray);
		sum.whole += callers[i].whole;
		sum.refused += callers[i].refused;
		sum.cut += callers[i].cut;
		if (callers[i].slowest_ms > sum.slowest_ms)
			sum.slowest_ms = callers[i].slowest_ms;
	}
	cr_log_info("%u whole, %u cut, %u refused, the slowest %lu ms",
		    sum.whole, sum.cut, sum.refused, sum.slowest_ms);
	return sum;
}

static ssize_t descriptors(enum jail_role role)
{
	int open[OPEN_MAX_SEEN];

	return process_descriptors(process_role(pcc.pids[SYSTEM_NODE], role),
				   open, OPEN_MAX_SEEN);
}

/* Take every such line out of a log. */
static void strike(char *log, const char *line)
{
	char *at;

	while ((at = strstr(log, line)) != NULL)
		memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
}

static void expect_numbers_in_log(void)
{
	static char log[SYSTEM_LOG_MAX];
	const char *stray;

	(void)system_log(&pcc, SYSTEM_NODE, log);
	/* A zygote whose self-test we killed a child of has to think so. */
	strike(log, "pcc-node: zygote: a forbidden act works in the "
		    "worker's jail\n");
	stray = journal_stray_line(SYSTEM_NODE, log);
	cr_assert_null(stray, "stray line: %s", stray);
}

Test(storm, hundreds_of_quick_requests_leave_a_node_as_it_was)
{
	struct caller callers[CALLERS], sum;
	ssize_t before[JAIL_ROLES];

	start(POLICY_SHAPE_OFF);
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++)
		before[i] = descriptors((enum jail_role)i);
	begin(callers, QUICK_REQUESTS, 60000);
	sum = end(callers);
	cr_assert_eq(sum.whole, CALLERS * QUICK_REQUESTS);
	expect_numbers_in_log();
	if (before[JAIL_FRONT] < 0)
		cr_skip_test("all were answered, but only root may count "
			     "descriptors");
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++)
		cr_expect_eq(descriptors((enum jail_role)i), before[i],
			     "role %d has %zd, had %zd", i,
			     descriptors((enum jail_role)i), before[i]);
}

/* A worker most of the time, else a role; 0 where none is there just now. */
static pid_t any_victim(void)
{
	static const enum jail_role roles[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE };
	struct process_list workers;

	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	if (random() % 4 != 0)
		return workers.count == 0
			       ? 0
			       : workers.pids[(size_t)random() % workers.count];
	return process_role(pcc.pids[SYSTEM_NODE], roles[random() % 3]);
}

static unsigned rage(unsigned ms)
{
	uint64_t until = system_now_ms() + ms;
	unsigned deaths = 0;

	while (system_now_ms() < until) {
		pid_t victim = any_victim();

		if (victim > 0)
			deaths += kill(victim, SIGKILL) == 0;
		system_sleep_ms((unsigned)(random() % (2 * BETWEEN_MS)));
	}
	return deaths;
}

Test(storm, under_any_deaths_each_request_is_whole_or_says_that_it_is_not)
{
	unsigned seed = (unsigned)time(NULL);
	struct caller callers[CALLERS], sum;
	unsigned deaths;

	start(POLICY_SHAPE_PACED);
	cr_log_info("seed %u", seed);
	srandom(seed);
	begin(callers, UINT32_MAX, STORM_MS);
	deaths = rage(STORM_MS);
	sum = end(callers);
	cr_log_info("%u deaths", deaths);
	cr_assert_gt(deaths, STORM_MS / BETWEEN_MS / 4);
	cr_assert_gt(sum.whole, 0);
	cr_assert_leq(sum.slowest_ms, ENDS_MS);
	/* And then it is a node like any other. */
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	expect_numbers_in_log();
}
