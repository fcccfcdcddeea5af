/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of the processes of a node that serves: looked at from
 * outside, whoever started the node.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/limits.h"
#include "tests/figure.h"
#include "tests/scenarios/jailed.h"

#define WORKERS JAILED_WORKERS
#define THREADS JAILED_THREADS

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(jailed, .fini = stop);

static pid_t role(enum jail_role which)
{
	return process_role(pcc.pids[SYSTEM_NODE], which);
}

static void workers(struct process_list *out)
{
	process_workers(pcc.pids[SYSTEM_NODE], out);
	cr_assert_eq(out->count, WORKERS);
}

static void expect_line(pid_t pid, const char *name, const char *expected)
{
	char value[PROCESS_VALUE_MAX];

	process_status(pid, name, value);
	cr_expect_str_eq(value, expected, "%d: %s is %s", pid, name, value);
}

/* What every thread of every role has to be, by the kernel's own word. */
static const struct {
	const char *name, *value;
} rights[] = {
	{ "Seccomp", "2" },
	{ "NoNewPrivs", "1" },
	{ "CapInh", "0000000000000000" },
	{ "CapPrm", "0000000000000000" },
	{ "CapEff", "0000000000000000" },
	{ "CapBnd", "0000000000000000" },
	{ "CapAmb", "0000000000000000" },
};

static bool has_no_right(pid_t thread)
{
	char value[PROCESS_VALUE_MAX];
	bool good = true;

	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		process_status(thread, rights[i].name, value);
		good = good && strcmp(value, rights[i].value) == 0;
	}
	process_status(thread, "Uid", value);
	good = good && value[0] != '\0' && strcmp(value, "0") != 0;
	process_status(thread, "Gid", value);
	return good && value[0] != '\0' && strcmp(value, "0") != 0;
}

JAILED_TEST(jailed, every_thread_of_every_role_is_filtered_and_has_no_right)
{
	struct process_list threads;
	struct jailed_list all;
	uint64_t seen = 0, good = 0;

	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++) {
		process_threads(all.pids[i], &threads);
		cr_expect_geq(threads.count, 1);
		for (size_t j = 0; j < threads.count; j++) {
			bool is_good = has_no_right(threads.pids[j]);

			/* A thread of gRPC's may end while we look. */
			if (!is_good && process_is_gone(threads.pids[j]))
				continue;
			good += is_good;
			seen++;
		}
	}
	/* A worker has those of the engine and one; the front those of gRPC. */
	cr_assert_gt(seen, (THREADS + 1) * WORKERS + 3);
	cr_expect_not(has_no_right(pcc.pids[SYSTEM_GATEWAY]));
	figure_all("E4",
		   "threads of jailed roles with a filter, no capability, no "
		   "way to new ones, and a user and group that are not 0",
		   good, seen);
}

/* The kernel gives the files of a process that is not dumpable to root, here
 * and in a namespace that has no other. */
static bool is_dumpable(pid_t pid)
{
	char path[64], user[PROCESS_VALUE_MAX];
	struct stat maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	process_status(pid, "Uid", user);
	cr_assert_eq(stat(path, &maps), 0);
	cr_assert_str_neq(user, "0", "of root's own this tells nothing");
	return maps.st_uid == (uid_t)atoi(user);
}

/* A process of an ordinary user, as they are: the control. */
static bool sees_one_that_is(void)
{
	bool found;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(4242) != 0 || setuid(4242) != 0))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		pause();
	}
	cr_assert_gt(pid, 0);
	for (int i = 0; i < 1000; i++) {
		char user[PROCESS_VALUE_MAX];

		process_status(pid, "Uid", user);
		if (strcmp(user, "0") != 0 && is_dumpable(pid))
			break;
		system_sleep_ms(1);
	}
	found = is_dumpable(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return found;
}

JAILED_TEST(jailed, no_role_is_dumpable)
{
	struct jailed_list all;
	uint64_t found = 0;

	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++)
		found += is_dumpable(all.pids[i]);
	figure_none("E4", "jailed roles that may be dumped", found, all.count,
		    sees_one_that_is());
}

JAILED_TEST(jailed, every_thread_of_a_worker_has_its_filter)
{
	char zygote[PROCESS_VALUE_MAX], filters[PROCESS_VALUE_MAX];
	struct process_list list, threads;

	workers(&list);
	process_status(role(JAIL_ZYGOTE), "Seccomp_filters", zygote);
	for (size_t i = 0; i < list.count; i++) {
		process_threads(list.pids[i], &threads);
		cr_expect_eq(threads.count, THREADS + 1);
		for (size_t j = 0; j < threads.count; j++) {
			process_status(threads.pids[j], "Seccomp_filters",
				       filters);
			cr_expect_eq(atoi(filters), atoi(zygote) + 1);
		}
	}
}

