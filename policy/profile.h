/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: what each process of the node may ask of the kernel.
 *
 * This is data, to be read by an auditor: every permission carries the reason
 * it was granted, and what has no line is not permitted.  sandbox/ turns a
 * profile into namespaces, limits and a system-call filter and adds nothing of
 * its own; the filter's digest stands in the node statement.
 */
#ifndef POLICY_PROFILE_H
#define POLICY_PROFILE_H

#include <stddef.h>
#include <stdint.h>

enum jail_role {
	JAIL_SUPERVISOR,
	JAIL_FRONT,
	JAIL_KEEPER,
	JAIL_ZYGOTE,
	JAIL_ATTESTER,
	JAIL_WORKER, /* the one that is forked, not executed */
	JAIL_ROLES,  /* how many there are */
};

/* A worker's only two descriptors, and the only ones its filter names. */
#define JAIL_FD_FRONT 3	 /* sealed chunks in, sealed frames out */
#define JAIL_FD_KEEPER 4 /* two questions: its request's keys, its receipt */

/* The attester's directory of reports, where it has one: all that it opens. */
#define JAIL_FD_REPORTS 5

/* The first descriptor a role is given; 0 and 1 are void, 2 is the log. */
#define JAIL_FD_FIRST 3

/* A role's user and group: this plus its enum jail_role; never 0. */
#define JAIL_ID_BASE 64000u

enum jail_test {
	JAIL_ANY,   /* no condition */
	JAIL_EQUAL, /* the argument, all 64 bits, is the value */
	JAIL_CLEAR, /* the argument has none of the value's bits */
};

struct jail_condition {
	enum jail_test test;
	unsigned argument; /* 0 to 5 */
	uint64_t value;
};

enum jail_action {
	JAIL_ALLOW,  /* carry it out */
	JAIL_REFUSE, /* fail with EACCES: a library asks and can do without */
	JAIL_ABSENT, /* fail with ENOSYS, so that libc takes the older call */
	JAIL_KILL,   /* the whole process dies by SIGSYS */
};

/* Several rules may name one call: what any of them allows is allowed. */
struct jail_rule {
	int number; /* SYS_*, of this machine's native architecture */
	enum jail_action action;
	struct jail_condition when;
	const char *reason;
};

/* An upper bound; a lower one that is in force already stays. */
struct jail_limit {
	unsigned resource; /* RLIMIT_* */
	uint64_t max;
	const char *reason;
};

/* What the process shares with the machine; all it does not share is its own */
enum jail_network {
	JAIL_NETWORK_NONE, /* a network namespace without an interface */
	JAIL_NETWORK_HOST, /* the machine's, because this role listens */
};

/* When its first thread runs; others that it makes have the usual priority. */
enum jail_priority {
	JAIL_PRIORITY_USUAL,
	JAIL_PRIORITY_REAL_TIME, /* before all of usual priority, where it may */
};

enum jail_descriptors {
	JAIL_DESCRIPTORS_STAY,	   /* those that are open stay open */
	JAIL_DESCRIPTORS_CHANNELS, /* all but the worker's two are closed */
};

struct jail_profile {
	const char *name;
	enum jail_role role;
	enum jail_network network;
	enum jail_priority priority;
	enum jail_descriptors descriptors; /* when the filter closes */
	enum jail_action otherwise;	   /* for calls without a rule */
	const struct jail_rule *own;
	size_t own_count;
	const struct jail_rule
		*common; /* with other roles; see profile_rule() */
	size_t common_count;
	const struct jail_limit *limits;
	size_t limit_count;
};

/* The profile of a role.  Never NULL. */
const struct jail_profile *profile_of(enum jail_role role);

/* The profile's rules, own and common, from index 0 on. */
size_t profile_rule_count(const struct jail_profile *profile);
const struct jail_rule *profile_rule(const struct jail_profile *profile,
				     size_t index);

/*
 * How many different system calls the profile's rules allow in some form; 0 for
 * the supervisor, whose rules are refusals.
 */
size_t profile_allowed_calls(const struct jail_profile *profile);

#endif
