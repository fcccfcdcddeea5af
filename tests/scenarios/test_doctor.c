/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `pcc-node doctor`, and a node on a machine that it must not run on.  What the
 * machine says of itself is exchanged in a mount namespace of the program's own:
 * the program knows no other way to be told.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/figure.h"
#include "tests/system.h"

#define PATIENCE_MS 60000
#define SAID_MAX 8192
#define SWAPS "/proc/swaps"
#define CORES "/proc/sys/kernel/core_pattern"
#define ONE_SWAP                                                       \
	"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2 " \
	"partition 8388604 0 -2\n"

/* What stands in the place of a file of the machine's. */
struct pretence {
	const char *file, *text;
};

struct run {
	char said[SAID_MAX];
	int status; /* -1: it was stopped when it was ready */
};

/* In the child: a machine that says so. */
static bool pretend(const struct pretence *pretence)
{
	char path[] = "/tmp/pcc-pretence.XXXXXX";
	int file = mkstemp(path);
	bool done = file >= 0 &&
		    write(file, pretence->text, strlen(pretence->text)) ==
			    (ssize_t)strlen(pretence->text) &&
		    unshare(CLONE_NEWNS) == 0;

	/* The root of a chroot is no mount, and then nothing is shared. */
	(void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	done = done && mount(path, pretence->file, NULL, MS_BIND, NULL) == 0;
	close(file);
	unlink(path);
	return done;
}

#define CANNOT_PRETEND 99

static _Noreturn void become(const struct pretence *pretence, int out,
			     const char *const *arguments)
{
	static char *const nothing[] = { NULL };
	char program[SYSTEM_BUILT_MAX];
	const char *named = getenv("PCC_NODE");

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* In other mounts this program's own path may lead nowhere. */
	if (named == NULL && system_built("pcc-node", program))
		named = program;
	if (pretence != NULL && !pretend(pretence))
		_exit(CANNOT_PRETEND);
	if (dup2(out, 1) != 1 || dup2(out, 2) != 2)
		_exit(98);
	execve(named, (char *const *)(uintptr_t)arguments, nothing);
	_exit(97);
}

static void listen_to(int in, pid_t child, struct run *run)
{
	uint64_t end = system_now_ms() + PATIENCE_MS;
	size_t len = 0;

	while (system_now_ms() < end && len + 1 < SAID_MAX) {
		struct pollfd file = { .fd = in, .events = POLLIN };
		ssize_t got;

		if (poll(&file, 1, 50) <= 0)
			continue;
		got = read(in, run->said + len, SAID_MAX - 1 - len);
		if (got <= 0)
			return;
		len += (size_t)got;
		run->said[len] = '\0';
		if (strstr(run->said, "pcc-node: ready") != NULL) {
			kill(child, SIGTERM);
			run->status = -1;
			return;
		}
	}
	kill(child, SIGKILL);
}

static void run_node(const struct pretence *pretence, struct run *run,
		     const char *const *arguments)
{
	int pair[2], status;
	pid_t child;

	*run = (struct run){ .status = 0 };
	cr_assert_eq(pipe2(pair, O_CLOEXEC), 0);
	child = fork();
	if (child == 0)
		become(pretence, pair[1], arguments);
	cr_assert_gt(child, 0);
	close(pair[1]);
	listen_to(pair[0], child, run);
	cr_assert_eq(waitpid(child, &status, 0), child);
	close(pair[0]);
	if (run->status == 0)
		run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	if (run->status == CANNOT_PRETEND)
		cr_skip_test("no file of /proc can be covered here");
}

static const struct pretence bad[] = {
	{ SWAPS, ONE_SWAP },
	{ CORES, "|/usr/share/apport/apport -p%p\n" },
};

static const struct pretence good[] = {
	{ SWAPS, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" },
	{ CORES, "/var/cores/core.%p\n" },
};

static void need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can cover a file of /proc");
	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
}

Test(doctor, with_swap_or_a_handler_of_cores_a_node_does_not_start)
{
	char socket[64];
	const char *arguments[] = { "pcc-node", "--model", system_model(),
				    "--listen", socket,	   NULL };
	static const char *const what[] = { "swap: on: /dev/sda2; ",
					    "core pattern: \"|/usr/" };
	static struct run run;
	uint64_t refused = 0;

	need_root();
	snprintf(socket, sizeof(socket), "unix:/tmp/pcc-doctor-%d", getpid());
	for (size_t i = 0; i < 2; i++) {
		run_node(&bad[i], &run, arguments);
		cr_expect_eq(run.status, 1, "%d %s", run.status, run.said);
		cr_expect_not_null(strstr(run.said, what[i]), "%s", run.said);
		refused += run.status == 1;
		run_node(&good[i], &run, arguments);
		cr_expect_eq(run.status, -1, "%d %s", run.status, run.said);
	}
	figure_all("F6", "starts refused, of those with swap or a handler",
		   refused, 2);
}

Test(doctor, it_says_what_stops_a_node_and_ends_with_one)
{
	static const char *const arguments[] = { "pcc-node", "doctor", NULL };
	static struct run run;

	need_root();
	for (size_t i = 0; i < 2; i++) {
		run_node(&bad[i], &run, arguments);
		cr_expect_eq(run.status, 1);
		cr_expect_not_null(strstr(run.said, "refused "), "%s",
				   run.said);
		run_node(&good[i], &run, arguments);
		cr_expect_eq(run.status, 0, "%s", run.said);
		cr_expect_null(strstr(run.said, "refused "), "%s", run.said);
	}
}

Test(doctor, its_canary_is_in_the_worker_and_afterwards_nowhere)
{
	const char *arguments[] = { "pcc-node", "doctor",	"--canary",
				    "--model",	system_model(), NULL };
	static struct run run;

	need_root();
	run_node(NULL, &run, arguments);
	cr_expect_eq(run.status, 0, "%s", run.said);
	cr_expect_not_null(strstr(run.said, "planted in 40 forms: 40 found"),
			   "%s", run.said);
	cr_expect_not_null(
		strstr(run.said, "hits in the worker that has the request"));
	cr_expect_not_null(strstr(run.said, "0 hits in 6 processes"), "%s",
			   run.said);
}

Test(doctor, who_is_not_told_which_node_is_told_so)
{
	static const char *const lacking[] = { "pcc-node", "doctor", "--canary",
					       NULL };
	static const char *const elsewhere[] = { "pcc-node", "--canary", NULL };
	static struct run run;

	run_node(NULL, &run, lacking);
	cr_expect_eq(run.status, 1);
	cr_expect_not_null(strstr(run.said, "--canary needs --model"));
	run_node(NULL, &run, elsewhere);
	cr_expect_eq(run.status, 1);
}
