/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call there is, by every numbering, from behind the filter of each role:
 * what has no rule dies.  And every rule that has a condition, with each
 * argument that is one bit away from it.
 *
 * What dies is made without a filter as well, by an ordinary user: there it
 * comes back, but for calls whose work it is not to.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/figure.h"
#include "tests/support/attempt.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CALLS 1024
#define DESCRIPTORS 1024
#define STRIDE 16 /* of numberings that every filter refuses as a whole */

/* Calls of this many numbers come back to whom no filter stops: some are for
 * the end of a process, or to wait for something. */
#define COME_BACK (CALLS * 9 / 10)

struct tally {
	uint64_t tries;
	uint64_t survived;
	uint64_t control; /* came back without a filter */
};

static struct jail_filter filters[JAIL_ROLES];

static void compile(void)
{
	for (int role = 0; role < JAIL_ROLES; role++)
		cr_assert_eq(filter_compile(profile_of((enum jail_role)role),
					    &filters[role]),
			     ERR_OK);
}

TestSuite(evil_calls, .init = compile, .timeout = 300);

static bool is_a_probe(const struct attempt *call)
{
	return call->commit == attempt_call &&
	       ((uint32_t)call->number == ATTEMPT_URETPROBE ||
		(uint32_t)call->number == ATTEMPT_UPROBE);
}

/* Behind the filter it dies; the kernel's own two may fail instead. */
static void expect_killed(struct tally *tally, struct attempt call,
			  enum jail_role role)
{
	enum attempt_end end;

	call.filter = &filters[role];
	end = attempt_make(&call);
	tally->tries++;
	if (is_a_probe(&call) ? end != ATTEMPT_WORKED : end == ATTEMPT_KILLED)
		return;
	tally->survived++;
	cr_expect_fail("role %d: call %ld came to %d", role, call.number, end);
}

static void see_it_come_back(struct tally *tally, struct attempt call)
{
	call.filter = NULL;
	tally->control += attempt_came_back(attempt_make(&call));
}

static void expect_number_killed(struct tally *tally,
				 int (*commit)(const struct attempt *),
				 long number, enum jail_role role)
{
	expect_killed(tally,
		      (struct attempt){ .commit = commit, .number = number },
		      role);
}

static void see_number_come_back(struct tally *tally,
				 int (*commit)(const struct attempt *),
				 long number)
{
	see_it_come_back(
		tally, (struct attempt){ .commit = commit, .number = number });
}

/* What the machine has to do for all of us may take long. */
static bool takes_long(long number)
{
	return number == SYS_sync;
}

/* ---- the worker, by number */

Test(evil_calls, every_number_kills_a_worker)
{
	struct tally tally = { 0 };

	/* With zeros, the four allowed calls name descriptor or operation 0. */
	for (long number = 0; number < CALLS; number++) {
		if (number == SYS_exit_group)
			continue;
		expect_number_killed(&tally, attempt_call, number, JAIL_WORKER);
		if (!takes_long(number))
			see_number_come_back(&tally, attempt_call, number);
	}
	cr_expect_geq(tally.control, COME_BACK);
	figure_none("E1", "calls that a worker survives, of all numbers",
		    tally.survived, tally.tries, tally.control);
}

Test(evil_calls, every_odd_number_kills_a_worker)
{
	static const long odd[] = { -1,
				    INT_MAX,
				    INT_MIN,
				    LONG_MIN,
				    ATTEMPT_X32 - 1,
				    1l << 31,
				    SYS_read | 1l << 29,
				    SYS_getpid | 1l << 31 };
	struct tally tally = { 0 };

	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		expect_number_killed(&tally, attempt_call, odd[i], JAIL_WORKER);
		see_number_come_back(&tally, attempt_call, odd[i]);
	}
	/* The kernel drops the upper half of a number, and so it is judged. */
	for (long number = 0; number < CALLS; number++) {
		if (number == SYS_exit_group)
			continue;
		expect_number_killed(&tally, attempt_call, number | 1l << 32,
				     JAIL_WORKER);
		expect_number_killed(&tally, attempt_call, number | LONG_MIN,
				     JAIL_WORKER);
	}
	figure_none("E1", "calls by odd numbers that a worker survives",
		    tally.survived, tally.tries, tally.control);
}

