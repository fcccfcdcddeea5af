/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capability: the pieces of root's power, as one set of bits (1 << CAP_*).
 *
 * All calls are about the calling thread, so they come before any other.
 */
#ifndef SANDBOX_CAPABILITY_H
#define SANDBOX_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* To make the namespaces' contents: mounts, host name, root, bounding set. */
#define CAPABILITY_ISOLATE         \
	(1ull << 21 | 1ull << 18 | \
	 1ull << 8) /* SYS_ADMIN, SYS_CHROOT, SETPCAP */

/* What a supervisor that is root needs: also SETUID, SETGID and KILL. */
#define CAPABILITY_SUPERVISE \
	(CAPABILITY_ISOLATE | 1ull << 7 | 1ull << 6 | 1ull << 5)

/* To have a role run when it is due; one that is missing stops nothing. */
#define CAPABILITY_PRIORITY (1ull << 23) /* SYS_NICE */

/* Whether all of these are effective. */
bool capability_has(uint64_t wanted);

/* Have these and no others: permitted, effective and inheritable. */
MUST_CHECK enum err capability_keep(uint64_t kept);

/* Let these, which must be held, outlive an exec by a user that is not 0. */
MUST_CHECK enum err capability_keep_over_exec(uint64_t kept);

/* Nobody who comes after, a set-uid program included, can have others. */
MUST_CHECK enum err capability_bound(uint64_t kept);

/*
 * Give up all of them and every way to have one again: ambient, bounding and
 * held sets are emptied, and user 0 stops being special.  Needs SETPCAP.
 */
MUST_CHECK enum err capability_drop_all(void);

#endif
