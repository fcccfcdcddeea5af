/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject: makes a live process, jailed or not, do what it never would by
 * itself: root stops it, puts one instruction before the next, and lets it go.
 */
#ifndef TESTS_SUPPORT_INJECT_H
#define TESTS_SUPPORT_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum inject_act {
	INJECT_CALL,	/* a system call that no filter allows: SIGSYS */
	INJECT_FAULT,	/* an address that nobody has: SIGSEGV */
	INJECT_ILLEGAL, /* no instruction: SIGILL */
};

/* False: the process is gone, or this machine lets nobody trace. */
bool inject(pid_t pid, enum inject_act act);

/*
 * Read memory through the process's own registers, eight bytes at a time, as
 * only it can where the kernel gives the pages to nobody else.
 */
bool inject_read(pid_t pid, uint64_t address, uint8_t *out, size_t len);

/*
 * Give it copies of so many pages of its own program, unchanged: memory that it
 * has to be charged for.  False: it is gone, as it may be when there is none.
 */
bool inject_copies(pid_t pid, size_t pages);

#endif
