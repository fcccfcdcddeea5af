/* SPDX-License-Identifier: Apache-2.0 */
/*
 * team: a few threads that do one thing together, again and again.
 *
 * The thread that opens a team is its member 0; the others wait for work, at
 * first by looking again and again, since work comes every few microseconds
 * while tokens are made, and then asleep.  What each member does depends on its
 * number alone, never on which is first.
 */
#ifndef INFERENCE_TEAM_H
#define INFERENCE_TEAM_H

#include <stddef.h>

#include "base/err.h"

#define TEAM_MAX 64

/*
 * The stack of a thread that computes, whatever the limits of the process say;
 * products keep tiles of up to 128 KiB there.
 */
#define TEAM_STACK_BYTES ((size_t)1 << 20)

struct team;

/*
 * Start members - 1 threads, in memory from the heap.  All of them run when it
 * returns, and from then on they call the system for nothing but to sleep and
 * to wake (futex), so that a jail may be closed over them.  ERR_TOO_LARGE beyond
 * TEAM_MAX, ERR_UNAVAILABLE where there are no threads to be had.
 */
MUST_CHECK enum err team_open(size_t members, struct team **out);

/* Wait for them to end. */
void team_close(struct team *team);

/* 1 for NULL, which is a team of the caller alone. */
size_t team_size(const struct team *team);

/*
 * Call work(context, member) once for every member, and return when all have
 * returned.  What was written before is seen by all, and the reverse.
 */
void team_run(struct team *team, void (*work)(void *context, size_t member),
	      void *context);

/* How often members have waited for each other, for measurements. */
size_t team_meetings(const struct team *team);

/* Member m of n deals with [first, end) of `count` things. */
struct team_share {
	size_t first;
	size_t end;
};

struct team_share team_share(size_t count, size_t member, size_t members);

#endif
