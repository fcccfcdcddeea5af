/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/selftest.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/jail.h"
#include "sandbox/selftest_acts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE 4096
#define X32 0x40000000l
#define HIGH_BIT (1ull << 32) /* the kernel drops it; a filter must not */

/* Any descriptor above the channels, so that none is overwritten by dup2. */
#define ASIDE 16
#define EXIT_NO_JAIL 99
#define EXIT_REFUSED 98

static uint8_t scratch[2 * PAGE] __attribute__((aligned(PAGE)));
static uint32_t word;
static const uint32_t allow = SECCOMP_RET_ALLOW;
static const struct timespec no_time;
static struct iovec vector = { scratch, 1 };
static struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
static const char *const no_strings[] = { NULL };

static void *do_nothing(void *unused)
{
	return unused;
}

static int make_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) != 0)
		return -1;
	return -pthread_join(thread, NULL);
}

static int peek_another_process(void)
{
	struct iovec local = { scratch, 1 };
	struct iovec remote = { scratch + PAGE, 1 };

	return (int)syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote,
			    1, 0) -
	       1;
}

static int poke_another_process(void)
{
	struct iovec local = { scratch, 1 };
	struct iovec remote = { scratch + PAGE, 1 };

	return (int)syscall(SYS_process_vm_writev, getpid(), &local, 1, &remote,
			    1, 0) -
	       1;
}

/* By the 32-bit door, where 20 is getpid and 4 would be write. */
static int enter_by_int_80(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20l) : "memory");
	return result > 0 ? 0 : -1;
}

/* The time() of a page that old programs call into at a fixed address. */
static int enter_by_vsyscall(void)
{
	time_t (*vsyscall_time)(time_t *) =
		(time_t(*)(time_t *))(uintptr_t)0xffffffffff600400;

	return vsyscall_time(NULL) > 0 ? 0 : -1;
}

static int share_memory(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);

	if (id < 0)
		return -1;
	return shmctl(id, IPC_RMID, NULL);
}

static int signal_oneself(void)
{
	return (int)syscall(SYS_kill, getpid(), 0);
}

static int ring_without_calls(void)
{
	int fd = (int)syscall(SYS_io_uring_setup, 1, scratch);

	return fd >= 0 ? 0 : -1;
}

#define NOBODY(text, call, ...)                                               \
	{                                                                     \
		text, SELFTEST_WORKS, SYS_##call, { __VA_ARGS__ }, NULL, true \
	}
#define NOBODY_SPECIAL(text, function)                          \
	{                                                       \
		text, SELFTEST_WORKS, -1, { 0 }, function, true \
	}
#define NOBODY_MAYBE(text, nr, ...)                                      \
	{                                                                \
		text, SELFTEST_MAY_FAIL, nr, { __VA_ARGS__ }, NULL, true \
	}
#define NOBODY_MAYBE_SPECIAL(text, function)                       \
	{                                                          \
		text, SELFTEST_MAY_FAIL, -1, { 0 }, function, true \
	}
#define FRONT JAIL_FD_FRONT

