/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jailed: a node that has answered and waits, to be looked at from outside.
 *
 * A claim about it is tested twice: for a node that root started and for one
 * that an ordinary user did.
 */
#ifndef TESTS_SCENARIOS_JAILED_H
#define TESTS_SCENARIOS_JAILED_H

#include <criterion/criterion.h>
#include <unistd.h>

#include "tests/scenarios/process.h"
#include "tests/system.h"

#define JAILED_WORKERS 2
#define JAILED_THREADS 3 /* of the engine, in each */

/* Its workers are there and wait; or the test is skipped, or fails. */
void jailed_start(enum system_caller caller, struct system *out);

/* The roles and their workers; not the supervisor, which has no jail. */
struct jailed_list {
	pid_t pids[PROCESS_MAX];
	enum jail_role roles[PROCESS_MAX];
	size_t count;
};

void jailed_list(const struct system *system, struct jailed_list *out);

/* Each claim twice, of the system `pcc` of the file. */
#define JAILED_TEST(suite, name)                              \
	static void name(void);                               \
	Test(suite, name##_when_the_caller_starts_it)         \
	{                                                     \
		jailed_start(SYSTEM_AS_CALLER, &pcc);         \
		name();                                       \
	}                                                     \
	Test(suite, name##_when_an_ordinary_user_starts_it)   \
	{                                                     \
		if (geteuid() != 0)                           \
			cr_skip_test("root starts the other " \
				     "one, we are ordinary"); \
		jailed_start(SYSTEM_AS_ORDINARY, &pcc);       \
		name();                                       \
	}                                                     \
	static void name(void)

#endif
