/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scenario.h"

#include "tests/system.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/jail.h"

#define ORDINARY_USER 4242
#define PATIENCE_MS 20000

static int executable = -1;

static const char *run_named(const struct scenario *table, const char *name)
{
	for (; table->name != NULL; table++) {
		if (strcmp(table->name, name) == 0)
			return table->run();
	}
	return "no such scenario";
}

_Noreturn static void answer(const char *claim)
{
	const char *said = claim == NULL ? "holds" : claim;

	/* write, because that is what every filter lets a role do */
	if (write(SCENARIO_CONTROL, said, strlen(said)) < 0)
		claim = "nobody listens";
	/* The call itself: a sanitizer's _exit() does more than a filter lets
	 */
	for (;;)
		syscall(SYS_exit_group, claim == NULL ? 0 : 1);
}

int scenario_main(const struct scenario *table, int argc, char **argv)
{
	struct criterion_test_set *tests;
	int failed = 0;

	if (argc == 2 && strcmp(argv[0], "scenario") == 0)
		answer(run_named(table, argv[1]));
	tests = criterion_initialize();
	if (criterion_handle_args(argc, argv, true) != 0)
		failed = criterion_run_all_tests(tests) == 0;
	criterion_finalize(tests);
	return failed;
}

const char *scenario_isolate(enum jail_role role)
{
	const int kept[] = { SCENARIO_CONTROL };
	const struct jail_isolation isolation = { .descriptors = kept,
						  .descriptor_count = 1 };
	struct jail_report report;

	if (jail_isolate(profile_of(role), &isolation, &report) == ERR_OK)
		return NULL;
	return jail_step_name(report.failed);
}

const char *scenario_wait(void)
{
	char byte;

	HOLDS(write(SCENARIO_CONTROL, "look", 4) == 4);
	HOLDS(read(SCENARIO_CONTROL, &byte, 1) == 1);
	return NULL;
}

void scenario_become(enum scenario_caller caller)
{
	int opened;

	cr_assert_eq(spawn_executable(&opened), ERR_OK);
	executable = fcntl(opened, F_DUPFD_CLOEXEC, 60);
	close(opened);
	if (caller == SCENARIO_ROOT && geteuid() != 0)
		cr_skip_test("only root can");
	if (caller == SCENARIO_USER && !system_gives_namespaces())
		cr_skip_test("ordinary users get no namespaces here");
	if (caller == SCENARIO_USER && geteuid() == 0) {
		cr_assert_eq(setgroups(0, NULL), 0);
		cr_assert_eq(setgid(ORDINARY_USER), 0);
		cr_assert_eq(setuid(ORDINARY_USER), 0);
	}
}

void scenario_skip_if_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("a sanitizer's threads are killed by the filter");
#endif
}

int scenario_executable(void)
{
	return executable;
}

void scenario_spawn(const char *name, enum jail_role role, int extra,
		    struct scenario_run *out)
{
	char *const arguments[] = { (char *)(uintptr_t) "scenario",
				    (char *)(uintptr_t)name, NULL };
	int pair[2], given[2];
	struct jail_report report;
	struct spawn_start start = {
		.profile = profile_of(role),
		.executable = executable,
		.arguments = arguments,
		.descriptors = given,
		.descriptor_count = extra < 0 ? 1 : 2,
	};

	cr_assert_eq(fd_pair(pair), ERR_OK);
	given[0] = pair[1];
	given[1] = extra;
	cr_assert_eq(spawn_role(&start, &out->child, &report), ERR_OK,
		     "step %s, errno %d", jail_step_name(report.failed),
		     report.error);
	close(pair[1]);
	out->control = pair[0];
}

void scenario_hear(struct scenario_run *run)
{
	struct pollfd peer = { .fd = run->control, .events = POLLIN };
	ssize_t got;

	memset(run->said, 0, sizeof(run->said));
	cr_assert_eq(poll(&peer, 1, PATIENCE_MS), 1, "the role says nothing");
	got = recv(run->control, run->said, sizeof(run->said) - 1, 0);
	cr_assert_geq(got, 0);
}

void scenario_go_on(struct scenario_run *run)
{
	cr_assert_eq(send(run->control, "g", 1, MSG_NOSIGNAL), 1);
}

int scenario_end(struct scenario_run *run)
{
	int status;

	cr_assert_eq(spawn_reap(&run->child, &status), ERR_OK);
	close(run->control);
	return status;
}

void scenario_holds(const char *name, enum jail_role role)
{
	struct scenario_run run;

	scenario_spawn(name, role, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "holds", "%s: does not hold: %s", name,
			 run.said);
	cr_assert_eq(scenario_end(&run), 0);
}