static const struct selftest_act acts[] = {
	/* files */
	NOBODY("open a directory", openat, ANYWHERE, AT("/"), O_RDONLY),
	CALL("look at a file", newfstatat, ANYWHERE, AT("/"), AT(scratch)),
	CALL("ask for the working directory", getcwd, AT(scratch), PAGE),
	NOBODY("make a file in memory", memfd_create, AT("x"), 0),
	MAYBE("make a secret file", SYS_memfd_secret, 0),
	NOBODY("execute a program", execve, AT("/bin/true"), AT(no_strings),
	       AT(no_strings)),
	NOBODY("execute a program by descriptor", execveat, ANYWHERE,
	       AT("/bin/true"), AT(no_strings), AT(no_strings), 0),
	/* peers */
	NOBODY("make a network socket", socket, AF_INET, SOCK_DGRAM, 0),
	NOBODY("make a local socket", socket, AF_UNIX, SOCK_STREAM, 0),
	CALL("make a pair of sockets", socketpair, AF_UNIX, SOCK_STREAM, 0,
	     AT(scratch)),
	CALL("make a pipe", pipe2, AT(scratch), 0),
	CALL("send a message", sendmsg, FRONT, AT(&message), MSG_DONTWAIT),
	CALL("send bytes", sendto, FRONT, AT(scratch), 1, MSG_DONTWAIT),
	CALL("write by vector", writev, FRONT, AT(&vector), 1),
	CALL("write to the log", write, STDERR_FILENO, AT(scratch), 0),
	CALL("write by a number with a high bit", write, FRONT | HIGH_BIT,
	     AT(scratch), 1),
	CALL("read by a number with a high bit", read, FRONT | HIGH_BIT,
	     AT(scratch), 0),
	CALL("ask for a socket's peer", getpeername, FRONT, AT(scratch),
	     AT(&word)),
	CALL("shut a channel down", shutdown, FRONT, SHUT_RD),
	CALL("duplicate a channel", dup, FRONT),
	CALL("duplicate by fcntl", fcntl, FRONT, F_DUPFD, 0),
	NOBODY("ask a device", ioctl, FRONT, FIONREAD, AT(&word)),
	CALL("close a channel", close, FRONT),
	CALL("close a range", close_range, FRONT, FRONT, 0),
	CALL("wait for descriptors", poll, 0, 0, 0),
	CALL("make an event loop", epoll_create1, 0),
	CALL("make an event counter", eventfd2, 0, 0),
	CALL("make a timer", timerfd_create, CLOCK_MONOTONIC, 0),
	CALL("watch files", inotify_init1, 0),
	/* processes */
	CALL("fork", clone, SIGCHLD),
	SPECIAL("make a thread", make_a_thread),
	CALL("end one thread only", exit, 0),
	NOBODY("be traced", ptrace, PTRACE_TRACEME),
	NOBODY_SPECIAL("read another process", peek_another_process),
	NOBODY_SPECIAL("write another process", poke_another_process),
	SPECIAL("signal a process", signal_oneself),
	CALL("name itself", getpid, 0),
	CALL("name its user", getuid, 0),
	NOBODY("leave what it shares", unshare, 0),
	CALL("change its name", prctl, PR_SET_NAME, AT("x")),
	CALL("let itself be dumped", prctl, PR_SET_DUMPABLE, 1),
	CALL("ask about filters", seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
	     AT(&allow)),
	NOBODY("look at its segments", arch_prctl, ARCH_GET_FS, AT(scratch)),
	CALL("look at a limit", prlimit64, 0, RLIMIT_CPU, 0, AT(scratch)),
	CALL("yield the processor", sched_yield, 0),
	/* memory */
	CALL("map memory", mmap, 0, PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS, -1ull),
	NOBODY("map executable memory", mmap, 0, PAGE,
	       PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	       -1ull),
	NOBODY("make data executable", mprotect, AT(scratch + PAGE), PAGE,
	       PROT_READ | PROT_EXEC),
	CALL("unmap memory", munmap, AT(scratch + PAGE), PAGE),
	CALL("drop pages", madvise, AT(scratch + PAGE), PAGE, MADV_DONTNEED),
	CALL("grow the heap", brk, 0),
	MAYBE_SPECIAL("share memory", share_memory),
	/* time, signals, chance */
	CALL("ask for the time", clock_gettime, CLOCK_REALTIME, AT(scratch)),
	CALL("sleep", nanosleep, AT(&no_time), 0),
	CALL("handle a signal", rt_sigaction, SIGUSR1, 0, AT(scratch), 8),
	CALL("mask signals", rt_sigprocmask, SIG_BLOCK, 0, AT(scratch), 8),
	CALL("ask for randomness", getrandom, AT(scratch), 1, 0),
	/* doors that other filters have been left by */
	CALL("wake a futex that others share", futex, AT(&word), FUTEX_WAKE, 1),
	CALL("lock a futex with priorities", futex, AT(&word),
	     FUTEX_TRYLOCK_PI | FUTEX_PRIVATE_FLAG),
	CALL("move waiters between futexes", futex, AT(&word),
	     FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 0, AT(scratch)),
	MAYBE("ask for a restart", SYS_restart_syscall, 0),
	NOBODY_MAYBE_SPECIAL("enter by int 0x80", enter_by_int_80),
	NOBODY_MAYBE("enter by an x32 number", X32 | SYS_getpid, 0),
	NOBODY_MAYBE_SPECIAL("enter by the vsyscall page", enter_by_vsyscall),
	NOBODY_MAYBE_SPECIAL("make a ring of calls", ring_without_calls),
	NOBODY_MAYBE("make namespaces", SYS_unshare, 0x10000000),
	NOBODY_MAYBE("call by a number that does not exist yet", 1023, 0),
	NOBODY_MAYBE("call by a negative number", -1, 0),
};

