/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock: a second lock, by the kernel's own access control, on files, TCP
 * ports, signals and abstract sockets.
 *
 * Each kernel knows a few more rights than the last (its ABI); all that this
 * one knows are denied.  Denied twice is the point: a mistake in the empty root
 * or in a filter then opens nothing.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The ABI of this kernel, from 1 on; 0 where it has no Landlock. */
unsigned landlock_abi(void);

struct landlock_exceptions {
	const uint16_t *ports; /* TCP, to bind */
	size_t port_count;
	int directory; /* whose files may be read and written; -1: none */
};

/*
 * Deny the calling thread, and all that it makes later, every right that ABI
 * `abi` knows, with these exceptions.  no_new_privs must be set.
 * ERR_UNAVAILABLE when the kernel refuses.
 */
MUST_CHECK enum err
landlock_restrict(unsigned abi, const struct landlock_exceptions *exceptions);

#endif
