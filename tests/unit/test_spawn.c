/* SPDX-License-Identifier: Apache-2.0 */
/* How a role begins, and how it ends. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/scenario.h"

#define PATIENCE_MS 10000

/* ---- inside */

static const char *start_empty(void)
{
	sigset_t blocked;

	HOLDS(environ[0] == NULL);
	HOLDS(getpid() == 1);
	HOLDS(getsid(0) == 1);
	HOLDS(getuid() == JAIL_ID_BASE + JAIL_KEEPER);
	HOLDS(getegid() == JAIL_ID_BASE + JAIL_KEEPER);
	HOLDS(getgroups(0, NULL) <= 1);
	HOLDS(fcntl(SCENARIO_CONTROL, F_GETFD) == 0);
	for (int fd = SCENARIO_CONTROL + 1; fd < 1024; fd++)
		HOLDS(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	HOLDS(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0);
	HOLDS(sigismember(&blocked, SIGTERM) == 0);
	return NULL;
}

static const char *read_the_second(void)
{
	char byte = 0;

	HOLDS(read(SCENARIO_CONTROL + 1, &byte, 1) == 1 && byte == 'x');
	HOLDS(fcntl(SCENARIO_CONTROL + 2, F_GETFD) < 0);
	return NULL;
}

static const char *fork_and_wait(void)
{
	if (fork() == 0) {
		pause(); /* with the control channel still open */
		_exit(0);
	}
	return scenario_wait();
}

static const char *outlive_polite_signals(void)
{
	HOLDS(kill(getpid(), SIGTERM) == 0);
	HOLDS(kill(getpid(), SIGINT) == 0);
	HOLDS(kill(getpid(), SIGKILL) == 0);
	return scenario_wait();
}

static const char *just_wait(void)
{
	return scenario_wait();
}

static const char *say_isolated(void)
{
	return scenario_isolate(JAIL_KEEPER);
}

static const struct scenario scenarios[] = {
	{ "start_empty", start_empty },
	{ "read_the_second", read_the_second },
	{ "fork_and_wait", fork_and_wait },
	{ "outlive_polite_signals", outlive_polite_signals },
	{ "just_wait", just_wait },
	{ "say_isolated", say_isolated },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return scenario_main(scenarios, argc, argv);
}

/* ---- outside */

SCENARIO_TEST(spawn, a_role_starts_with_nothing_but_what_it_is_given)
{
	sigset_t all;

	/* What a careless supervisor might leave behind. */
	cr_assert_eq(setenv("LD_PRELOAD_NOT", "1", 1), 0);
	cr_assert_geq(fcntl(STDERR_FILENO, F_DUPFD, 100), 100);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	scenario_holds("start_empty", JAIL_KEEPER);
}

/* In a process of its own: the test framework's descriptors are overwritten. */
static int spawn_with_overlap(void)
{
	char *const named[] = { (char[]){ "scenario" },
				(char[]){ "read_the_second" }, NULL };
	const int given[] = { SCENARIO_CONTROL + 1, SCENARIO_CONTROL };
	const struct spawn_start start = {
		.profile = profile_of(JAIL_KEEPER),
		.executable = scenario_executable(),
		.arguments = named,
		.descriptors = given,
		.descriptor_count = 2,
	};
	struct spawn_child child;
	struct jail_report report;
	int pair[2], control[2], status;

	/* Each stands where the other one has to be. */
	if (fd_pair(control) != ERR_OK || fd_pair(pair) != ERR_OK)
		return 1;
	if (fcntl(scenario_executable(), F_GETFD) < 0 ||
	    dup2(control[0], 50) < 0 || dup2(control[1], 51) < 0 ||
	    dup2(pair[0], 52) < 0 || dup2(pair[1], 53) < 0 ||
	    dup2(53, SCENARIO_CONTROL) < 0 ||
	    dup2(51, SCENARIO_CONTROL + 1) < 0)
		return 2;
	if (send(52, "x", 1, 0) != 1 ||
	    spawn_role(&start, &child, &report) != ERR_OK)
		return 3;
	return spawn_reap(&child, &status) == ERR_OK ? status : 4;
}

SCENARIO_TEST(spawn, descriptors_arrive_in_order_even_when_they_overlap)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(spawn_with_overlap() == 0 ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

SCENARIO_TEST(spawn, a_role_cannot_be_ended_from_inside_its_namespace)
{
	struct scenario_run run;

	scenario_spawn("outlive_polite_signals", JAIL_KEEPER, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "look");
	scenario_go_on(&run);
	cr_assert_eq(scenario_end(&run), 0);
}

SCENARIO_TEST(spawn, the_supervisor_can_kill_a_role_and_all_it_forked)
{
	struct scenario_run run;

	scenario_spawn("fork_and_wait", JAIL_ZYGOTE, -1, &run);
	scenario_hear(&run);
	cr_assert_str_eq(run.said, "look");
	spawn_kill(&run.child);
	/* The end of the channel shows that the grandchild is gone as well. */
	scenario_hear(&run);
	cr_assert_str_empty(run.said);
	int status = scenario_end(&run);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

SCENARIO_TEST(spawn, a_pidfd_tells_the_end_of_a_role)
{
	struct scenario_run run;

	scenario_spawn("just_wait", JAIL_KEEPER, -1, &run);
	struct pollfd end = { .fd = run.child.pidfd, .events = POLLIN };

	scenario_hear(&run);
	cr_assert_eq(poll(&end, 1, 0), 0);
	scenario_go_on(&run);
	cr_assert_eq(poll(&end, 1, PATIENCE_MS), 1);
	cr_assert_eq(scenario_end(&run), 0);
	cr_assert_eq(run.child.pidfd, -1);
}

/* A supervisor that spawns a role, hands its channel to the test, and stays. */
_Noreturn static void supervise(int test)
{
	struct scenario_run run;

	scenario_spawn("just_wait", JAIL_KEEPER, -1, &run);
	scenario_hear(&run);
	if (fd_send(test, BYTES_LITERAL("here"), run.control) != ERR_OK)
		_exit(1);
	close(run.control);
	pause();
	_exit(1);
}

SCENARIO_TEST(spawn, a_role_dies_with_its_supervisor)
{
	struct scenario_run run = { .control = -1 };
	struct writer message = { .data = (uint8_t *)run.said,
				  .max = sizeof(run.said) };
	int pair[2];
	pid_t supervisor;

	cr_assert_eq(fd_pair(pair), ERR_OK);
	supervisor = fork();
	if (supervisor == 0)
		supervise(pair[1]);
	cr_assert_gt(supervisor, 0);
	/* So that a supervisor that dies early is an error and no long wait. */
	close(pair[1]);
	cr_assert_eq(fd_receive(pair[0], &message, &run.control), ERR_OK);
	struct pollfd role = { .fd = run.control, .events = POLLIN };

	cr_assert_eq(poll(&role, 1, 200), 0, "it ended before");
	cr_assert_eq(kill(supervisor, SIGKILL), 0);
	cr_assert_eq(poll(&role, 1, PATIENCE_MS), 1, "it outlived");
	scenario_hear(&run);
	cr_assert_str_empty(run.said);
}

/* In a child: the supervisor's own jail, and then the act. */
static int jailed_supervisor(int (*act)(void))
{
	static struct jail_filter filter;
	struct jail_report report;
	int status;
	pid_t pid;

	cr_assert_eq(filter_compile(profile_of(JAIL_SUPERVISOR), &filter),
		     ERR_OK);
	pid = fork();
	if (pid == 0) {
		if (jail_supervise(profile_of(JAIL_SUPERVISOR), &report) !=
			    ERR_OK ||
		    jail_enter(&filter, &report) != ERR_OK)
			_exit(90);
		_exit(act());
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int start_and_reap_a_role(void)
{
	char *const named[] = { (char[]){ "scenario" },
				(char[]){ "say_isolated" }, NULL };
	struct spawn_child child;
	struct jail_report report;
	int pair[2], status;
	struct spawn_start start = {
		.profile = profile_of(JAIL_KEEPER),
		.executable = scenario_executable(),
		.arguments = named,
		.descriptors = &pair[1],
		.descriptor_count = 1,
	};

	if (fd_pair(pair) != ERR_OK)
		return 1;
	/* Twice, since a role that died has to be started again. */
	for (int i = 0; i < 2; i++) {
		if (spawn_role(&start, &child, &report) != ERR_OK)
			return 10 + (int)report.failed;
		if (spawn_reap(&child, &status) != ERR_OK || status != 0)
			return 3;
	}
	if (spawn_role(&start, &child, &report) != ERR_OK)
		return 4;
	spawn_kill(&child);
	return spawn_reap(&child, &status) == ERR_OK ? 0 : 5;
}

static int execute_by_path(void)
{
	char *const nothing[] = { NULL };

	execve("/bin/true", nothing, nothing);
	return 1;
}

static int execute_by_path_at(void)
{
	char *const nothing[] = { NULL };

	syscall(SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0);
	return 1;
}

static int trace_a_child(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 1;
}

static int leave_a_namespace(void)
{
	unshare(CLONE_NEWUSER);
	return 1;
}

static int make_a_raw_socket(void)
{
	socket(AF_PACKET, SOCK_RAW, 0);
	return 1;
}

SCENARIO_TEST(spawn, a_jailed_supervisor_starts_kills_and_restarts_roles)
{
	int status = jailed_supervisor(start_and_reap_a_role);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}

SCENARIO_TEST(spawn, a_supervisor_dies_of_what_no_process_of_a_node_does)
{
	static int (*const acts[])(void) = {
		execute_by_path,   execute_by_path_at, trace_a_child,
		leave_a_namespace, make_a_raw_socket,
	};

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = jailed_supervisor(acts[i]);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			  "act %zu", i);
	}
}

static void spawn_badly(const struct spawn_start *start, enum jail_step step)
{
	struct spawn_child child = { .pid = -7, .pidfd = -7 };
	struct jail_report report;

	cr_assert_eq(spawn_role(start, &child, &report), ERR_UNAVAILABLE);
	cr_assert_eq(report.failed, step, "%s", jail_step_name(report.failed));
	cr_assert_neq(report.error, 0);
	cr_assert_eq(child.pid, -7, "an output of a failed call");
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
	cr_assert_eq(errno, ECHILD);
}

static char *const arguments[] = { NULL };

SCENARIO_TEST(spawn, a_file_that_is_no_program_is_reported)
{
	int null = open("/dev/null", O_RDONLY);
	const struct spawn_start start = {
		.profile = profile_of(JAIL_KEEPER),
		.executable = null,
		.arguments = arguments,
	};

	spawn_badly(&start, JAIL_STEP_EXECUTE);
}

SCENARIO_TEST(spawn, a_closed_executable_is_reported)
{
	const struct spawn_start start = {
		.profile = profile_of(JAIL_KEEPER),
		.executable = 999,
		.arguments = arguments,
	};

	spawn_badly(&start, JAIL_STEP_DESCRIPTORS);
}

SCENARIO_TEST(spawn, a_closed_descriptor_is_reported)
{
	const int closed[] = { 999 };
	const struct spawn_start start = {
		.profile = profile_of(JAIL_KEEPER),
		.executable = scenario_executable(),
		.arguments = arguments,
		.descriptors = closed,
		.descriptor_count = 1,
	};

	spawn_badly(&start, JAIL_STEP_DESCRIPTORS);
}
