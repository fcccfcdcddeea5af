/* SPDX-License-Identifier: Apache-2.0 */
/*
 * published: the release that a node says it is of (`--release FILE`).
 *
 * The file is a struct release (wire/release.h): the entry of a transparency
 * log and the proof of it, as `pcc-log prove` writes them.  A node does not
 * start as a release that it is not, nor before or after the time that the
 * entry gives it; whether a log has it is for clients to judge.
 */
#ifndef NODE_PUBLISHED_H
#define NODE_PUBLISHED_H

#include "node/setup.h"
#include "wire/log_entry.h"

struct published {
	size_t len; /* of bytes; 0: no release was named */
	uint8_t bytes[RELEASE_BYTES_MAX];
	uint8_t checkpoint[SETUP_DIGEST_BYTES]; /* SHA-256 of its head's text */
	struct log_entry entry;			/* views of bytes */
};

/*
 * Read and check the file at the time `now`, Unix seconds; die where it is no
 * release, or one whose time is not now.
 */
void published_load(const char *path, uint64_t now, struct published *out);

/* Die where it is the release of another node than this. */
void published_check(const struct published *published,
		     const struct setup_digests *digests);

/* Whether its time is over. */
bool published_has_ended(const struct published *published, uint64_t now);

/* Tell a keeper of it, if there is one. */
MUST_CHECK enum err published_send(const struct published *published,
				   int control);

#endif
