/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selftest: try what a jail forbids, at every start, and count what works.
 *
 * A filter that is right on paper may be void on this kernel.  So before a
 * node serves, a child enters a role's jail for each forbidden act in turn and
 * commits it; the child must die by SIGSYS.  Of the worker these are all acts,
 * of the others those that no role may.  The table of acts is the one
 * the tests use, where it is run without the jail too, so that an act which
 * could not have worked anyway is found.
 */
#ifndef SANDBOX_SELFTEST_H
#define SANDBOX_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/filter.h"

enum selftest_control {
	SELFTEST_WORKS,	   /* outside a jail, on every kernel and for anybody */
	SELFTEST_MAY_FAIL, /* where the kernel was built or set otherwise */
};

/* One forbidden act: a system call, or a function that makes it. */
struct selftest_act {
	const char *name;
	enum selftest_control control;
	long number; /* SYS_* unless `special` is set */
	uint64_t arguments[6];
	int (*special)(void); /* 0 when it worked, negative when not */
	bool is_everybodys;   /* forbidden to front, keeper and the rest, too */
};

/* All acts; *count of them. */
const struct selftest_act *selftest_acts(size_t *count);

/* Commit one, with a connected socket at 3 and at 4: 0 when it worked. */
int selftest_commit(const struct selftest_act *act);

struct selftest_result {
	size_t tried;
	size_t survived;	    /* acts that did not end in SIGSYS, or
				       in the error that the profile says */
	const char *first_survivor; /* NULL when there was none */
};

/*
 * Try every act that is forbidden to the role of this filter.
 * ERR_DENIED when one survived, and then the node must not serve, with *out
 * filled in either case; ERR_UNAVAILABLE when no child could be made or the
 * jail not entered.
 */
MUST_CHECK enum err selftest_run(const struct jail_filter *filter,
				 struct selftest_result *out);

#endif
