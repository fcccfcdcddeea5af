/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role: what the re-executed processes have in common.
 *
 * Each role isolates itself, is set up, opens what it needs, closes the jail,
 * and only then tells that it is ready; see sandbox/jail.h for the steps.
 */
#ifndef NODE_ROLE_H
#define NODE_ROLE_H

#include "sandbox/jail.h"

/*
 * The role that this execution is for, by argv[0] ("pcc-node: keeper"), or
 * JAIL_SUPERVISOR for one that a person started.
 */
enum jail_role role_named(const char *argv0);

/* argv[0] of a role, which is what ps shows. */
const char *role_title(enum jail_role role);

/* Show this process, which was forked by a role, as another one. */
void role_rename(enum jail_role role);

/* jail_isolate(), with the control channel kept; or the process's end. */
void role_isolate(enum jail_role role);

/* The same for a role that keeps one more descriptor and binds one port. */
void role_isolate_keeping(enum jail_role role, int descriptor, uint16_t port);

/*
 * The same for a role that keeps one more descriptor, unless it is -1, and has
 * this directory as its root, unless it is NULL.
 */
void role_isolate_within(enum jail_role role, int descriptor,
			 const char *directory);

/* jail_enter() with the role's own filter; or the process's end. */
void role_close_jail(enum jail_role role);

/*
 * Try what no role may behind the filter of each that is executed, in children
 * of the supervisor before it gives anything up; or the process's end.  The
 * zygote tries its workers' jail itself, in its own.
 */
void role_prove_jails(void);

#endif
