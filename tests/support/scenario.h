/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario: a test program that is its own role.
 *
 * spawn_role() executes this very program, so a test of jails has a second
 * main: executed as "scenario NAME" it runs the function of that name, which
 * answers on descriptor 3 with the first claim that did not hold, or with
 * nothing.  Each test runs as root and as an ordinary user.
 */
#ifndef TESTS_SUPPORT_SCENARIO_H
#define TESTS_SUPPORT_SCENARIO_H

#include <stddef.h>

#include "policy/profile.h"
#include "sandbox/spawn.h"

#define SCENARIO_CONTROL JAIL_FD_FIRST
#define SCENARIO_TEXT_MAX 256

/* In a scenario: leave with this claim unless it holds. */
#define HOLDS(claim)                   \
	do {                           \
		if (!(claim))          \
			return #claim; \
	} while (0)

struct scenario {
	const char *name;
	const char *(*run)(void);
};

/* The main of such a program: a scenario if asked for one, else the tests. */
int scenario_main(const struct scenario *table, int argc, char **argv);

/* jail_isolate() with the control channel kept: NULL, or the failed step. */
const char *scenario_isolate(enum jail_role role);

/* Tell the test to look, and wait until it has. */
const char *scenario_wait(void);

enum scenario_caller {
	SCENARIO_ROOT,
	SCENARIO_USER
};

/* A test that runs twice, as root (skipped when it is not) and as a user. */
#define SCENARIO_TEST(suite, name)               \
	static void name(void);                  \
	Test(suite, name##_for_root)             \
	{                                        \
		scenario_become(SCENARIO_ROOT);  \
		name();                          \
	}                                        \
	Test(suite, name##_for_an_ordinary_user) \
	{                                        \
		scenario_become(SCENARIO_USER);  \
		name();                          \
	}                                        \
	static void name(void)

void scenario_become(enum scenario_caller caller);

struct scenario_run {
	struct spawn_child child;
	int control;
	char said[SCENARIO_TEXT_MAX]; /* the last message of the role */
};

/* Spawn this program as the scenario; `extra`, unless -1, becomes its 4. */
void scenario_spawn(const char *name, enum jail_role role, int extra,
		    struct scenario_run *out);

/* Receive into run->said; an empty text at the end of the role. */
void scenario_hear(struct scenario_run *run);

/* Let a waiting scenario go on. */
void scenario_go_on(struct scenario_run *run);

/* Reap it; its status as waitpid(2) gives it. */
int scenario_end(struct scenario_run *run);

/* From begin to end: every claim holds, and it exits with 0. */
void scenario_holds(const char *name, enum jail_role role);

/*
 * Skip a test whose role makes threads behind a closed filter: a sanitizer's
 * threads make system calls of their own, for which no filter is widened.
 */
void scenario_skip_if_sanitized(void);

/* A descriptor of this program, opened before scenario_become() dropped. */
int scenario_executable(void);

#endif
