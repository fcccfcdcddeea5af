/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A jail that cannot be closed: whichever system call of its making fails, the
 * process says at which step and has no jail to show; and a whole node, told no
 * by the kernel anywhere on that way, says so and does not serve.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/jail.h"
#include "tests/figure.h"
#include "tests/support/refusal.h"
#include "tests/support/scenario.h"
#include "tests/support/tracer.h"
#include "tests/system.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Leave with what a step of the scenario said, if it did. */
#define TELLS(step)                          \
	do {                                 \
		const char *wrong_ = (step); \
		if (wrong_ != NULL)          \
			return wrong_;       \
	} while (0)

TestSuite(unjailed, .timeout = 120);

/* ---- one role, call by call */

/* What became of it, for the test to judge. */
struct outcome {
	enum jail_step failed;
	unsigned optional;
	bool has_filter; /* where a step failed; asking ends who has one */
};

static const char *tell(const struct jail_report *report)
{
	struct outcome outcome = { .failed = report->failed,
				   .optional = report->optional };

	if (report->failed != JAIL_STEP_NONE)
		outcome.has_filter = prctl(PR_GET_SECCOMP) != 0;
	HOLDS(write(SCENARIO_CONTROL, &outcome, sizeof(outcome)) ==
	      sizeof(outcome));
	return NULL;
}

/* Waits to be traced; then, as a role does it, but for its own work. */
static const char *close_the_jail(enum jail_role role)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };
	const int kept[] = { SCENARIO_CONTROL };
	const struct jail_isolation isolation = { .descriptors = kept,
						  .descriptor_count = 1 };

	HOLDS(filter_compile(profile_of(role), &filter) == ERR_OK);
	TELLS(scenario_wait());
	if (jail_isolate(profile_of(role), &isolation, &report) == ERR_OK)
		(void)!jail_enter(&filter, &report);
	return tell(&report);
}

/* What it has left to do in a jail that its zygote made; without the zygote's
 * filter, behind which no call can be made to fail. */
static const char *close_worker(void)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };

	HOLDS(filter_compile(profile_of(JAIL_WORKER), &filter) == ERR_OK);
	TELLS(scenario_isolate(JAIL_ZYGOTE));
	HOLDS(dup2(JAIL_FD_FRONT, JAIL_FD_KEEPER) == JAIL_FD_KEEPER);
	TELLS(scenario_wait());
	(void)!jail_enter(&filter, &report);
	return tell(&report);
}

static const char *close_attester(void)
{
	return close_the_jail(JAIL_ATTESTER);
}

static const char *close_keeper(void)
{
	return close_the_jail(JAIL_KEEPER);
}

static const char *close_zygote(void)
{
	return close_the_jail(JAIL_ZYGOTE);
}

static const char *close_front(void)
{
	return close_the_jail(JAIL_FRONT);
}

static const struct scenario scenarios[] = {
	{ "close_keeper", close_keeper }, { "close_zygote", close_zygote },
	{ "close_front", close_front },	  { "close_attester", close_attester },
	{ "close_worker", close_worker }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return scenario_main(scenarios, argc, argv);
}

struct sweep {
	const char *scenario;
	enum jail_role role;
	int error;
	unsigned all; /* the measures in force where nothing fails */
	uint64_t tries, good, seen;
};

/* The role's word for what came of it; false: it said nothing. */
static bool close_with(const struct sweep *sweep,
		       const struct tracer_plan *plan,
		       struct tracer_result *traced, struct outcome *out)
{
	struct scenario_run run;
	ssize_t got;

	scenario_spawn(sweep->scenario, sweep->role, -1, &run);
	scenario_hear(&run);
	tracer_hold(run.child.pid);
	scenario_go_on(&run);
	*traced = tracer_follow(run.child.pid, plan);
	got = recv(run.control, out, sizeof(*out), MSG_DONTWAIT);
	close(run.child.pidfd);
	close(run.control);
	return got == sizeof(*out);
}

/* Calls that no kernel fails, so that nobody looks. */
static bool never_fails(long number)
{
	return number == SYS_close || number == SYS_getpid ||
	       number == SYS_getuid || number == SYS_geteuid;
}

/* What a kernel may lack is told in another way. */
static bool is_noticed(const struct sweep *sweep, const struct outcome *outcome)
{
	if (outcome->failed != JAIL_STEP_NONE)
		return !outcome->has_filter;
	return outcome->optional != sweep->all;
}

static void try_each_call(struct sweep *sweep)
{
	struct tracer_plan plan = { .fault = TRACER_COUNT };
	struct tracer_result traced;
	struct outcome outcome;

	cr_assert(close_with(sweep, &plan, &traced, &outcome));
	cr_assert_eq(outcome.failed, JAIL_STEP_NONE, "%s: %s", sweep->scenario,
		     jail_step_name(outcome.failed));
	sweep->all = outcome.optional;
	plan = (struct tracer_plan){ .fault = TRACER_FAIL,
				     .error = sweep->error };
	/* The first is the read that waits for us; the last three say it, and
	   end. */
	for (plan.at = 1; plan.at + 3 < traced.calls; plan.at++) {
		struct tracer_result now;

		cr_assert(close_with(sweep, &plan, &now, &outcome),
			  "%s: call %u, number %ld", sweep->scenario, plan.at,
			  now.number);
		cr_assert(now.happened);
		if (never_fails(now.number))
			continue;
		sweep->tries++;
		sweep->seen += outcome.failed != JAIL_STEP_NONE;
		sweep->good += is_noticed(sweep, &outcome);
		cr_expect(is_noticed(sweep, &outcome),
			  "%s: call %u, number %ld", sweep->scenario, plan.at,
			  now.number);
	}
}