Test(evil_calls, every_x32_number_kills_a_worker)
{
	struct tally tally = { 0 };

	for (long number = 0; number < CALLS; number++) {
		expect_number_killed(&tally, attempt_call, number | ATTEMPT_X32,
				     JAIL_WORKER);
		if (number % STRIDE == 0)
			see_number_come_back(&tally, attempt_call,
					     number | ATTEMPT_X32);
	}
	figure_none("E1", "calls by x32 numbers that a worker survives",
		    tally.survived, tally.tries, tally.control);
}

Test(evil_calls, every_32_bit_number_kills_a_worker)
{
	struct tally tally = { 0 };

	for (long number = 0; number < CALLS; number++) {
		expect_number_killed(&tally, attempt_int_80, number,
				     JAIL_WORKER);
		if (number % STRIDE == 0)
			see_number_come_back(&tally, attempt_int_80, number);
	}
	if (tally.control == 0)
		cr_skip_test("this kernel has no way in for 32 bits");
	figure_none("E1", "calls by int 0x80 that a worker survives",
		    tally.survived, tally.tries, tally.control);
}

Test(evil_calls, a_worker_may_make_four_calls)
{
	static const long may[] = { SYS_read, SYS_write, SYS_futex,
				    SYS_exit_group };
	const struct jail_profile *profile = profile_of(JAIL_WORKER);
	bool has[COUNT_OF(may)] = { false };

	for (size_t i = 0; i < profile_rule_count(profile); i++) {
		const struct jail_rule *rule = profile_rule(profile, i);
		size_t j = 0;

		while (j < COUNT_OF(may) && may[j] != rule->number)
			j++;
		cr_assert_lt(j, COUNT_OF(may), "call %ld", rule->number);
		has[j] = has[j] || rule->action == JAIL_ALLOW;
	}
	for (size_t i = 0; i < COUNT_OF(may); i++)
		cr_expect(has[i], "call %ld", may[i]);
	figure_at_most("E1", "calls that a worker may make",
		       (double)profile_allowed_calls(profile), "",
		       COUNT_OF(may));
}

/* ---- the worker, by argument */

static void expect_argument_killed(struct tally *tally, long number,
				   unsigned index, uint64_t value)
{
	struct attempt call = { .commit = attempt_call, .number = number };

	call.arguments[index] = value;
	expect_killed(tally, call, JAIL_WORKER);
	/* Zero bytes at no address: each comes back, if only with EBADF. */
	if (tally->tries % STRIDE == 0)
		see_it_come_back(tally, call);
}

static bool is_a_channel(uint64_t value)
{
	return value == JAIL_FD_FRONT || value == JAIL_FD_KEEPER;
}

Test(evil_calls, every_other_descriptor_kills_a_worker)
{
	static const long calls[] = { SYS_read, SYS_write };
	static const uint64_t channels[] = { JAIL_FD_FRONT, JAIL_FD_KEEPER };
	struct tally tally = { 0 };

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		for (uint64_t fd = 0; fd < DESCRIPTORS; fd++)
			if (!is_a_channel(fd))
				expect_argument_killed(&tally, calls[i], 0, fd);
		for (size_t j = 0; j < COUNT_OF(channels); j++) {
			for (unsigned bit = 10; bit < 64; bit++)
				expect_argument_killed(&tally, calls[i], 0,
						       channels[j] |
							       1ull << bit);
			expect_argument_killed(&tally, calls[i], 0,
					       channels[j] | ~0ull << 32);
		}
		expect_argument_killed(&tally, calls[i], 0, UINT64_MAX);
		expect_argument_killed(&tally, calls[i], 0, UINT32_MAX);
	}
	figure_none("E2",
		    "reads and writes of another descriptor that come "
		    "back to a worker",
		    tally.survived, tally.tries, tally.control);
}

static bool is_allowed(uint64_t operation)
{
	return operation == FUTEX_WAIT_PRIVATE ||
	       operation == FUTEX_WAKE_PRIVATE ||
	       operation == FUTEX_WAIT_BITSET_PRIVATE ||
	       operation == (FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME);
}

Test(evil_calls, every_other_futex_operation_kills_a_worker)
{
	struct tally tally = { 0 };

	for (uint64_t operation = 0; operation < 1024; operation++) {
		if (!is_allowed(operation)) {
			expect_argument_killed(&tally, SYS_futex, 1, operation);
			continue;
		}
		for (unsigned bit = 10; bit < 64; bit++)
			expect_argument_killed(&tally, SYS_futex, 1,
					       operation | 1ull << bit);
	}
	figure_none("E2",
		    "other operations of futex that come back to a "
		    "worker",
		    tally.survived, tally.tries, tally.control);
}

