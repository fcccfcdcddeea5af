/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observer: somebody on the way, who reads nothing but sees when how much
 * passes.
 *
 *     caller ──▶ observer ──▶ what it is put before
 *            ◀──  notes   ◀──
 *
 * A relay of the test's own, with a thread of its own that runs before all
 * others where that is permitted, so that what it notes is when things came.
 */
#ifndef TESTS_SUPPORT_OBSERVER_H
#define TESTS_SUPPORT_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBSERVER_SEGMENTS_MAX 8192
#define OBSERVER_URL_MAX 64

/* What was read at once on its way back to the caller. */
struct observer_segment {
	uint64_t ns; /* of the monotonic clock */
	size_t len;
};

/* Invariant: count is at most the maximum; what comes after it is not noted. */
struct observer_notes {
	uint64_t asked_ns; /* when the last bytes towards the other side came */
	struct observer_segment segments[OBSERVER_SEGMENTS_MAX];
	size_t count;
};

struct observer;

/*
 * Before http://127.0.0.1:PORT; or before a unix socket, at another path that
 * has no file yet.  From malloc; NULL: it cannot be put there.
 */
struct observer *observer_of_url(const char *url);
struct observer *observer_of_socket(const char *socket, const char *path);

/* Where it listens, for one before a URL. */
const char *observer_url(const struct observer *observer);

/* Whether its thread runs before all others. */
bool observer_is_prompt(const struct observer *observer);

/*
 * What passed since the last connection was made, or since this was called
 * last; the notes then begin anew.
 */
void observer_take(struct observer *observer, struct observer_notes *out);

/* End its thread and its connections. */
void observer_close(struct observer *observer);

#endif
