/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that an attacker owns: what it may try, and that it dies of it.
 *
 * The acts of sandbox/selftest.c are committed without the jail as well, in the
 * same run: an attack that could not have worked anyway proves nothing.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inference/team.h"
#include "sandbox/jail.h"
#include "sandbox/selftest.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CALLS 1024
#define TEAM 5
#define X32 0x40000000l

/*
 * The kernel lets these two past every filter (from 6.11 and 6.18 on) and looks
 * itself at who calls: not its own probe is an error or a fault.
 */
#define URETPROBE 335
#define UPROBE 336

enum outcome {
	WORKED = 0,  /* exit status of the child */
	FAILED = 1,  /* the call came back with an error */
	NO_JAIL = 2, /* the child could not be jailed: no result at all */
};

enum where {
	IN_THE_JAIL,
	OUTSIDE
};

/* One attempt, by a child of its own; what is not used is zero. */
struct attempt {
	enum where where;
	int (*commit)(const struct attempt *attempt);
	const struct selftest_act *act;
	long number;
	uint64_t arguments[6];
};

static struct jail_filter filter;

static void compile(void)
{
	cr_assert_eq(filter_compile(profile_of(JAIL_WORKER), &filter), ERR_OK);
}

TestSuite(evil_worker, .init = compile, .timeout = 300);

/* The call itself: a sanitizer's _exit() does more than a worker may. */
_Noreturn static void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/* Out of the way first: the test framework may have something at 3 or 4. */
static void take_places(int front, int keeper)
{
	int aside = fcntl(front, F_DUPFD, 64);

	keeper = fcntl(keeper, F_DUPFD, 64);
	if (dup2(aside, JAIL_FD_FRONT) < 0 || dup2(keeper, JAIL_FD_KEEPER) < 0)
		_exit(NO_JAIL);
}

static void enter(void)
{
	struct jail_report report = { 0 };

	if (jail_enter(&filter, &report) != ERR_OK)
		_exit(NO_JAIL);
}

_Noreturn static void try(const struct attempt *attempt)
{
	int front[2], keeper[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, front) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, keeper) != 0)
		_exit(NO_JAIL);
	take_places(front[0], keeper[0]);
	if (attempt->where == IN_THE_JAIL)
		enter();
	leave(attempt->commit(attempt) < 0 ? FAILED : WORKED);
}

/* The child's status, as waitpid(2) gives it. */
static int attempt(const struct attempt *attempt)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		try(attempt);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_not(WIFEXITED(status) && WEXITSTATUS(status) == NO_JAIL);
	cr_assert_not(WCOREDUMP(status));
	return status;
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static bool worked(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == WORKED;
}

static int commit_act(const struct attempt *attempt)
{
	return selftest_commit(attempt->act);
}

static int commit_call(const struct attempt *attempt)
{
	const uint64_t *with = attempt->arguments;

	return syscall(attempt->number, with[0], with[1], with[2], with[3],
		       with[4], with[5]) < 0
		       ? -1
		       : 0;
}

/* The 32-bit way in, with arguments that mean nothing. */
static int commit_int_80(const struct attempt *attempt)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(attempt->number), "b"(0l), "c"(0l), "d"(0l),
			   "S"(0l), "D"(0l)
			 : "memory");
	return result < 0 ? -1 : 0;
}

Test(evil_worker, every_forbidden_act_kills_it)
{
	size_t count;
	const struct selftest_act *acts = selftest_acts(&count);

	cr_assert_geq(count, 40);
	for (size_t i = 0; i < count; i++) {
		const struct attempt evil = { .commit = commit_act,
					      .act = &acts[i] };
		int status = attempt(&evil);

		cr_expect(killed(status) ||
				  (acts[i].control == SELFTEST_MAY_FAIL &&
				   WIFSIGNALED(status)),
			  "it could %s", acts[i].name);
	}
}

Test(evil_worker, the_same_acts_work_without_the_jail)
{
	size_t count, working = 0;
	const struct selftest_act *acts = selftest_acts(&count);

	for (size_t i = 0; i < count; i++) {
		const struct attempt evil = { .where = OUTSIDE,
					      .commit = commit_act,
					      .act = &acts[i] };
		int status = attempt(&evil);

		cr_expect(worked(status) ||
				  acts[i].control == SELFTEST_MAY_FAIL,
			  "nobody could %s", acts[i].name);
		working += worked(status);
	}
	cr_assert_geq(working, 40);
}

static void expect_killed(int (*commit)(const struct attempt *), long number)
{
	const struct attempt evil = { .commit = commit, .number = number };
	int status = attempt(&evil);

	if (commit == commit_call && (number == URETPROBE || number == UPROBE))
		cr_expect_not(worked(status), "call %ld", number);
	else
		cr_expect(killed(status), "call %ld", number);
}

