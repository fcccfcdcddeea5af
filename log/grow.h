/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grow: the files that more entries need, beside those that are there.
 *
 * Nothing that a smaller tree has is changed: a partial tile of another width is
 * another file.  So whatever happens here, the head that was signed last stays
 * good.
 */
#ifndef LOG_GROW_H
#define LOG_GROW_H

#include "log/source.h"

/*
 * Add entries[count] to the tree whose right edge is *edge, which is to be
 * verified, and put every bundle and tile that the new tree has and the old one
 * has not.  *edge is the new tree's then.  ERR_UNAVAILABLE, ERR_UNAUTHENTIC.
 */
MUST_CHECK enum err grow(const struct source *folder, struct merkle *edge,
			 const struct bytes *entries, size_t count);

/* ERR_UNAUTHENTIC unless the last bundle's entries have its tile's hashes. */
MUST_CHECK enum err grow_check_bundle(const struct source *source,
				      uint64_t size);

#endif