/* ---- the others: each jailed role, its own list */

static const enum jail_role others[] = { JAIL_FRONT, JAIL_KEEPER, JAIL_ZYGOTE,
					 JAIL_ATTESTER };

/* The first rule of this call from an index on, or NULL; *index is its. */
static const struct jail_rule *rule_of(const struct jail_profile *profile,
				       long number, size_t *index)
{
	for (; *index < profile_rule_count(profile); (*index)++)
		if (profile_rule(profile, *index)->number == number)
			return profile_rule(profile, *index);
	return NULL;
}

static bool has_rule(enum jail_role role, long number)
{
	size_t index = 0;

	return rule_of(profile_of(role), number, &index) != NULL;
}

static void try_all_numbers(struct tally *tally, enum jail_role role)
{
	for (long number = 0; number < CALLS; number++) {
		if (!has_rule(role, number))
			expect_number_killed(tally, attempt_call, number, role);
		if (number % STRIDE != 0)
			continue;
		expect_number_killed(tally, attempt_call, number | ATTEMPT_X32,
				     role);
		expect_number_killed(tally, attempt_int_80, number, role);
		see_number_come_back(tally, attempt_call, number);
	}
}

Test(evil_calls, every_number_without_a_rule_kills_front_keeper_zygote_attester)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < COUNT_OF(others); i++)
		try_all_numbers(&tally, others[i]);
	figure_none("E1",
		    "calls without a rule that front, keeper, zygote or "
		    "attester survives",
		    tally.survived, tally.tries, tally.control);
}

/* Whether any rule of this call lets this argument by. */
static bool lets_by(const struct jail_profile *profile, long number,
		    uint64_t value)
{
	const struct jail_rule *rule;

	for (size_t i = 0; (rule = rule_of(profile, number, &i)) != NULL; i++) {
		if (rule->when.test == JAIL_EQUAL && rule->when.value == value)
			return true;
		if (rule->when.test == JAIL_CLEAR &&
		    (rule->when.value & value) == 0)
			return true;
	}
	return false;
}

/* Each bit of a value that has to be, each that may not. */
static void try_around(struct tally *tally, enum jail_role role,
		       const struct jail_rule *rule)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		struct attempt call = { .commit = attempt_call,
					.number = rule->number };
		uint64_t value = 1ull << bit;

		if (rule->when.test == JAIL_EQUAL)
			value ^= rule->when.value;
		if (lets_by(profile_of(role), rule->number, value))
			continue;
		call.arguments[rule->when.argument] = value;
		expect_killed(tally, call, role);
		if (tally->tries % STRIDE == 0)
			see_it_come_back(tally, call);
	}
}

Test(evil_calls, one_bit_beside_a_rule_kills_every_role)
{
	struct tally tally = { 0 };

	for (int role = JAIL_FRONT; role < JAIL_ROLES; role++) {
		const struct jail_profile *profile =
			profile_of((enum jail_role)role);

		for (size_t i = 0; i < profile_rule_count(profile); i++) {
			const struct jail_rule *rule = profile_rule(profile, i);

			if (rule->action == JAIL_ALLOW &&
			    rule->when.test != JAIL_ANY)
				try_around(&tally, (enum jail_role)role, rule);
		}
	}
	figure_none("E2",
		    "allowed calls with an argument one bit away that "
		    "come back, of all roles",
		    tally.survived, tally.tries, tally.control);
}

/* What a library may ask for in vain comes back with an error, always. */
Test(evil_calls, what_is_refused_is_never_carried_out)
{
	static uint8_t path[] = "/";
	uint64_t tries = 0, refused = 0;

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		const struct jail_profile *profile = profile_of(others[i]);

		for (size_t j = 0; j < profile_rule_count(profile); j++) {
			const struct jail_rule *rule = profile_rule(profile, j);
			const struct attempt call = {
				.filter = &filters[others[i]],
				.commit = attempt_call,
				.number = rule->number,
				.arguments = { 0, (uintptr_t)path },
			};

			if (rule->action != JAIL_REFUSE &&
			    rule->action != JAIL_ABSENT)
				continue;
			tries++;
			refused += attempt_make(&call) == ATTEMPT_FAILED;
		}
	}
	figure_all("E1", "calls that are refused with an error", refused,
		   tries);
}
