/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that fail, one at a time, in each process of a node, while it
 * starts and while it serves: nothing crashes, nobody waits for ever, nothing
 * of a prompt gets into a log, and the next request is good.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/scenarios/journal.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/saboteur.h"
#include "tests/system.h"

#define ROUNDS 30
#define BACK_MS 30000 /* under a tracer, on a busy machine, hangs included */
#define CANARY "the-heron-walks-at-dusk"

static struct system pcc;

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
}

TestSuite(faults, .fini = stop, .timeout = 0);

/* Where a call is to fail, of how many that are known of, and which is next. */
static struct place {
	enum jail_role role;
	enum saboteur_phase phase;
	const char *name;
	uint64_t span;
	uint64_t next;
	unsigned way;
	uint64_t struck; /* of those that were to fail, those that did */
} places[] = {
	{ JAIL_FRONT, SABOTEUR_STARTING, "front's start", 0, 0, 0, 0 },
	{ JAIL_FRONT, SABOTEUR_SERVING, "front", 0, 0, 0, 0 },
	{ JAIL_KEEPER, SABOTEUR_STARTING, "keeper's start", 0, 0, 0, 0 },
	{ JAIL_KEEPER, SABOTEUR_SERVING, "keeper", 0, 0, 0, 0 },
	{ JAIL_ZYGOTE, SABOTEUR_STARTING, "zygote's start", 0, 0, 0, 0 },
	{ JAIL_ZYGOTE, SABOTEUR_SERVING, "zygote", 0, 0, 0, 0 },
	{ JAIL_WORKER, SABOTEUR_STARTING, "worker's start", 0, 0, 0, 0 },
	{ JAIL_WORKER, SABOTEUR_SERVING, "worker", 0, 0, 0, 0 },
	{ JAIL_SUPERVISOR, SABOTEUR_STARTING, "supervisor's start", 0, 0, 0,
	  0 },
	{ JAIL_SUPERVISOR, SABOTEUR_SERVING, "supervisor", 0, 0, 0, 0 },
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static void start(void)
{
	/* Of a call of the loader's or of a library's own. */
	static const char *const complaints[] = {
		"out of memory",
		"[low_level_alloc.cc : ",
		"pcc-node: error while loading shared libraries: ",
		"pcc-node: front: error while loading shared libraries: ",
		"pcc-node: keeper: error while loading shared libraries: ",
		"pcc-node: zygote: error while loading shared libraries: ",
		NULL
	};
	struct policy policy = system_policy();

	policy.shape = POLICY_SHAPE_OFF;
	policy.workers = 2;
	policy.warm_workers = 1;
	saboteur_begin_or_skip();
	journal_expect(complaints);
	system_start_or_skip(&policy, &pcc);
}

static void ask(struct openai_answer *out)
{
	static const struct openai_question question = {
		.prompt = CANARY,
		.form = OPENAI_STREAMED,
		.max_tokens = 2,
	};

	openai_complete(pcc.client, &question, out);
}

/* What lets the processes of a place make their calls. */
static void stir(const struct place *place)
{
	struct openai_answer answer;
	pid_t pid = 0;

	if (place->role == JAIL_SUPERVISOR &&
	    place->phase == SABOTEUR_STARTING) {
		system_signal(&pcc, SYSTEM_NODE, SIGKILL);
		cr_assert_neq(system_await_end(&pcc, SYSTEM_NODE, BACK_MS), -1);
		/* It may well refuse to. */
		(void)system_restart(&pcc, SYSTEM_NODE);
		return;
	}
	if (place->role == JAIL_SUPERVISOR)
		pid = process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER);
	else if (place->phase == SABOTEUR_STARTING)
		pid = process_role(pcc.pids[SYSTEM_NODE], place->role);
	if (pid > 0)
		kill(pid, SIGKILL);
	/* Whole, or refused, or cut, but never for ever. */
	ask(&answer);
	cr_assert_neq(answer.end == FETCH_FAILED && answer.ms > BACK_MS, 1,
		      "%s: nobody told the caller", place->name);
}

/* A supervisor that a fault ended is started again, as a service manager does. */
static bool revive(void)
{
	int status = system_await_end(&pcc, SYSTEM_NODE, 0);
	const char *wrong;

	if (pcc.pids[SYSTEM_NODE] != 0)
		return false;
	cr_assert(status == -1 || WIFEXITED(status) ||
			  WTERMSIG(status) == SIGKILL,
		  "the node was ended by signal %d", WTERMSIG(status));
	wrong = system_restart(&pcc, SYSTEM_NODE);
	cr_assert_null(wrong, "%s", wrong);
	return true;
}

