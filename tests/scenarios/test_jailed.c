/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of the processes of a node that serves: looked at from
 * outside, whoever started the node.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "policy/limits.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"

#define WORKERS 2
#define THREADS 3 /* of the engine, in each */

static struct system pcc;

static void stop(void)
{
	system_stop_or_fail(&pcc);
}

TestSuite(jailed, .fini = stop);

/* Each claim twice: for a node that root started, and an ordinary user. */
#define JAILED_TEST(name)                                     \
	static void name(void);                               \
	Test(jailed, name##_when_the_caller_starts_it)        \
	{                                                     \
		start(SYSTEM_AS_CALLER);                      \
		name();                                       \
	}                                                     \
	Test(jailed, name##_when_an_ordinary_user_starts_it)  \
	{                                                     \
		if (geteuid() != 0)                           \
			cr_skip_test("root starts the other " \
				     "one, we are ordinary"); \
		start(SYSTEM_AS_ORDINARY);                    \
		name();                                       \
	}                                                     \
	static void name(void)

static void start(enum system_caller caller)
{
	struct policy policy = system_policy();
	const char *wrong = system_obstacle();

	if (caller == SYSTEM_AS_ORDINARY && !system_gives_namespaces())
		cr_skip_test("ordinary users get no namespaces here");
	if (wrong != NULL)
		cr_skip_test("%s", wrong);
	policy.workers = WORKERS;
	policy.warm_workers = WORKERS;
	policy.threads = THREADS;
	policy.tick_ms = 5;
	wrong = system_start(&policy, caller, &pcc);
	cr_assert_null(wrong, "%s", wrong);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
	/* Of a node that has worked. */
	cr_assert_geq(openai_await_answer(pcc.client, 10000), 0);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], WORKERS, 5000));
}

static pid_t role(enum jail_role which)
{
	return process_role(pcc.pids[SYSTEM_NODE], which);
}

static void workers(struct process_list *out)
{
	process_workers(pcc.pids[SYSTEM_NODE], out);
	cr_assert_eq(out->count, WORKERS);
}

/* The roles and their workers; not the supervisor, which has no jail. */
static void jailed(struct process_list *out)
{
	workers(out);
	out->pids[out->count++] = role(JAIL_FRONT);
	out->pids[out->count++] = role(JAIL_KEEPER);
	out->pids[out->count++] = role(JAIL_ZYGOTE);
}

static void expect_line(pid_t pid, const char *name, const char *expected)
{
	char value[PROCESS_VALUE_MAX];

	process_status(pid, name, value);
	cr_expect_str_eq(value, expected, "%d: %s is %s", pid, name, value);
}

JAILED_TEST(every_thread_of_every_role_is_filtered_and_gains_nothing)
{
	struct process_list all, threads;
	size_t seen = 0;

	jailed(&all);
	for (size_t i = 0; i < all.count; i++) {
		process_threads(all.pids[i], &threads);
		cr_expect_geq(threads.count, 1);
		for (size_t j = 0; j < threads.count; j++) {
			expect_line(threads.pids[j], "Seccomp", "2");
			expect_line(threads.pids[j], "NoNewPrivs", "1");
			seen++;
		}
	}
	/* A worker has those of the engine and one; the front those of gRPC. */
	cr_assert_gt(seen, (THREADS + 1) * WORKERS + 3);
}

JAILED_TEST(every_thread_of_a_worker_has_its_filter)
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

JAILED_TEST(no_role_has_a_capability_or_is_root)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff",
					    "CapBnd", "CapAmb" };
	struct process_list all;

	jailed(&all);
	for (size_t i = 0; i < all.count; i++) {
		char value[PROCESS_VALUE_MAX];

		for (size_t j = 0; j < sizeof(sets) / sizeof(sets[0]); j++)
			expect_line(all.pids[i], sets[j], "0000000000000000");
		process_status(all.pids[i], "Uid", value);
		cr_expect_str_neq(value, "0");
		process_status(all.pids[i], "Gid", value);
		cr_expect_str_neq(value, "0");
	}
}

JAILED_TEST(a_worker_has_the_filters_of_its_zygote_and_its_own)
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
JAILED_TEST(the_supervisor_is_filtered_too)
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

JAILED_TEST(every_role_has_namespaces_of_its_own_and_the_front_shares_one)
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

JAILED_TEST(a_worker_has_its_two_channels_and_no_other_descriptor)
{
	struct process_list list;

	workers(&list);
	for (size_t i = 0; i < list.count; i++) {
		int open[16];
		ssize_t count = process_descriptors(list.pids[i], open, 16);

		if (count < 0 && geteuid() != 0)
			cr_skip_test("only root may look at descriptors");
		cr_assert_eq(count, 2, "%zd descriptors", count);
		cr_assert_eq(open[0], JAIL_FD_FRONT);
		cr_assert_eq(open[1], JAIL_FD_KEEPER);
	}
}

JAILED_TEST(no_role_has_an_environment)
{
	struct process_list all;

	jailed(&all);
	for (size_t i = 0; i < all.count; i++) {
		ssize_t len = process_file_bytes(all.pids[i], "environ");

		if (len < 0 && geteuid() != 0)
			cr_skip_test("only root may look at environments");
		cr_expect_eq(len, 0, "%zd bytes", len);
	}
}

JAILED_TEST(a_role_is_alone_in_its_pid_namespace_but_for_workers)
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
	start(SYSTEM_AS_CALLER);
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
	start(SYSTEM_AS_ORDINARY);
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
	start(SYSTEM_AS_CALLER); /* and have it answer */
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
