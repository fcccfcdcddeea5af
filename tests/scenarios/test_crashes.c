/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred deaths by signals that dump a core anywhere else leave none.
 *
 * Whoever traces a process is told by the kernel whether it was dumped.  Roles
 * are the first of their namespace, and die of a fault only untraced: of them it
 * is seen that the kernel may dump none of their memory and write no byte.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/scenarios/process.h"
#include "tests/support/inject.h"
#include "tests/system.h"

#define CRASHES 100
#define WORKERS 2
#define BACK_MS 10000

static struct system pcc;
static char folder[SYSTEM_PATH_MAX]; /* where all of it runs */

static void stop(void)
{
	char line[SYSTEM_PATH_MAX + 16];

	system_stop_or_fail(&pcc);
	if (folder[0] == '\0')
		return;
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	(void)!system(line);
}

TestSuite(crashes, .fini = stop);

static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGQUIT };

/* What came of a signal to a process that was traced. */
enum end {
	OTHERWISE, /* it died of something else before */
	UNDUMPED,
	DUMPED
};

static enum end end_by(pid_t pid, int number)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		return OTHERWISE;
	cr_assert_eq(kill(pid, number), 0);
	cr_assert_eq(waitpid(pid, &status, __WALL), pid);
	while (WIFSTOPPED(status)) {
		cr_assert_eq(ptrace(PTRACE_CONT, pid, NULL, WSTOPSIG(status)),
			     0);
		cr_assert_eq(waitpid(pid, &status, __WALL), pid);
	}
	if (!WIFSIGNALED(status) || WTERMSIG(status) != number)
		return OTHERWISE;
	return WCOREDUMP(status) ? DUMPED : UNDUMPED;
}

static size_t files_in(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(list);
	while ((entry = readdir(list)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(list);
	return count;
}

/* A process of no jail, which may leave a core and does. */
static uint64_t control(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t dumped = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t child = fork();

		if (child == 0) {
			(void)setrlimit(RLIMIT_CORE, &all);
			for (;;)
				pause();
		}
		system_sleep_ms(20);
		dumped += end_by(child, signals[i]) == DUMPED;
	}
	return dumped;
}

static bool await_whole(void)
{
	return process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, BACK_MS);
}

/* The kernel gives what is not dumpable to root, and has a limit for the rest;
 * a process of no jail is otherwise, in both. */
static bool may_leave_core(pid_t pid)
{
	struct process_limit limit;
	char path[64], user[PROCESS_VALUE_MAX];
	struct stat maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	process_status(pid, "Uid", user);
	cr_assert_eq(stat(path, &maps), 0);
	cr_assert_str_neq(user, "0", "of root's own this tells nothing");
	cr_assert(process_limit(pid, "Max core file size", &limit));
	return maps.st_uid == (uid_t)atoi(user) || limit.soft != 0 ||
	       limit.hard != 0;
}

static bool leaves_no_core(enum jail_role role)
{
	return !may_leave_core(process_role(pcc.pids[SYSTEM_NODE], role));
}

/* A fault of its own making, and another in its place. */
static void crash_role(enum jail_role role, enum inject_act act)
{
	pid_t victim = process_role(pcc.pids[SYSTEM_NODE], role);

	cr_assert(inject(victim, act));
	cr_assert_geq(process_await_end(victim, BACK_MS), 0, "%d lives on",
		      role);
	cr_assert(await_whole());
}

static uint64_t crash_worker(int number)
{
	enum end end = OTHERWISE;

	/* Those of a keeper that crashed are replaced: one may be at its end. */
	for (int tries = 0; end == OTHERWISE; tries++) {
		struct process_list workers;

		cr_assert_lt(tries, 10);
		process_await_workers(pcc.pids[SYSTEM_NODE], &workers);
		end = end_by(workers.pids[0], number);
		cr_assert(await_whole());
	}
	return end == DUMPED;
}

/* Where cores go, unless the machine says otherwise. */
static void make_folder(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/pcc-cores.XXXXXX",
		 base != NULL ? base : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
}

Test(crashes, a_hundred_crashes_leave_no_core)
{
	static const enum jail_role roles[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE };
	struct policy policy = system_policy();
	struct effort effort = effort_of(CRASHES);
	uint64_t dumped = 0, beside, of_roles = 0, safe = 0;
	char model[4096];
	size_t files;

	if (geteuid() != 0)
		cr_skip_test("only root may make others crash");
	if (system_model() == NULL || realpath(system_model(), model) == NULL)
		cr_skip_test("no model is present");
	make_folder();
	cr_assert_eq(setenv("PCC_MODEL", model, 1), 0);
	cr_assert_eq(chdir(folder), 0);
	beside = control();
	if (beside == 0)
		cr_skip_test("this machine dumps nobody");
	files = files_in(folder);
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(await_whole());
	while (effort_more(&effort)) {
		uint64_t i = effort.done - 1;

		/* One in four is a role's, in turn. */
		if (i % 4 == 3) {
			of_roles++;
			safe += leaves_no_core(roles[i / 4 % 3]);
			crash_role(roles[i / 4 % 3], i / 4 % 2 == 0
							     ? INJECT_FAULT
							     : INJECT_ILLEGAL);
		} else {
			dumped += crash_worker(signals[i % 5]);
		}
	}
	cr_expect_eq(files_in(folder), files, "a file was written");
	figure_none("F6", "crashes of workers that left a core", dumped,
		    effort.done - of_roles, beside);
	figure_all("F6",
		   "roles, before they crashed, that may not be dumped and "
		   "whose cores have no room",
		   safe, of_roles);
}
