/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many requests and many deaths at once: each request ends as a whole answer,
 * the very one that is expected, or as an error that says so; nothing is lost
 * without a word, and afterwards the node is as it was before.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"

#define WORKERS 2
#define CALLERS 3
#define DEATHS 200
#define BETWEEN_MS 80	   /* deaths, on average */
#define AGAIN_MS 20	   /* after a refusal */
#define BACK_MS 10000	   /* of a part that its service manager starts again */
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

/* Two questions, with the one answer that each has. */
static struct {
	unsigned max_tokens;
	char answer[OPENAI_TEXT_MAX];
} questions[] = { { .max_tokens = 4 }, { .max_tokens = 24 } };

/* Deaths and returns of the client: while odd, nobody can speak for it. */
static volatile unsigned client_deaths;

struct caller {
	pthread_t thread;
	volatile bool has_enough;
	unsigned requests; /* at most */
	unsigned whole, refused, cut, left_alone;
	uint64_t number;
	uint64_t slowest_ms;
	char stray[512]; /* an end that should not be, or empty */
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

static bool is_beginning_of(const char *text, const char *whole)
{
	return strncmp(text, whole, strlen(text)) == 0;
}

static void judge(struct caller *caller, const struct openai_answer *answer,
		  const char *expected)
{
	bool is_whole = openai_is_whole(answer) && answer->is_done;

	if (answer->ms > caller->slowest_ms)
		caller->slowest_ms = answer->ms;
	if (is_whole && strcmp(answer->text, expected) == 0)
		caller->whole++;
	else if (!is_whole && is_typed(answer) && answer->status == 200 &&
		 is_beginning_of(answer->text, expected))
		caller->cut++;
	else if (!is_whole && is_typed(answer) && answer->status != 200)
		caller->refused++;
	else
		snprintf(caller->stray, sizeof(caller->stray),
			 "request %lu: status %ld, end %d, code %s, finish %s, "
			 "text \"%.80s\"",
			 caller->number, answer->status, answer->end,
			 answer->error_code, answer->finish, answer->text);
}

static void *call(void *argument)
{
	struct caller *caller = argument;

	while (caller->number < caller->requests && caller->stray[0] == '\0' &&
	       !caller->has_enough) {
		size_t which = caller->number++ % 2;
		struct openai_question question = {
			.prompt = "Once upon a time",
			.form = OPENAI_STREAMED,
			.max_tokens = questions[which].max_tokens,
			.is_greedy = true,
		};
		unsigned before = client_deaths;
		struct openai_answer answer;

		openai_complete(pcc.client, &question, &answer);
		if ((client_deaths != before || before % 2 == 1) &&
		    (answer.end == FETCH_FAILED || answer.end == FETCH_CUT))
			caller->left_alone++;
		else
			judge(caller, &answer, questions[which].answer);
		if (answer.status != 200)
			system_sleep_ms(AGAIN_MS);
	}
	return NULL;
}

static void learn_answers(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct openai_question question = {
			.prompt = "Once upon a time",
			.max_tokens = questions[i].max_tokens,
			.is_greedy = true,
		};
		static struct openai_answer answer;

		openai_complete(pcc.client, &question, &answer);
		cr_assert(openai_is_whole(&answer));
		memcpy(questions[i].answer, answer.text, sizeof(answer.text));
	}
	cr_assert_gt(strlen(questions[1].answer), strlen(questions[0].answer));
}

