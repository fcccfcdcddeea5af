/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/attempt.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define ASIDE 64
#define ORDINARY_USER 4242
#define PATIENCE_US 200000

void attempt_leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

void attempt_take_places(int front, int keeper)
{
	int aside = fcntl(front, F_DUPFD, ASIDE);

	keeper = fcntl(keeper, F_DUPFD, ASIDE);
	if (dup2(aside, JAIL_FD_FRONT) < 0 || dup2(keeper, JAIL_FD_KEEPER) < 0)
		_exit(ATTEMPT_NO_JAIL);
}

void attempt_enter(const struct jail_filter *filter)
{
	struct jail_report report = { 0 };

	if (jail_enter(filter, &report) != ERR_OK)
		_exit(ATTEMPT_NO_JAIL);
}

static void limit_to_none(enum __rlimit_resource resource)
{
	if (setrlimit(resource, &(struct rlimit){ 0, 0 }) != 0)
		_exit(ATTEMPT_NO_JAIL);
}

/*
 * So that what root may is not done to the machine, and nothing takes long.  A
 * call with arguments that mean nothing makes no process either: one on its
 * parent's stack would have both run anywhere.
 */
static void be_harmless(const struct attempt *attempt)
{
	const struct itimerval patience = { .it_value.tv_usec = PATIENCE_US };

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(ORDINARY_USER) != 0 ||
	     setuid(ORDINARY_USER) != 0))
		_exit(ATTEMPT_NO_JAIL);
	limit_to_none(RLIMIT_CORE);
	if (attempt->act == NULL)
		limit_to_none(RLIMIT_NPROC);
	signal(SIGALRM, SIG_DFL);
	if (setitimer(ITIMER_REAL, &patience, NULL) != 0)
		_exit(ATTEMPT_NO_JAIL);
}

_Noreturn static void try_it(const struct attempt *attempt)
{
	const struct bytes byte = { (const uint8_t *)"", 1 };
	int front[2], keeper[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, front) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, keeper) != 0 ||
	    fd_send(front[1], byte, keeper[1]) != ERR_OK)
		_exit(ATTEMPT_NO_JAIL);
	attempt_take_places(front[0], keeper[0]);
	if (attempt->filter != NULL)
		attempt_enter(attempt->filter);
	else
		be_harmless(attempt);
	attempt_leave(attempt->commit(attempt) < 0 ? ATTEMPT_FAILED
						   : ATTEMPT_WORKED);
}

enum attempt_end attempt_make(const struct attempt *attempt)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		try_it(attempt);
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_not(WCOREDUMP(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return ATTEMPT_KILLED;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return ATTEMPT_STUCK;
	if (WIFSIGNALED(status))
		return ATTEMPT_FAULTED;
	cr_assert_neq(WEXITSTATUS(status), ATTEMPT_NO_JAIL);
	return WEXITSTATUS(status) == ATTEMPT_WORKED ? ATTEMPT_WORKED
						     : ATTEMPT_FAILED;
}

bool attempt_came_back(enum attempt_end end)
{
	return end == ATTEMPT_WORKED || end == ATTEMPT_FAILED;
}

int attempt_act(const struct attempt *attempt)
{
	return selftest_commit(attempt->act);
}

int attempt_call(const struct attempt *attempt)
{
	const uint64_t *with = attempt->arguments;

	return syscall(attempt->number, with[0], with[1], with[2], with[3],
		       with[4], with[5]) < 0
		       ? -1
		       : 0;
}

int attempt_int_80(const struct attempt *attempt)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(attempt->number), "b"(0l), "c"(0l), "d"(0l),
			   "S"(0l), "D"(0l)
			 : "memory");
	return result < 0 ? -1 : 0;
}
