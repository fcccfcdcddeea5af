/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of policy/profile.c, held to what they promise. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "policy/profile.h"
#include "sandbox/filter.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool allows(const struct jail_profile *profile, int number)
{
	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);

		if (rule->number == number && rule->action == JAIL_ALLOW)
			return true;
	}
	return profile->otherwise == JAIL_ALLOW;
}

Test(profile, a_worker_has_at_most_six_calls)
{
	cr_assert_leq(profile_allowed_calls(profile_of(JAIL_WORKER)), 6);
	cr_expect_eq(profile_allowed_calls(profile_of(JAIL_WORKER)), 4);
}

Test(profile, a_worker_reads_and_writes_its_two_channels_alone)
{
	const struct jail_profile *worker = profile_of(JAIL_WORKER);

	for (size_t i = 0; i < profile_rule_count(worker); i++) {
		const struct jail_rule *rule = profile_rule(worker, i);

		cr_expect_eq(rule->action, JAIL_ALLOW);
		if (rule->number == SYS_exit_group)
			continue;
		cr_expect_eq(rule->when.test, JAIL_EQUAL);
		if (rule->number != SYS_futex)
			cr_expect(rule->when.argument == 0 &&
				  (rule->when.value == JAIL_FD_FRONT ||
				   rule->when.value == JAIL_FD_KEEPER));
	}
}

Test(profile, every_permission_has_a_reason)
{
	for (unsigned role = 0; role < JAIL_ROLES; role++) {
		const struct jail_profile *profile =
			profile_of((enum jail_role)role);

		cr_expect_eq(profile->role, role);
		for (size_t i = 0; i < profile_rule_count(profile); i++)
			cr_expect_gt(strlen(profile_rule(profile, i)->reason),
				     2);
		for (size_t i = 0; i < profile->limit_count; i++)
			cr_expect_gt(strlen(profile->limits[i].reason), 2);
	}
}

/* A rule without a condition would make one with a condition void. */
Test(profile, no_condition_is_made_void_by_another_rule)
{
	for (unsigned role = 0; role < JAIL_ROLES; role++) {
		const struct jail_profile *profile =
			profile_of((enum jail_role)role);
		size_t count = profile_rule_count(profile);

		for (size_t i = 0; i < count; i++) {
			for (size_t j = 0; j < count; j++) {
				const struct jail_rule *a =
					profile_rule(profile, i);
				const struct jail_rule *b =
					profile_rule(profile, j);

				cr_expect(i == j || a->number != b->number ||
						  (a->when.test != JAIL_ANY &&
						   a->action == b->action),
					  "%s: %d", profile->name, a->number);
			}
		}
	}
}

/* What would undo the jail, or open a way out of it, for any jailed role. */
Test(profile, no_role_may_open_connect_execute_or_trace)
{
	static const enum jail_role jailed[] = { JAIL_FRONT, JAIL_KEEPER,
						 JAIL_ZYGOTE, JAIL_ATTESTER,
						 JAIL_WORKER };
	static const int never[] = {
		SYS_open,
		SYS_openat,
		SYS_openat2,
		SYS_creat,
		SYS_socket,
		SYS_connect,
		SYS_bind,
		SYS_listen,
		SYS_execve,
		SYS_execveat,
		SYS_ptrace,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_io_uring_setup,
		SYS_io_uring_enter,
		SYS_bpf,
		SYS_mount,
		SYS_unshare,
		SYS_setns,
		SYS_clone3,
		SYS_vfork,
		SYS_fork,
		SYS_ioctl,
		SYS_keyctl,
		SYS_perf_event_open,
		SYS_userfaultfd,
		SYS_memfd_create,
		SYS_pidfd_getfd,
		SYS_pivot_root,
		SYS_chroot,
		SYS_capset,
		SYS_setuid,
		SYS_setresuid,
		SYS_personality,
		SYS_shmat,
		SYS_shmget,
		SYS_msgget,
		SYS_semget,
		SYS_link,
		SYS_symlink,
		SYS_mknod,
		SYS_sendto,
		SYS_recvfrom,
	};

	for (size_t i = 0; i < COUNT_OF(jailed); i++) {
		const struct jail_profile *profile = profile_of(jailed[i]);

		cr_expect_eq(profile->otherwise, JAIL_KILL);
		for (size_t j = 0; j < COUNT_OF(never); j++)
			cr_expect(!allows(profile, never[j]) ||
					  (jailed[i] == JAIL_ATTESTER &&
					   never[j] == SYS_openat),
				  "%s: %d", profile->name, never[j]);
	}
}