static void begin(struct caller callers[static CALLERS], unsigned requests)
{
	learn_answers();
	for (size_t i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){
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
		sum.left_alone += callers[i].left_alone;
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
	begin(callers, QUICK_REQUESTS);
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

/* Who may die, and how often. */
static const struct victim {
	enum jail_role role; /* of the node, or */
	enum system_part part;
	unsigned weight;
} victims[] = {
	{ .role = JAIL_WORKER, .weight = 30 },
	{ .role = JAIL_FRONT, .weight = 6 },
	{ .role = JAIL_KEEPER, .weight = 6 },
	{ .role = JAIL_ZYGOTE, .weight = 6 },
	{ .role = JAIL_SUPERVISOR, .part = SYSTEM_NODE, .weight = 1 },
	{ .role = JAIL_SUPERVISOR, .part = SYSTEM_GATEWAY, .weight = 1 },
	{ .role = JAIL_SUPERVISOR, .part = SYSTEM_CLIENT, .weight = 1 },
};

static const struct victim *draw(struct numbers *numbers)
{
	uint32_t left, sum = 0;
	size_t i = 0;

	for (size_t j = 0; j < sizeof(victims) / sizeof(victims[0]); j++)
		sum += victims[j].weight;
	left = numbers_next(numbers) % sum;
	while (left >= victims[i].weight)
		left -= victims[i++].weight;
	return &victims[i];
}

/* A part that is started again by hand, as its service manager would. */
static void kill_part(enum system_part part)
{
	const char *wrong;

	client_deaths += part == SYSTEM_CLIENT;
	system_signal(&pcc, part, SIGKILL);
	cr_assert_neq(system_await_end(&pcc, part, BACK_MS), -1);
	wrong = system_restart(&pcc, part);
	cr_assert_null(wrong, "%s", wrong);
	client_deaths += part == SYSTEM_CLIENT;
}

/* Whether there was somebody to kill. */
static bool kill_one(const struct victim *victim, struct numbers *numbers)
{
	struct process_list workers;
	uint32_t which = numbers_next(numbers);
	pid_t pid;

	if (victim->role == JAIL_SUPERVISOR) {
		kill_part(victim->part);
		return true;
	}
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	if (victim->role != JAIL_WORKER)
		pid = process_role(pcc.pids[SYSTEM_NODE], victim->role);
	else
		pid = workers.count > 0 ? workers.pids[which % workers.count]
					: 0;
	return pid > 0 && kill(pid, SIGKILL) == 0;
}

/* Whoever is drawn and lives just now. */
static const struct victim *kill_any(struct numbers *numbers)
{
	uint64_t end = system_now_ms() + BACK_MS;

	while (system_now_ms() < end) {
		const struct victim *victim = draw(numbers);

		if (kill_one(victim, numbers))
			return victim;
		system_sleep_ms(AGAIN_MS);
	}
	cr_assert_fail("there is nobody left to kill");
	return NULL;
}

static uint64_t rage(uint64_t deaths[static JAIL_ROLES])
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(DEATHS);

	while (effort_more(&effort)) {
		const struct victim *victim = kill_any(&numbers);

		/* What was done, for whoever replays it. */
		cr_log_info("%lu: role %d, part %d", effort.done, victim->role,
			    victim->part);
		deaths[victim->role]++;
		system_sleep_ms(numbers_next(&numbers) % (2 * BETWEEN_MS));
	}
	return effort.done;
}

Test(storm, under_any_deaths_each_request_is_whole_or_says_that_it_is_not,
     .timeout = 0)
{
	struct caller callers[CALLERS], sum;
	uint64_t by_role[JAIL_ROLES] = { 0 };
	uint64_t deaths;

	start(POLICY_SHAPE_PACED);
	begin(callers, UINT32_MAX);
	deaths = rage(by_role);
	for (size_t i = 0; i < CALLERS; i++)
		callers[i].has_enough = true;
	sum = end(callers);
	cr_assert_gt(by_role[JAIL_WORKER], 0);
	cr_assert_gt(by_role[JAIL_ZYGOTE], 0);
	cr_assert_gt(sum.whole, 0);
	cr_assert_leq(sum.slowest_ms, ENDS_MS);
	/* The control: they did hit requests, which were told so. */
	figure_none("L1", "requests that hung, or ended wrongly unannounced", 0,
		    sum.whole + sum.cut + sum.refused, sum.cut + sum.refused);
	figure_of("L1", "deaths under load", (double)deaths, "");
	/* And then it is a node like any other. */
	cr_assert_geq(openai_await_answer(pcc.client, 5000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	expect_numbers_in_log();
}