Test(evil_worker, every_call_number_kills_it)
{
	static const long odd[] = { -1,	     INT_MAX,  INT_MIN,
				    X32 - 1, 1l << 31, SYS_read | 1l << 29 };

	/* With zeros, the four allowed calls name descriptor or operation 0. */
	for (long number = 0; number < CALLS; number++) {
		if (number != SYS_exit_group)
			expect_killed(commit_call, number);
	}
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		expect_killed(commit_call, odd[i]);
}

Test(evil_worker, every_x32_number_kills_it)
{
	for (long number = 0; number < CALLS; number++)
		expect_killed(commit_call, number | X32);
}

Test(evil_worker, every_32_bit_number_kills_it)
{
	for (long number = 0; number < CALLS; number++)
		expect_killed(commit_int_80, number);
}

static void expect_killed_with(long number, size_t index, uint64_t value)
{
	struct attempt evil = { .commit = commit_call, .number = number };

	evil.arguments[index] = value;
	cr_expect(killed(attempt(&evil)), "call %ld with %#jx", number,
		  (uintmax_t)value);
}

Test(evil_worker, every_other_descriptor_kills_it)
{
	static const long calls[] = { SYS_read, SYS_write };
	static const uint64_t odd[] = {
		UINT64_MAX,	    INT_MAX,	       UINT32_MAX,
		3ull | 1ull << 32,  4ull | 1ull << 32, 3ull | 1ull << 63,
		3ull | ~0ull << 32, 4ull | 0x100ull,
	};

	for (size_t call = 0; call < COUNT_OF(calls); call++) {
		for (uint64_t fd = 0; fd < 256; fd++) {
			if (fd != JAIL_FD_FRONT && fd != JAIL_FD_KEEPER)
				expect_killed_with(calls[call], 0, fd);
		}
		for (size_t i = 0; i < COUNT_OF(odd); i++)
			expect_killed_with(calls[call], 0, odd[i]);
	}
}

static bool allowed_operation(uint64_t operation)
{
	return operation == FUTEX_WAIT_PRIVATE ||
	       operation == FUTEX_WAKE_PRIVATE ||
	       operation == FUTEX_WAIT_BITSET_PRIVATE ||
	       operation == (FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME);
}

Test(evil_worker, every_other_futex_operation_kills_it)
{
	for (uint64_t operation = 0; operation < 1024; operation++) {
		if (!allowed_operation(operation))
			expect_killed_with(SYS_futex, 1, operation);
		else
			expect_killed_with(SYS_futex, 1,
					   operation | 1ull << 32);
	}
}

/* ---- what it may */

static int echo(const struct attempt *attempt)
{
	char byte;

	(void)attempt;
	if (read(JAIL_FD_FRONT, &byte, 1) != 1 ||
	    write(JAIL_FD_FRONT, &byte, 1) != 1 ||
	    write(JAIL_FD_KEEPER, &byte, 1) != 1 ||
	    read(JAIL_FD_KEEPER, &byte, 1) != 1)
		return -1;
	return 0;
}

