/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn: start a role of this program, already in namespaces of its own.
 *
 * One clone3 makes the child and its namespaces, so no process stays between
 * supervisor and role.  The child takes the role's user, keeps just the two
 * capabilities that jail_isolate() needs, and executes this program anew:
 *
 *     0, 1   /dev/null         3, 4, ...   the descriptors given
 *     2      the log           nothing else, and no environment variable
 *
 * As root, a role runs as user and group JAIL_ID_BASE + role.  For an ordinary
 * user it runs in a user namespace of its own in which that id alone exists,
 * and is the caller outside.  From there on nothing differs.
 *
 * A role is pid 1 of its own pid namespace.  So whatever it forks dies with it,
 * it must reap its children itself, and a signal that it has no handler for
 * does not reach it, SIGKILL by the supervisor excepted: a role is told to stop
 * by its channel.  It is killed when the thread that spawned it ends, so the
 * supervisor spawns from its only thread.
 */
#ifndef SANDBOX_SPAWN_H
#define SANDBOX_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "policy/profile.h"
#include "sandbox/jail.h"

#define SPAWN_DESCRIPTORS_MAX 16

struct spawn_start {
	const struct jail_profile *profile;
	int executable;		 /* this program; see spawn_executable() */
	char *const *arguments;	 /* argv of the role, ended by NULL */
	const int *descriptors;	 /* become 3, 4, ... in this order */
	size_t descriptor_count; /* at most SPAWN_DESCRIPTORS_MAX */
};

struct spawn_child {
	pid_t pid;
	int pidfd; /* closed on exec; readable when the child has ended */
};

/*
 * Open the running program for reading: roles started later are this program
 * still, even when its file has been replaced, and it can be measured.
 */
MUST_CHECK enum err spawn_executable(int *out);

/*
 * Start a role; the caller keeps its descriptors.  ERR_UNAVAILABLE with *report
 * filled when a step up to and with the execution failed; no child is left.
 */
MUST_CHECK enum err spawn_role(const struct spawn_start *start,
			       struct spawn_child *out,
			       struct jail_report *report);

/* Kill a child at once; nothing happens when it has ended already. */
void spawn_kill(const struct spawn_child *child);

/* Wait for a child's end, fill *status as waitpid(2) does, close its pidfd. */
MUST_CHECK enum err spawn_reap(struct spawn_child *child, int *status);

#endif
