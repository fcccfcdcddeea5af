/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable: files that are either as they were or as they should be, whatever
 * stops this program or its machine.
 *
 * A file is written beside its place, synchronised, read back, and renamed; the
 * folders above it are synchronised then.  When durable_put() says ERR_OK the
 * bytes are there and stay there.
 */
#ifndef LOG_DURABLE_H
#define LOG_DURABLE_H

#include "base/bytes.h"

#define DURABLE_PATH_MAX 1024

enum durable_reader {
	DURABLE_PUBLIC = 0, /* everybody (0644) */
	DURABLE_SECRET,	    /* its owner alone (0600) */
};

/* Open a folder, which is made where it is missing.  -1: see errno. */
int durable_folder(const char *path);

/*
 * Put a file at a path below the folder, in place of what is there; folders on
 * the way are made.  ERR_UNAVAILABLE (see errno; EIO for what does not read
 * back as it was written), and then what was there is there still.
 */
MUST_CHECK enum err durable_put(int folder, const char *path, struct bytes data,
				enum durable_reader reader);

/* Read a whole file.  ERR_UNAVAILABLE, ERR_TOO_LARGE. */
MUST_CHECK enum err durable_read(int folder, const char *path,
				 struct writer *out);

/*
 * Keep every other such holder away until the descriptor is closed.  -1 where
 * another has it (errno EWOULDBLOCK), or for want of rights.
 */
int durable_lock(int folder, const char *path);

/* The folder of a path, opened, and the rest of the path in *name.  Or -1. */
int durable_parent(const char *path, const char **name);

#endif