JAILED_TEST(jailed, a_worker_has_the_filters_of_its_zygote_and_its_own)
{
	char zygote[PROCESS_VALUE_MAX], worker[PROCESS_VALUE_MAX];
	struct process_list list;

	workers(&list);
	process_status(role(JAIL_ZYGOTE), "Seccomp_filters", zygote);
	for (size_t i = 0; i < list.count; i++) {
		process_status(list.pids[i], "Seccomp_filters", worker);
		cr_expect_eq(atoi(worker), atoi(zygote) + 1, "%s after %s",
			     worker, zygote);
	}
}

/* It cannot be without capabilities when root starts it: it makes jails. */
JAILED_TEST(jailed, the_supervisor_is_filtered_too)
{
	expect_line(pcc.pids[SYSTEM_NODE], "Seccomp", "2");
	expect_line(pcc.pids[SYSTEM_NODE], "NoNewPrivs", "1");
}

/* 0: it could not be looked at, which only root always can. */
static ino_t namespace_of(pid_t pid, const char *kind)
{
	ino_t found = process_namespace(pid, kind);

	if (found == 0 && geteuid() != 0)
		cr_skip_test("only root may look into the namespaces");
	cr_assert_neq(found, 0, "%d has no %s", pid, kind);
	return found;
}

JAILED_TEST(jailed,
	    every_role_has_namespaces_of_its_own_and_the_front_shares_one)
{
	static const char *const kinds[] = { "pid", "net", "mnt",
					     "ipc", "uts", "cgroup" };
	static const enum jail_role roles[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ino_t ours = namespace_of(getpid(), kinds[i]);
		ino_t found[3];

		for (size_t j = 0; j < 3; j++) {
			bool shared = roles[j] == JAIL_FRONT &&
				      strcmp(kinds[i], "net") == 0;

			found[j] = namespace_of(role(roles[j]), kinds[i]);
			cr_expect_eq(found[j] == ours, shared, "%s of role %d",
				     kinds[i], roles[j]);
		}
		cr_expect_neq(found[0], found[1]);
		cr_expect_neq(found[1], found[2]);
	}
}

JAILED_TEST(jailed, no_role_has_an_environment)
{
	struct jailed_list all;

	jailed_list(&pcc, &all);
	for (size_t i = 0; i < all.count; i++) {
		ssize_t len = process_file_bytes(all.pids[i], "environ");

		if (len < 0 && geteuid() != 0)
			cr_skip_test("only root may look at environments");
		cr_expect_eq(len, 0, "%zd bytes", len);
	}
}

JAILED_TEST(jailed, a_role_is_alone_in_its_pid_namespace_but_for_workers)
{
	char value[PROCESS_VALUE_MAX];
	struct process_list list;

	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++) {
		process_children(role((enum jail_role)i), &list);
		cr_expect_eq(list.count, i == JAIL_ZYGOTE ? WORKERS : 0);
	}
	process_status(role(JAIL_ZYGOTE), "NSpid", value);
	cr_assert_neq(atoi(value), 0);
}

Test(jailed, roles_have_users_of_their_own_when_root_starts_the_node)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give a role a user of its own");
	jailed_start(SYSTEM_AS_CALLER, &pcc);
	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++) {
		char value[PROCESS_VALUE_MAX];

		process_status(role((enum jail_role)i), "Uid", value);
		cr_expect_eq(atoi(value), (int)JAIL_ID_BASE + i, "%s", value);
	}
}

Test(jailed, a_user_namespace_of_its_own_is_around_a_role_of_an_ordinary_user)
{
	ino_t ours;

	if (geteuid() != 0)
		cr_skip_test("only root may look into the namespaces");
	jailed_start(SYSTEM_AS_ORDINARY, &pcc);
	ours = namespace_of(getpid(), "user");
	for (int i = JAIL_FRONT; i <= JAIL_ZYGOTE; i++)
		cr_expect_neq(namespace_of(role((enum jail_role)i), "user"),
			      ours);
}

/* ---- limits that the node was started with */

#define LITTLE_STACK ((rlim_t)128 << 10)

static void limit_stacks(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = { soft, hard };

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	cr_assert_eq(setrlimit(RLIMIT_STACK, &limit), 0);
}

Test(jailed, workers_have_stacks_to_compute_on_whatever_soft_limit_there_was)
{
	struct process_list workers;
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_STACK, &limit), 0);
	limit_stacks(LITTLE_STACK, limit.rlim_max);
	jailed_start(SYSTEM_AS_CALLER, &pcc); /* and have it answer */
	process_workers(pcc.pids[SYSTEM_NODE], &workers);
	cr_assert_eq(workers.count, WORKERS);
	/* Soft and hard limits are one, once a jail has lowered them. */
	for (size_t i = 0; i < workers.count; i++)
		cr_expect_eq(process_stack_bytes(workers.pids[i]),
			     LIMIT_STACK_BYTES);
}

Test(jailed, a_hard_limit_of_stacks_that_is_too_low_stops_the_start)
{
	struct policy policy = system_policy();
	const char *wrong;

	limit_stacks(LITTLE_STACK, LITTLE_STACK);
	wrong = system_start(&policy, SYSTEM_AS_CALLER, &pcc);
	cr_assert_not_null(wrong);
	cr_expect_not_null(strstr(wrong, "ulimit -Hs"), "%s", wrong);
}