const struct selftest_act *selftest_acts(size_t *count)
{
	*count = COUNT_OF(acts);
	return acts;
}

int selftest_commit(const struct selftest_act *act)
{
	const uint64_t *with = act->arguments;

	if (act->special != NULL)
		return act->special();
	if (syscall(act->number, with[0], with[1], with[2], with[3], with[4],
		    with[5]) < 0)
		return -1;
	return 0;
}

/* In the child: the jail, the act, and if it still can, an exit. */
_Noreturn static void try_it(const struct jail_filter *filter,
			     const struct selftest_act *act)
{
	struct jail_report report = { 0 };
	int near[2], far[2], status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, near) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, far) != 0)
		_exit(EXIT_NO_JAIL);
	near[0] = fcntl(near[0], F_DUPFD, ASIDE);
	far[0] = fcntl(far[0], F_DUPFD, ASIDE);
	if (dup2(near[0], JAIL_FD_FRONT) < 0 ||
	    dup2(far[0], JAIL_FD_KEEPER) < 0 ||
	    jail_enter(filter, &report) != ERR_OK)
		_exit(EXIT_NO_JAIL);
	status = selftest_commit(act) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	/* The call itself: a build's own _exit() may do more, and be killed. */
	for (;;)
		syscall(SYS_exit_group, status);
}

/* An error in place of the call, for the sake of a library that asks. */
static bool is_refused(const struct jail_profile *profile, long number)
{
	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);

		if (rule->number == number && rule->action == JAIL_REFUSE)
			return true;
	}
	return false;
}

static enum err see_it_die(const struct jail_filter *filter,
			   const struct selftest_act *act,
			   struct selftest_result *result)
{
	pid_t pid = fork(), reaped;
	int status;

	if (pid == 0)
		try_it(filter, act);
	if (pid < 0)
		return ERR_UNAVAILABLE;
	do
		reaped = waitpid(pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	if (reaped < 0 ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_JAIL))
		return ERR_UNAVAILABLE;

	result->tried++;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return ERR_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED &&
	    is_refused(filter->profile, act->number))
		return ERR_OK;
	/* A door that this kernel was built without ends in a fault. */
	if (act->control == SELFTEST_MAY_FAIL && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGSEGV)
		return ERR_OK;
	if (result->survived++ == 0)
		result->first_survivor = act->name;
	return ERR_OK;
}

enum err selftest_run(const struct jail_filter *filter,
		      struct selftest_result *out)
{
	bool is_worker =
		filter->profile->descriptors == JAIL_DESCRIPTORS_CHANNELS;
	struct selftest_result result = { 0 };

	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (is_worker || acts[i].is_everybodys)
			TRY(see_it_die(filter, &acts[i], &result));
	*out = result;
	return result.survived == 0 ? ERR_OK : ERR_DENIED;
}
