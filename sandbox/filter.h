/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: a profile's rules as the program that the kernel runs at every system
 * call (seccomp, classic BPF).
 *
 * Compiled once, by libseccomp, and kept as bytes: their digest stands in the
 * node statement, and a forked worker installs them without an allocation.
 * Calls by another architecture's numbering (int 0x80, x32) kill the process
 * under every profile.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "policy/profile.h"

#define FILTER_BYTES_MAX 4096 /* 512 instructions of 8 bytes */

/* Plain data, the same in every run of one build. */
struct jail_filter {
	const struct jail_profile *profile;
	size_t len; /* bytes */
	_Alignas(8) uint8_t code[FILTER_BYTES_MAX];
};

/* ERR_UNAVAILABLE when libseccomp refuses; ERR_TOO_LARGE beyond the most. */
MUST_CHECK enum err filter_compile(const struct jail_profile *profile,
				   struct jail_filter *out);

/* The instructions as they will be installed, for the node statement. */
struct bytes filter_bytes(const struct jail_filter *filter);

/*
 * Install it on every thread of this process, for good.  The process must have
 * no_new_privs; jail_enter() sees to that and is what to call.
 * ERR_UNAVAILABLE when the kernel refuses, or one thread could not follow.
 */
MUST_CHECK enum err filter_install(const struct jail_filter *filter);

/* What people call a system call of this machine, such as "futex". */
#define FILTER_CALL_MAX 32
void filter_call_name(int number, char name[static FILTER_CALL_MAX]);

#endif
