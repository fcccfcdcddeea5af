/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tracer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__

bool tracer_works(void)
{
	return false;
}

struct tracer_result tracer_run(int (*work)(void *), void *context,
				const struct tracer_plan *plan)
{
	(void)work;
	(void)context;
	(void)plan;
	cr_skip_test("the registers of this processor are not known here");
	return (struct tracer_result){ 0 };
}

void tracer_hold(pid_t pid)
{
	(void)pid;
}

struct tracer_result tracer_follow(pid_t pid, const struct tracer_plan *plan)
{
	(void)pid;
	(void)plan;
	return (struct tracer_result){ 0 };
}

#else

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

static bool is_counted(enum tracer_calls calls,
		       const struct user_regs_struct *registers)
{
	long call = (long)registers->orig_rax;

	switch (calls) {
	case TRACER_ALL:
		return true;
	case TRACER_WRITES:
		return call == SYS_write;
	case TRACER_SYNCS:
		return call == SYS_fsync;
	case TRACER_RENAMES:
		return call == SYS_rename || call == SYS_renameat ||
		       call == SYS_renameat2;
	case TRACER_MAKES:
		return call == SYS_mkdir || call == SYS_mkdirat ||
		       (call == SYS_openat && (registers->rdx & O_CREAT) != 0);
	case TRACER_READS:
		return call == SYS_read;
	}
	return false;
}

/* The bytes that a call is given, a word of them. */
static void flip(pid_t pid, const struct user_regs_struct *registers)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, registers->rsi, NULL);
	cr_assert_eq(errno, 0);
	cr_assert_eq(ptrace(PTRACE_POKEDATA, pid, registers->rsi, word ^ 1), 0);
}

/* At the entry of the call; what has to be put right at its exit is told. */
static void strike(pid_t pid, const struct tracer_plan *plan,
		   struct user_regs_struct *registers)
{
	switch (plan->fault) {
	case TRACER_COUNT:
		break;
	case TRACER_KILL:
		kill(pid, SIGKILL);
		break;
	case TRACER_FAIL:
		registers->orig_rax = (unsigned long long)-1;
		cr_assert_eq(ptrace(PTRACE_SETREGS, pid, NULL, registers), 0);
		break;
	case TRACER_SHORT:
		registers->rdx = (registers->rdx + 1) / 2;
		cr_assert_eq(ptrace(PTRACE_SETREGS, pid, NULL, registers), 0);
		break;
	case TRACER_FLIP:
		flip(pid, registers);
		break;
	}
}

static void make_up(pid_t pid, const struct tracer_plan *plan,
		    const struct user_regs_struct *entry)
{
	struct user_regs_struct registers;

	if (plan->fault == TRACER_FLIP)
		flip(pid, entry); /* the program's own memory was sound */
	if (plan->fault != TRACER_FAIL)
		return;
	cr_assert_eq(ptrace(PTRACE_GETREGS, pid, NULL, &registers), 0);
	registers.rax = (unsigned long long)-(long long)plan->error;
	cr_assert_eq(ptrace(PTRACE_SETREGS, pid, NULL, &registers), 0);
}

static pid_t start(int (*work)(void *), void *context)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(255);
		raise(SIGSTOP);
		_exit(work(context));
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		return -1;
	cr_assert_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS), 0);
	return pid;
}

/* Go on to the next entry or exit of a call; false at the end. */
static bool go_on(pid_t pid, struct tracer_result *result)
{
	int status, signal_number = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, signal_number) != 0 &&
		    errno != ESRCH)
			return false;
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) {
			result->code =
				WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			return false;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
		signal_number = WSTOPSIG(status);
	}
}

void tracer_hold(pid_t pid)
{
	int status;

	cr_assert_eq(ptrace(PTRACE_ATTACH, pid, NULL, NULL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS), 0);
}

struct tracer_result tracer_follow(pid_t pid, const struct tracer_plan *plan)
{
	struct tracer_result result = { .code = -1 };
	struct user_regs_struct entry;

	while (go_on(pid, &result)) {
		bool now;

		cr_assert_eq(ptrace(PTRACE_GETREGS, pid, NULL, &entry), 0);
		now = is_counted(plan->calls, &entry) &&
		      result.calls++ == plan->at && plan->fault != TRACER_COUNT;
		if (now) {
			struct user_regs_struct changed = entry;

			result.happened = true;
			result.number = (long)entry.orig_rax;
			strike(pid, plan, &changed);
		}
		if (!go_on(pid, &result))
			break;
		if (now)
			make_up(pid, plan, &entry);
	}
	return result;
}

struct tracer_result tracer_run(int (*work)(void *), void *context,
				const struct tracer_plan *plan)
{
	pid_t pid = start(work, context);

	cr_assert_gt(pid, 0);
	return tracer_follow(pid, plan);
}

static int nothing(void *context)
{
	(void)context;
	return 0;
}

bool tracer_works(void)
{
	pid_t pid = start(nothing, NULL);

	if (pid < 0)
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return true;
}

#endif
