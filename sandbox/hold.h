/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold: a process of others' that stands still while it is looked at, as root.
 *
 * Its threads are traced, not stopped by a signal: its parent is told nothing,
 * and a call that it was in goes on afterwards.
 */
#ifndef SANDBOX_HOLD_H
#define SANDBOX_HOLD_H

#include <stddef.h>
#include <sys/types.h>

#define HOLD_THREADS_MAX 64

struct hold {
	pid_t threads[HOLD_THREADS_MAX];
	size_t count;
};

/* As many of its threads as there are; none where it is gone, or is not ours
 * to trace. */
void hold_begin(pid_t pid, struct hold *out);
void hold_end(struct hold *hold);

#endif