Test(evil_worker, a_good_worker_reads_writes_and_exits)
{
	const struct attempt good = { .commit = echo };
	int front[2], keeper[2], status;
	char byte = 'x';
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, front), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, keeper), 0);
	pid = fork();
	if (pid == 0) {
		take_places(front[1], keeper[1]);
		enter();
		leave(echo(&good) < 0 ? FAILED : WORKED);
	}
	cr_assert_eq(write(front[0], &byte, 1), 1);
	cr_assert_eq(write(keeper[0], &byte, 1), 1);
	cr_assert_eq(read(front[0], &byte, 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(worked(status));
}

static atomic_int there, go;

static void *wait_and_do_evil(void *unused)
{
	atomic_store(&there, 1);
	while (atomic_load(&go) == 0)
		;
	syscall(SYS_getpid);
	return unused;
}

Test(evil_worker, a_second_thread_is_jailed_with_the_first)
{
	int status, pair[2];
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		take_places(pair[0], pair[1]);
		if (pthread_create(&thread, NULL, wait_and_do_evil, NULL) != 0)
			_exit(NO_JAIL);
		while (atomic_load(&there) == 0)
			;
		/* The filter has to reach the thread that is there already. */
		enter();
		atomic_store(&go, 1);
		for (;;)
			;
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(killed(status));
}

/* The last of a team does evil in its second round in the jail; before it, all
 * have slept, been woken and met. */
static void do_evil_at_last(void *context, size_t member)
{
	const unsigned *round = context;

	if (*round == 1 && member == TEAM - 1)
		syscall(SYS_getpid);
}

Test(evil_worker, a_whole_team_works_in_the_jail_and_none_of_it_may_do_evil)
{
	int status, pair[2];
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		struct team *team;
		char byte;

		take_places(pair[1], pair[1]);
		if (team_open(TEAM, &team) != ERR_OK)
			_exit(NO_JAIL);
		enter();
		for (unsigned round = 0; round < 2; round++) {
			(void)!read(JAIL_FD_FRONT, &byte, 1);
			team_run(team, do_evil_at_last, &round);
			(void)!write(JAIL_FD_FRONT, "x", 1);
		}
		leave(WORKED);
	}
	close(pair[1]);
	for (unsigned round = 0; round < 2; round++) {
		const struct timespec asleep = { .tv_nsec = 100000000 };
		char byte;

		nanosleep(&asleep, NULL);
		cr_assert_eq(write(pair[0], "x", 1), 1);
		cr_expect_eq(read(pair[0], &byte, 1), round == 0 ? 1 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(killed(status));
}

/* ---- what it has, seen from outside while it waits for its request */

static pid_t waiting_worker(int *front)
{
	int pair[2];
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		take_places(pair[1], pair[1]);
		enter();
		(void)!write(JAIL_FD_FRONT, "x", 1);
		(void)!read(JAIL_FD_FRONT, &byte, 1);
		leave(WORKED);
	}
	*front = pair[0];
	close(pair[1]);
	char byte;
	cr_assert_eq(read(*front, &byte, 1), 1);
	return pid;
}

static void finish(pid_t pid, int front)
{
	int status;

	cr_assert_eq(write(front, "x", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(worked(status));
}

Test(evil_worker, it_has_its_two_channels_and_no_other_descriptor)
{
	char path[64];
	size_t count = 0;
	int front;
	pid_t pid = waiting_worker(&front);
	DIR *directory;

	if (geteuid() != 0)
		cr_skip_test("only root may look");
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	cr_assert_not_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		cr_expect(strcmp(entry->d_name, "3") == 0 ||
			  strcmp(entry->d_name, "4") == 0);
		count++;
	}
	closedir(directory);
	cr_assert_eq(count, 2);
	finish(pid, front);
}

Test(evil_worker, its_limits_leave_it_nothing)
{
	static const enum __rlimit_resource nothing[] = {
		RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC,
		RLIMIT_MSGQUEUE
	};
	struct rlimit limit;
	int front;
	pid_t pid = waiting_worker(&front);

	for (size_t i = 0; i < COUNT_OF(nothing); i++) {
		cr_assert_eq(prlimit(pid, nothing[i], NULL, &limit), 0);
		cr_expect_eq(limit.rlim_max, 0);
	}
	cr_assert_eq(prlimit(pid, RLIMIT_CPU, NULL, &limit), 0);
	cr_expect_neq(limit.rlim_max, RLIM_INFINITY);
	finish(pid, front);
}

Test(evil_worker, another_process_of_its_user_cannot_read_it)
{
	char path[64];
	int front;
	pid_t pid;

	if (geteuid() == 0) {
		cr_assert_eq(setgid(4242), 0);
		cr_assert_eq(setuid(4242), 0);
	}
	pid = waiting_worker(&front);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	cr_expect_eq(open(path, O_RDONLY), -1);
	cr_expect_eq(errno, EACCES);
	snprintf(path, sizeof(path), "/proc/%d/fd/3", pid);
	cr_expect_eq(open(path, O_RDONLY), -1);
	cr_expect_eq(errno, EACCES);
	finish(pid, front);
}

/* ---- the self-test that a node runs before it serves */

Test(evil_worker, the_self_test_finds_no_survivor)
{
	struct selftest_result result;
	size_t count;

	selftest_acts(&count);
	cr_assert_eq(selftest_run(&filter, &result), ERR_OK);
	cr_expect_eq(result.tried, count);
	cr_expect_eq(result.survived, 0);
	cr_expect_null(result.first_survivor);
}

Test(evil_worker, the_self_test_notices_a_filter_that_lets_everything_by)
{
	const struct jail_profile open = {
		.name = "open",
		.descriptors = JAIL_DESCRIPTORS_CHANNELS,
		.otherwise = JAIL_ALLOW,
	};
	static struct jail_filter none;
	struct selftest_result result;

	cr_assert_eq(filter_compile(&open, &none), ERR_OK);
	cr_assert_eq(selftest_run(&none, &result), ERR_DENIED);
	cr_expect_geq(result.survived, 40);
	cr_expect_str_eq(result.first_survivor, "open a directory");
}

/* One call too many in the table is enough. */
Test(evil_worker, the_self_test_notices_a_single_hole)
{
	static const struct jail_rule rules[] = {
		{ SYS_exit_group, JAIL_ALLOW, { JAIL_ANY, 0, 0 }, "end" },
		{ SYS_getrandom, JAIL_ALLOW, { JAIL_ANY, 0, 0 }, "hole" },
	};
	const struct jail_profile holed = {
		.name = "holed",
		.descriptors = JAIL_DESCRIPTORS_CHANNELS,
		.otherwise = JAIL_KILL,
		.own = rules,
		.own_count = COUNT_OF(rules),
	};
	static struct jail_filter hole;
	struct selftest_result result;

	cr_assert_eq(filter_compile(&holed, &hole), ERR_OK);
	cr_assert_eq(selftest_run(&hole, &result), ERR_DENIED);
	cr_expect_eq(result.survived, 1);
	cr_expect_str_eq(result.first_survivor, "ask for randomness");
}
