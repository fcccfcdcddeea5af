/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: every entry of a tree in turn, hashed into its tiles and its root.
 */
#ifndef LOG_WALK_H
#define LOG_WALK_H

#include "log/tree.h"

/* What is done with each entry; an error ends the walk. */
struct walk_visitor {
	enum err (*visit)(void *context, uint64_t index, struct bytes entry);
	void *context;
};

/*
 * From the tree with this right edge, which is *edge's and verified, to that of
 * `to->size` leaves.  Bundles have to have the hashes of their tiles, tiles
 * those of the tiles above, and all together the root: ERR_UNAUTHENTIC else.
 * Then *edge is the right edge of the greater tree.
 */
MUST_CHECK enum err walk(const struct source *source, struct merkle *edge,
			 const struct merkle_head *to,
			 const struct walk_visitor *visitor);

#endif
