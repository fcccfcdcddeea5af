/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: turns a profile of policy/profile.h into a jail, for good.
 *
 * A long-lived role is a fresh execution of this same program, so that no two
 * roles share an address layout, a stack canary or what the supervisor's memory
 * held:
 *
 *     supervisor   spawn_role()    every namespace at once, the role's own
 *                                  user, an empty environment, and only the
 *                                  descriptors given (sandbox/spawn.h)
 *     role's main  ...             opens what it needs from the machine
 *                  jail_isolate()  empty read-only root, no capability, no new
 *                                  privilege, Landlock, limits; before any
 *                                  thread is made
 *                  ...             warms up: sockets, threads, memory
 *                  jail_enter()    the system-call filter, over all threads;
 *                                  before the first byte of a peer is read
 *
 * A worker is forked, not executed, by the zygote, inside the zygote's
 * namespaces: it has only jail_enter() left to do, about a tenth of a
 * millisecond.  Its filter comes on top of the zygote's.
 *
 * Nothing here can be switched off.  A step that fails is reported and means
 * that the process must end before it reads a request; of what the kernel may
 * not offer, only the measures in enum jail_optional may be missing, and the
 * report says which are.
 */
#ifndef SANDBOX_JAIL_H
#define SANDBOX_JAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "policy/profile.h"
#include "sandbox/filter.h"

/* In the order in which they are taken. */
enum jail_step {
	JAIL_STEP_NONE, /* nothing failed */
	/* spawn_role() */
	JAIL_STEP_CLONE,
	JAIL_STEP_PARENT, /* to die with the supervisor */
	JAIL_STEP_IDS,
	JAIL_STEP_AMBIENT, /* the capabilities that jail_isolate() needs */
	JAIL_STEP_DESCRIPTORS,
	JAIL_STEP_EXECUTE,
	/* jail_isolate() */
	JAIL_STEP_ALONE, /* pid 1, one thread, a user that is not 0 */
	JAIL_STEP_LIMITS,
	JAIL_STEP_ROOT,
	JAIL_STEP_HOST_NAME,
	JAIL_STEP_CAPABILITIES,
	JAIL_STEP_NO_NEW_PRIVILEGES,
	JAIL_STEP_LANDLOCK,
	JAIL_STEP_DUMPABLE,
	/* jail_enter() */
	JAIL_STEP_FILTER,
	JAIL_STEPS,
};

/* A second lock on a door that another measure has locked already. */
enum jail_optional {
	JAIL_LANDLOCK_FILES = 1 << 0,	/* ABI 1: no file by any path */
	JAIL_LANDLOCK_NETWORK = 1 << 1, /* ABI 4: no TCP bind, no connect */
	JAIL_LANDLOCK_SCOPE = 1 << 2, /* ABI 6: no signal, no abstract socket */
	JAIL_NO_WRITE_EXECUTE = 1 << 3, /* no page becomes executable */
	JAIL_OPTIONAL_ALL = (1 << 4) - 1,
};

struct jail_report {
	enum jail_step failed; /* JAIL_STEP_NONE on success */
	int error;	       /* errno of the failed step */
	unsigned landlock_abi; /* 0 without Landlock */
	unsigned optional;     /* enum jail_optional measures in force */
};

/* A name for people, such as "empty root".  Never NULL. */
const char *jail_step_name(enum jail_step step);

struct jail_isolation {
	const int *descriptors; /* to keep besides 0, 1 and 2; ascending */
	size_t descriptor_count;
	const uint16_t *ports; /* TCP ports that may be bound; else none */
	size_t port_count;
	const char *directory; /* the root and all it has; NULL: nothing */
};

/*
 * Called once by a role that spawn_role() started, before it has threads.
 * Directories are not kept, since one is a way back to the machine's files;
 * one that is named becomes the root, so that no way leads out of it.
 * ERR_UNAVAILABLE with report->failed set: the caller must exit.
 */
MUST_CHECK enum err jail_isolate(const struct jail_profile *profile,
				 const struct jail_isolation *isolation,
				 struct jail_report *report);

/*
 * The supervisor's part: it has to keep the machine's files and, as root, the
 * capabilities that spawn_role() needs, and gives up all else.
 * ERR_UNAVAILABLE with report->failed set: the caller must exit.
 */
MUST_CHECK enum err jail_supervise(const struct jail_profile *profile,
				   struct jail_report *report);

/*
 * Lower one of the caller's limits (RLIMIT_*) to `max`, soft and hard, where it
 * is above: what a process can do without of what its profile gives.
 */
MUST_CHECK enum err jail_lower_limit(unsigned resource, uint64_t max);

/*
 * Apply the profile's limits, close what it does not keep, and install the
 * filter on every thread of this process.  There is no way back.  A thread that
 * was just made must have said that it runs, since libc makes calls of its own
 * until then.  The report is one that jail_isolate() filled or that is zero.
 * ERR_UNAVAILABLE with report->failed set: the caller must exit.
 */
MUST_CHECK enum err jail_enter(const struct jail_filter *filter,
			       struct jail_report *report);

#endif
