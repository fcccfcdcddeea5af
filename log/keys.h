/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: keys as files of one line (tlog/note.h), and what was signed last.
 *
 *     FILE        the private key, readable by its owner alone
 *     FILE.head   the last head that it signed; written before that head is
 *                 shown to anybody, so a key never signs two histories
 */
#ifndef LOG_KEYS_H
#define LOG_KEYS_H

#include "tlog/note.h"

/* A private key that is held: nobody else signs with it meanwhile. */
struct keys {
	struct note_signer signer;
	int folder;		 /* that the file is in */
	int lock;		 /* on the file; both -1 when closed */
	char name[256];		 /* of the file in that folder */
	char head_name[256 + 8]; /* of the record beside it */
};

/*
 * Load and lock.  ERR_DENIED where others may read the file (chmod 600),
 * ERR_UNAVAILABLE where it is missing or held, ERR_MALFORMED.  Declare with
 * SCOPED_WIPE(keys_close).
 */
MUST_CHECK enum err keys_open(const char *path, struct keys *out);
void keys_close(struct keys *keys);

/* Make a new private key; ERR_DENIED if there is a file already. */
MUST_CHECK enum err keys_create(const char *path, struct bytes name,
				enum note_type type);

/* Read a public key from a file of one line. */
MUST_CHECK enum err keys_read_public(const char *path, struct note_key *out);

#endif
