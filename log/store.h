/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: a log that grows, in a folder that any static server can serve.
 *
 *     FOLDER/checkpoint             the head, with cosignatures
 *     FOLDER/tile/...               hashes and entries (tlog/tlog_tile.h)
 *     FOLDER/key                    the public key, as a text
 *     KEY, KEY.head                 the private key, elsewhere (log/keys.h)
 *
 * A head is signed in these steps, and a crash between any two of them leaves
 * a log that the next store_open() makes whole:
 *
 *     1. the key is locked; KEY.head, the checkpoint and the tiles of the right
 *        edge agree, or nothing is done
 *     2. bundles and tiles are put, each read back (log/durable.h)
 *     3. the checkpoint is still the one of step 1
 *     4. KEY.head is put: now the new head counts
 *     5. the checkpoint is put: now others see it
 */
#ifndef LOG_STORE_H
#define LOG_STORE_H

#include "log/keys.h"
#include "log/tree.h"

#define STORE_CHECKPOINT "checkpoint"
#define STORE_KEY "key"
#define STORE_ORIGIN_MAX NOTE_NAME_MAX

struct store {
	const struct keys *keys; /* borrowed */
	struct source source;	 /* the folder */
	int lock;		 /* on the folder */
	struct merkle edge;	 /* of the head that was signed last */
	struct tree_head shown;	 /* the checkpoint as others see it */
};

/* A new log with no entries, of this key's name.  ERR_DENIED if there is one */
MUST_CHECK enum err store_create(const char *folder, const struct keys *keys);

/*
 * Open to append, and finish what a crash left undone.  ERR_UNAUTHENTIC where
 * the folder does not hold what the key signed last; ERR_UNAVAILABLE, see errno.
 * Declare with SCOPED_WIPE(store_close).
 */
MUST_CHECK enum err store_open(const char *folder, const struct keys *keys,
			       struct store *out);
void store_close(struct store *store);

/*
 * Append entries, all or none, under one new head.  ERR_TOO_LARGE for an entry
 * beyond 65535 bytes, ERR_DENIED where the checkpoint was changed meanwhile;
 * else as above.  After an error the store is to be closed.
 */
MUST_CHECK enum err store_append(struct store *store,
				 const struct bytes *entries, size_t count);

/* Put a checkpoint with more signatures in place of the one that is shown. */
MUST_CHECK enum err store_show(const char *folder, struct bytes before,
			       struct bytes after);

#endif
