/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt: one thing that a process tries which an attacker owns, by a child of
 * its own: behind a role's filter, or as an ordinary user without one.
 *
 *     KILLED    by the filter
 *     WORKED    the call came back and did what it is for
 *     FAILED    it came back with an error
 *     FAULTED   another signal ended the child
 *     STUCK     it had not come back when its time was over
 *
 * A child that leaves a core, or could not be jailed, fails the test.
 */
#ifndef TESTS_SUPPORT_ATTEMPT_H
#define TESTS_SUPPORT_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/jail.h"
#include "sandbox/selftest.h"

/* Calls by the numbering for programs that name 64-bit things by 32 bits. */
#define ATTEMPT_X32 0x40000000l

/*
 * The kernel lets these two past every filter (from 6.11 and 6.18 on) and looks
 * itself at who calls: not its own probe is an error or a fault.
 */
#define ATTEMPT_URETPROBE 335
#define ATTEMPT_UPROBE 336

enum attempt_end {
	ATTEMPT_WORKED, /* the child's exit status, as the next one */
	ATTEMPT_FAILED,
	ATTEMPT_NO_JAIL, /* never returned */
	ATTEMPT_KILLED,
	ATTEMPT_FAULTED,
	ATTEMPT_STUCK,
};

/* What is not used is zero. */
struct attempt {
	const struct jail_filter *filter;	      /* NULL: free */
	int (*commit)(const struct attempt *attempt); /* below 0: failed */
	const struct selftest_act *act;
	long number;
	uint64_t arguments[6];
};

/* Connected sockets stand at a worker's two places, 3 and 4; at 3 a byte waits,
 * and a descriptor with it. */
enum attempt_end attempt_make(const struct attempt *attempt);

/* To commit: an act; a call by its number; the same by the 32-bit way in. */
int attempt_act(const struct attempt *attempt);
int attempt_call(const struct attempt *attempt);
int attempt_int_80(const struct attempt *attempt);

/* Whether it came back, and so was carried out or asked for. */
bool attempt_came_back(enum attempt_end end);

/* A worker's places get these; out of the way first, since the test framework
 * may have something there. */
void attempt_take_places(int front, int keeper);

/* jail_enter(), or the end of a child. */
void attempt_enter(const struct jail_filter *filter);

/* The call itself: a sanitizer's _exit() does more than a worker may. */
_Noreturn void attempt_leave(int status);

#endif
