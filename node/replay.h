/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: the set of encapsulated keys that one private key has seen.
 *
 * An open-addressed table of 128-bit keyed digests.  The digest key is random
 * and secret, so nobody can aim for a collision, and one by chance (2^-88 for a
 * full set) refuses a good request and admits no bad one.  The set never
 * evicts: when it is full, everything new is refused.
 */
#ifndef NODE_REPLAY_H
#define NODE_REPLAY_H

#include "base/bytes.h"
#include "base/secret.h"

struct replay_digest {
	uint64_t half[2]; /* both zero: an empty place */
};

/* Invariant: used <= max; table has places entries, a power of two > max. */
struct replay {
	struct replay_digest *table; /* mapped; grows in memory as touched */
	size_t places;
	size_t used;
	size_t max;
	struct secret32 key;
};

/* A set for at most max entries.  ERR_UNAVAILABLE: no memory. */
MUST_CHECK enum err replay_open(size_t max, struct replay *out);

/* Forget everything and unmap.  A zeroed struct is allowed. */
void replay_close(struct replay *set);

/* Whether so much has been entered that the end should be prepared for. */
bool replay_is_filling(const struct replay *set);

/*
 * Enter what was not there: ERR_OK once, ERR_DENIED for what was seen before,
 * ERR_TOO_LARGE for anything once the set is full.
 */
MUST_CHECK enum err replay_enter(struct replay *set, struct bytes seen);

#endif
