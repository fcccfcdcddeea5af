/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that an attacker owns: what it may try, and that it dies of it.
 *
 * The acts are committed without the jail as well, in the same run: an attack
 * that could not have worked anyway proves nothing.  test_evil_calls.c goes
 * through all calls by their numbers.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include "tests/figure.h"
#include "tests/support/attempt.h"
#include "tests/support/evil_acts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEAM 5

static struct jail_filter filter;

static void compile(void)
{
	cr_assert_eq(filter_compile(profile_of(JAIL_WORKER), &filter), ERR_OK);
}

TestSuite(evil_worker, .init = compile, .timeout = 300);

struct tally {
	uint64_t tries;
	uint64_t survived;
	uint64_t control; /* worked without the jail */
};

static bool dies(const struct selftest_act *act)
{
	const struct attempt evil = { .filter = &filter,
				      .commit = attempt_act,
				      .act = act };
	enum attempt_end end = attempt_make(&evil);

	/* A door that this kernel was built without ends in a fault. */
	return end == ATTEMPT_KILLED ||
	       (act->control == SELFTEST_MAY_FAIL && end == ATTEMPT_FAULTED);
}

static bool works_without_a_jail(const struct selftest_act *act)
{
	const struct attempt evil = { .commit = attempt_act, .act = act };

	return attempt_make(&evil) == ATTEMPT_WORKED;
}

static void commit_all(const struct selftest_act *acts, size_t count,
		       struct tally *tally)
{
	for (size_t i = 0; i < count; i++) {
		bool works = works_without_a_jail(&acts[i]);

		cr_expect(works || acts[i].control == SELFTEST_MAY_FAIL,
			  "nobody could %s", acts[i].name);
		tally->control += works;
		tally->tries++;
		if (!dies(&acts[i])) {
			tally->survived++;
			cr_expect_fail("it could %s", acts[i].name);
		}
	}
}

Test(evil_worker, every_forbidden_act_kills_it_and_works_without_the_jail)
{
	struct tally tally = { 0 };
	size_t own_count, other_count;
	const struct selftest_act *own = selftest_acts(&own_count);
	const struct selftest_act *other = evil_acts(&other_count);

	commit_all(own, own_count, &tally);
	commit_all(other, other_count, &tally);
	cr_expect_geq(tally.control, 100);
	figure_none("E6", "forbidden acts that a worker survives",
		    tally.survived, tally.tries, tally.control);
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static bool worked(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == ATTEMPT_WORKED;
}

/* ---- what it may */

static int echo(void)
{
	char byte;

	if (read(JAIL_FD_FRONT, &byte, 1) != 1 ||
	    write(JAIL_FD_FRONT, &byte, 1) != 1 ||
	    write(JAIL_FD_KEEPER, &byte, 1) != 1 ||
	    read(JAIL_FD_KEEPER, &byte, 1) != 1)
		return -1;
	return 0;
}

Test(evil_worker, a_good_worker_reads_writes_and_exits)
{
	int front[2], keeper[2], status;
	char byte = 'x';
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, front), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, keeper), 0);
	pid = fork();
	if (pid == 0) {
		attempt_take_places(front[1], keeper[1]);
		attempt_enter(&filter);
		attempt_leave(echo() < 0 ? ATTEMPT_FAILED : ATTEMPT_WORKED);
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

		attempt_take_places(pair[0], pair[1]);
		if (pthread_create(&thread, NULL, wait_and_do_evil, NULL) != 0)
			_exit(ATTEMPT_NO_JAIL);
		while (atomic_load(&there) == 0)
			;
		/* The filter has to reach the thread that is there already. */
		attempt_enter(&filter);
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

		attempt_take_places(pair[1], pair[1]);
		if (team_open(TEAM, &team) != ERR_OK)
			_exit(ATTEMPT_NO_JAIL);
		attempt_enter(&filter);
		for (unsigned round = 0; round < 2; round++) {
			(void)!read(JAIL_FD_FRONT, &byte, 1);
			team_run(team, do_evil_at_last, &round);
			(void)!write(JAIL_FD_FRONT, "x", 1);
		}
		attempt_leave(ATTEMPT_WORKED);
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

		attempt_take_places(pair[1], pair[1]);
		attempt_enter(&filter);
		(void)!write(JAIL_FD_FRONT, "x", 1);
		(void)!read(JAIL_FD_FRONT, &byte, 1);
		attempt_leave(ATTEMPT_WORKED);
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

/* Of those acts that no role may, the ones that work where all is allowed. */
static size_t survivors_without_a_filter(void)
{
	const struct jail_profile open = { .name = "open",
					   .otherwise = JAIL_ALLOW };
	static struct jail_filter none;
	struct selftest_result result;

	cr_assert_eq(filter_compile(&open, &none), ERR_OK);
	cr_assert_eq(selftest_run(&none, &result), ERR_DENIED);
	return result.survived;
}

Test(evil_worker, the_self_test_finds_no_survivor_in_any_role)
{
	static struct jail_filter role_filter;
	size_t tried = 0, survived = 0;

	for (int role = JAIL_FRONT; role <= JAIL_ATTESTER; role++) {
		struct selftest_result result;

		cr_assert_eq(filter_compile(profile_of((enum jail_role)role),
					    &role_filter),
			     ERR_OK);
		cr_expect_eq(selftest_run(&role_filter, &result), ERR_OK,
			     "role %d: %s", role, result.first_survivor);
		tried += result.tried;
		survived += result.survived;
	}
	cr_expect_geq(tried, 4 * 20);
	figure_none("E9",
		    "acts of the self-test that front, keeper, zygote or "
		    "attester survives",
		    survived, tried, survivors_without_a_filter());
}

/* A keeper that may make sockets; nothing else of it is another. */
Test(evil_worker, the_self_test_notices_a_single_hole_in_a_role)
{
	static const struct jail_rule hole = {
		SYS_socket, JAIL_ALLOW, { JAIL_ANY, 0, 0 }, "hole"
	};
	struct jail_profile holed = *profile_of(JAIL_KEEPER);
	static struct jail_filter with_hole;
	struct selftest_result result;

	holed.own = &hole;
	holed.own_count = 1;
	cr_assert_eq(filter_compile(&holed, &with_hole), ERR_OK);
	cr_assert_eq(selftest_run(&with_hole, &result), ERR_DENIED);
	cr_expect_eq(result.survived, 2);
	cr_expect_str_eq(result.first_survivor, "make a network socket");
}
