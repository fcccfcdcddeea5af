/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracer: a piece of work in a process of its own, into whose system calls
 * things go wrong.
 *
 * The work runs under ptrace(2).  Counted are the calls of a kind, in the order
 * in which they are made; at one of them the fault happens, once.
 */
#ifndef TESTS_SUPPORT_TRACER_H
#define TESTS_SUPPORT_TRACER_H

#include <stdbool.h>
#include <sys/types.h>

enum tracer_calls {
	TRACER_ALL = 0,
	TRACER_WRITES,	/* write */
	TRACER_SYNCS,	/* fsync */
	TRACER_RENAMES, /* renameat and its kin */
	TRACER_MAKES,	/* openat that creates, mkdirat */
	TRACER_READS,	/* read */
};

enum tracer_fault {
	TRACER_COUNT = 0, /* nothing; only count */
	TRACER_KILL,	  /* SIGKILL instead of the call */
	TRACER_FAIL,	  /* the call is not made and gives this error */
	TRACER_SHORT,	  /* half of it is written or read */
	TRACER_FLIP,	  /* another bit is written than was meant */
};

struct tracer_plan {
	enum tracer_calls calls;
	enum tracer_fault fault;
	unsigned at; /* number of the call, from 0 */
	int error;   /* of TRACER_FAIL */
};

struct tracer_result {
	unsigned calls; /* of that kind, until the end */
	bool happened;	/* there was a call of that number */
	long number;	/* what was called there (SYS_*) */
	int code;	/* what the work returned, or -1 if it was killed */
};

/* Whether this machine lets us; a test that needs it is skipped otherwise. */
bool tracer_works(void);

/* Run the work, which returns 0 to 255, to its end. */
struct tracer_result tracer_run(int (*work)(void *context), void *context,
				const struct tracer_plan *plan);

/*
 * A child of ours that runs already: hold it where it waits, and once it is to
 * go on, follow it to its end, which is reaped here.
 */
void tracer_hold(pid_t pid);
struct tracer_result tracer_follow(pid_t pid, const struct tracer_plan *plan);

#endif