static void expect_good_again(const struct place *place)
{
	uint64_t end = system_now_ms() + BACK_MS;
	int took = -1;

	while (took < 0 && system_now_ms() < end) {
		(void)revive();
		took = openai_await_answer(pcc.client, 500);
	}
	if (took < 0) {
		struct saboteur_deed deed = saboteur_disarm();

		cr_assert_fail("%s: after call %ld failed with %ld no request "
			       "is good",
			       place->name, deed.call, deed.error);
	}
}

/* One call fails; whether there was one of that number. */
static bool try(struct place *place, uint64_t at, unsigned way)
{
	uint64_t crashes = saboteur_crashes();
	uint64_t aborts = saboteur_aborts();
	struct saboteur_deed deed;

	saboteur_arm(
		&(struct saboteur_plan){ place->role, place->phase, at, way });
	stir(place);
	/* What starts again does so while the next request is tried. */
	expect_good_again(place);
	deed = saboteur_disarm();
	if (deed.calls > place->span)
		place->span = deed.calls;
	cr_log_info("%s, call %lu, way %u: %s %ld %ld%s", place->name, at, way,
		    deed.happened ? "struck" : "missed", deed.call, deed.error,
		    saboteur_aborts() > aborts ? ", aborted" : "");
	expect_good_again(place);
	cr_assert_eq(saboteur_crashes(), crashes,
		     "%s: after call %ld failed with %ld something crashed",
		     place->name, deed.call, deed.error);
	place->struck += deed.happened;
	return deed.happened;
}

/* An invariant is a bug of ours, whatever failed before. */
static void expect_no_bug(const struct place *place)
{
	static char log[SYSTEM_LOG_MAX];
	const char *bug;

	(void)system_log(&pcc, SYSTEM_NODE, log);
	bug = strstr(log, "invariant does not hold");
	cr_assert_null(bug, "%s: %.80s", place->name, bug);
}

static void expect_no_plaintext(void)
{
	static char log[SYSTEM_LOG_MAX];

	for (int part = 0; part < SYSTEM_PARTS; part++) {
		(void)system_log(&pcc, (enum system_part)part, log);
		cr_assert_null(strstr(log, CANARY));
		/* The control: it is a log, and of this node. */
		if (part == SYSTEM_NODE)
			cr_assert_not_null(strstr(log, "node_ready"));
	}
}

/* Any place, any call; how many there are is learnt first. */
static uint64_t sample(struct effort *effort, struct numbers *numbers)
{
	uint64_t struck = 0;

	for (size_t i = 0; i < PLACES; i++) {
		cr_assert_not(try(&places[i], UINT64_MAX, 0));
		cr_log_info("%s: %lu calls", places[i].name, places[i].span);
		cr_assert_gt(places[i].span, 0);
	}
	while (effort_more(effort)) {
		struct place *place = &places[effort->done % PLACES];
		uint64_t at = numbers_next(numbers) % place->span;

		struck += try(place, at, numbers_next(numbers));
	}
	return struck;
}

/* The places by turns, and in each every call in every way that it may fail. */
static uint64_t sweep(struct effort *effort)
{
	uint64_t struck = 0;

	while (effort_more(effort)) {
		struct place *place = &places[effort->done % PLACES];

		if (try(place, place->next++, place->way)) {
			struck++;
			continue;
		}
		place->next = 0;
		place->way++;
	}
	return struck;
}

Test(faults, of_failing_calls_none_crashes_hangs_or_leaks_and_the_next_is_good)
{
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(ROUNDS);
	uint64_t struck;

	start();
	struck = effort_is_long() ? sweep(&effort) : sample(&effort, &numbers);
	expect_no_bug(&places[0]);
	expect_no_plaintext();
	figure_of("L2", "processes that a library aborted for want of memory",
		  (double)saboteur_aborts(), "");
	figure_of("L2", "processes that the loader ended before they began",
		  (double)saboteur_loader_faults(), "");
	/* The control: so many calls did fail, and some in each place. */
	for (size_t i = 0; i < PLACES; i++)
		cr_assert_gt(places[i].struck, 0, "%s", places[i].name);
	cr_assert_geq(struck, effort.done / 2);
	figure_none("L2", "crashes, hangs and leaks after a failed call", 0,
		    struck, struck);
}