/* Any other descriptor, the one that means the working directory too, kills. */
Test(profile, the_attester_opens_below_its_one_directory_alone)
{
	const struct jail_profile *profile = profile_of(JAIL_ATTESTER);
	size_t count = 0;

	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);

		if (rule->number != SYS_openat)
			continue;
		count++;
		cr_expect_eq(rule->action, JAIL_ALLOW);
		cr_expect_eq(rule->when.test, JAIL_EQUAL);
		cr_expect_eq(rule->when.argument, 0);
		cr_expect_eq(rule->when.value, JAIL_FD_REPORTS);
	}
	cr_assert_eq(count, 1);
}

Test(profile, only_the_front_has_a_network)
{
	cr_expect_eq(profile_of(JAIL_FRONT)->network, JAIL_NETWORK_HOST);
	cr_expect_eq(profile_of(JAIL_KEEPER)->network, JAIL_NETWORK_NONE);
	cr_expect_eq(profile_of(JAIL_ZYGOTE)->network, JAIL_NETWORK_NONE);
	cr_expect_eq(profile_of(JAIL_ATTESTER)->network, JAIL_NETWORK_NONE);
	cr_expect_eq(profile_of(JAIL_WORKER)->network, JAIL_NETWORK_NONE);
}

Test(profile, no_role_leaves_a_core)
{
	for (unsigned role = 0; role < JAIL_ROLES; role++) {
		const struct jail_profile *profile =
			profile_of((enum jail_role)role);
		bool found = false;

		for (size_t i = 0; i < profile->limit_count; i++)
			found = found ||
				(profile->limits[i].resource == RLIMIT_CORE &&
				 profile->limits[i].max == 0);
		cr_expect(found, "%s", profile->name);
	}
}

Test(filter, every_profile_compiles_to_the_same_bytes_twice)
{
	static struct jail_filter first, second;

	for (unsigned role = 0; role < JAIL_ROLES; role++) {
		const struct jail_profile *profile =
			profile_of((enum jail_role)role);

		cr_assert_eq(filter_compile(profile, &first), ERR_OK);
		cr_assert_eq(filter_compile(profile, &second), ERR_OK);
		cr_expect(bytes_equal(filter_bytes(&first),
				      filter_bytes(&second)));
		cr_expect_gt(filter_bytes(&first).len, 0);
		cr_expect_eq(filter_bytes(&first).len % 8, 0);
	}
}

Test(filter, different_profiles_have_different_bytes)
{
	static struct jail_filter filters[JAIL_ROLES];

	for (unsigned role = 0; role < JAIL_ROLES; role++)
		cr_assert_eq(filter_compile(profile_of((enum jail_role)role),
					    &filters[role]),
			     ERR_OK);
	for (unsigned i = 0; i < JAIL_ROLES; i++) {
		for (unsigned j = 0; j < i; j++)
			cr_expect_not(bytes_equal(filter_bytes(&filters[i]),
						  filter_bytes(&filters[j])));
	}
}

/* One reason text is not part of what the kernel runs; one number is. */
Test(filter, one_more_rule_is_another_filter)
{
	const struct jail_profile *worker = profile_of(JAIL_WORKER);
	const struct jail_rule more = {
		SYS_getrandom, JAIL_ALLOW, { JAIL_ANY, 0, 0 }, "a hole"
	};
	struct jail_profile holed = *worker;
	static struct jail_filter good, bad;

	holed.common = &more;
	holed.common_count = 1;
	cr_assert_eq(filter_compile(worker, &good), ERR_OK);
	cr_assert_eq(filter_compile(&holed, &bad), ERR_OK);
	cr_assert_not(bytes_equal(filter_bytes(&good), filter_bytes(&bad)));
}

Test(filter, a_rule_that_cannot_be_is_refused)
{
	const struct jail_rule same = {
		SYS_read, JAIL_KILL, { JAIL_ANY, 0, 0 }, "as otherwise"
	};
	const struct jail_profile profile = {
		.name = "wrong",
		.otherwise = JAIL_KILL,
		.own = &same,
		.own_count = 1,
	};
	struct jail_filter filter = { .len = 77 };

	cr_assert_eq(filter_compile(&profile, &filter), ERR_UNAVAILABLE);
	cr_assert_eq(filter.len, 77);
}