SCENARIO_TEST(unjailed, whichever_call_of_a_jails_making_fails_it_is_told)
{
	struct sweep sweeps[] = {
		{ "close_keeper", JAIL_KEEPER, .error = EPERM },
		{ "close_front", JAIL_FRONT, .error = EIO },
		{ "close_zygote", JAIL_ZYGOTE, .error = ENOMEM },
		{ "close_attester", JAIL_ATTESTER, .error = EACCES },
		{ "close_worker", JAIL_ZYGOTE, .error = EPERM },
	};
	uint64_t tries = 0, good = 0;

	/* A sanitizer's own calls are not the jail's. */
	scenario_skip_if_sanitized();
	if (!tracer_works())
		cr_skip_test("no process may be traced here");
	for (size_t i = 0; i < COUNT_OF(sweeps); i++) {
		try_each_call(&sweeps[i]);
		cr_expect_gt(sweeps[i].seen, sweeps[i].tries / 2);
		tries += sweeps[i].tries;
		good += sweeps[i].good;
	}
	figure_all("E7", "failing calls of a jail's making that are told", good,
		   tries);
}

/* ---- a whole node */

/* What the kernel refuses, whoever of the node asks for it. */
static const struct refusal {
	const char *name;
	int call;
	unsigned argument_count;
	uint64_t first_argument;
} refusals[] = {
	{ "clone3", SYS_clone3, 0, 0 },
	{ "setsid", SYS_setsid, 0, 0 },
	{ "setgroups", SYS_setgroups, 0, 0 },
	{ "setresuid", SYS_setresuid, 0, 0 },
	{ "setresgid", SYS_setresgid, 0, 0 },
	{ "keep capabilities", SYS_prctl, 1, PR_SET_KEEPCAPS },
	{ "mount", SYS_mount, 0, 0 },
	{ "chdir", SYS_chdir, 0, 0 },
	{ "sethostname", SYS_sethostname, 0, 0 },
	{ "setdomainname", SYS_setdomainname, 0, 0 },
	{ "ambient", SYS_prctl, 1, PR_CAP_AMBIENT },
	{ "bounding", SYS_prctl, 1, PR_CAPBSET_DROP },
	{ "securebits", SYS_prctl, 1, PR_SET_SECUREBITS },
	{ "capset", SYS_capset, 0, 0 },
	{ "no_new_privs", SYS_prctl, 1, PR_SET_NO_NEW_PRIVS },
	{ "dumpable", SYS_prctl, 1, PR_SET_DUMPABLE },
	{ "pdeathsig", SYS_prctl, 1, PR_GET_PDEATHSIG },
	{ "landlock", SYS_landlock_restrict_self, 0, 0 },
	{ "filter", SYS_seccomp, 1, 1 },
	{ "close_range", SYS_close_range, 0, 0 },
};

static int refuse_from_now_on(const struct refusal *refusal)
{
	return refusal_begin(refusal->call, refusal->argument_count,
			     refusal->first_argument);
}

enum start {
	SERVED = 0,
	SAID_SO = 1, /* and did not serve */
	SAID_NOTHING = 2,
	NOT_REFUSED = 3,
};

/* In a child, whose children the filter binds.  NULL: nothing is refused. */
static enum start start_against(const struct refusal *refusal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct policy policy = system_policy();
		static struct system pcc;
		const char *wrong;

		if (refusal != NULL && refuse_from_now_on(refusal) != 0)
			_exit(NOT_REFUSED);
		wrong = system_start(&policy, SYSTEM_AS_CALLER, &pcc);
		if (wrong == NULL) {
			(void)system_stop(&pcc);
			_exit(SERVED);
		}
		_exit(strstr(wrong, "cannot") != NULL &&
				      strstr(wrong, "node_ready") == NULL
			      ? SAID_SO
			      : SAID_NOTHING);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return (enum start)WEXITSTATUS(status);
}

Test(unjailed,
     a_node_that_is_refused_a_call_of_its_jails_says_so_and_does_not_serve)
{
	uint64_t good = 0;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	if (geteuid() != 0)
		cr_skip_test("only root closes a filter without more ado");
	cr_assert_eq(start_against(NULL), SERVED);
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		enum start came = start_against(&refusals[i]);

		cr_expect_eq(came, SAID_SO, "%s: %d", refusals[i].name, came);
		good += came == SAID_SO;
	}
	figure_all("E7",
		   "nodes that said so and did not serve where the kernel "
		   "refused one kind of call that jails are made of",
		   good, COUNT_OF(refusals));
}
