/* SPDX-License-Identifier: Apache-2.0 */
/*
 * saboteur: system calls of a node that fail, in whichever process makes them.
 *
 * A process of its own traces (ptrace(2)) the supervisor from before its
 * execution on, and all that it forks.  It counts the calls of one role that
 * may fail at all, lets one of them fail in a way that the kernel has for it
 * (out of memory, descriptors or room, interrupted, cut short), once, and sees
 * every death.
 */
#ifndef TESTS_SUPPORT_SABOTEUR_H
#define TESTS_SUPPORT_SABOTEUR_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/profile.h"

enum saboteur_phase {
	SABOTEUR_SERVING,  /* any process of the role, from now on */
	SABOTEUR_STARTING, /* the next one that begins, from its beginning */
};

struct saboteur_plan {
	enum jail_role role;
	enum saboteur_phase phase;
	uint64_t at;  /* the number of the call, from 0 */
	unsigned way; /* of those in which it can fail */
};

/* What became of the plan. */
struct saboteur_deed {
	bool happened;
	long call;	/* its number */
	long error;	/* as it was told, or 0: it was cut short */
	uint64_t calls; /* counted, whether it happened or not */
};

/*
 * From here on every node that tests/system.h starts is traced.  The test is
 * skipped where nobody may trace one, or none can be started.
 */
void saboteur_begin_or_skip(void);

void saboteur_arm(const struct saboteur_plan *plan);

/*
 * Filters are counted from here on: those that processes of this role close
 * upon themselves (a supervisor's or zygote's fork that tries its jail), and
 * how many of these processes then ended as if nothing forbade what they did.
 * The kernel says of the filter of number `at` that it is closed, and it is
 * not; SABOTEUR_NO_FILTER: each is.
 */
#define SABOTEUR_NO_FILTER UINT64_MAX
struct saboteur_filters {
	uint64_t closed, survived;
};
void saboteur_void_filter(enum jail_role role, uint64_t at);
struct saboteur_filters saboteur_filters(void);

/* No fault any more; what became of the last plan. */
struct saboteur_deed saboteur_disarm(void);

/* Whether the armed fault has happened. */
bool saboteur_has_struck(void);

/*
 * Processes that died of what is a bug: a bad access or instruction, or, where a
 * call of theirs had failed, one that their filter does not know.
 */
uint64_t saboteur_crashes(void);

/* Those that ended themselves by abort(), which a library may, out of memory;
 * and those that the dynamic loader ended, before there was a program. */
uint64_t saboteur_aborts(void);
uint64_t saboteur_loader_faults(void);

/*
 * The wall clock that every process of nodes started after the first call sees:
 * so many seconds off, or as it was at this moment for ever.
 */
void saboteur_shift_clock(int64_t seconds);
void saboteur_freeze_clock(void);

#endif
