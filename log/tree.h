/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a tree's hashes, read from the tiles of a log.
 *
 * Tiles are believed as far as they give a root that somebody signed; whoever
 * makes a proof of them verifies it before it goes out.
 */
#ifndef LOG_TREE_H
#define LOG_TREE_H

#include "log/source.h"
#include "tlog/tlog_checkpoint.h"

#define TREE_SLOTS 64 /* tiles that are kept at hand */

struct tree_slot {
	struct tlog_tile tile; /* of width 0: empty */
	uint8_t hashes[TLOG_TILE_BYTES];
};

struct tree {
	const struct source *source; /* borrowed */
	uint64_t size;
	struct tree_slot *slots; /* from malloc */
};

/* A tree of this size.  ERR_UNAVAILABLE for want of memory. */
MUST_CHECK enum err tree_open(const struct source *source, uint64_t size,
			      struct tree *out);
void tree_close(struct tree *tree);

/* To make proofs from; of the tree as long as it is open. */
struct merkle_source tree_source(struct tree *tree);

/* Hash number `place` of a level of tiles. */
MUST_CHECK enum err tree_hash(struct tree *tree, unsigned level, uint64_t place,
			      struct merkle_hash *out);

/* The right edge; ERR_UNAUTHENTIC unless it has this root. */
MUST_CHECK enum err tree_edge(struct tree *tree, const struct merkle_hash *root,
			      struct merkle *out);

/* A checkpoint that was read: the note lies in `memory`. */
struct tree_head {
	uint8_t *memory; /* from malloc */
	struct bytes bytes;
	struct note note;
	struct tlog_checkpoint checkpoint;
};

/*
 * Read the log's checkpoint, or take one from a file of that folder.  It is
 * parsed and not yet verified.
 */
MUST_CHECK enum err tree_head_read(const struct source *source,
				   const char *path, struct tree_head *out);
void tree_head_free(struct tree_head *head);

/* ERR_UNAUTHENTIC unless this key's is the origin, and signed it. */
MUST_CHECK enum err tree_head_verify(const struct tree_head *head,
				     const struct note_key *key);

#endif
