/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: a log to read, in a folder or at a URL.
 *
 * What comes from either is somebody's word: whoever reads checks it against a
 * head that is signed.
 */
#ifndef LOG_SOURCE_H
#define LOG_SOURCE_H

#include "net/http.h"
#include "tlog/tlog_tile.h"

struct source {
	int folder;	/* or -1 */
	char url[1024]; /* or "" */
};

/* "http://...", "https://..." or a folder.  ERR_UNAVAILABLE, ERR_TOO_LARGE. */
MUST_CHECK enum err source_open(const char *place, struct source *out);
void source_close(struct source *source);

/* ERR_UNAVAILABLE where it is not there; ERR_TOO_LARGE for the writer. */
MUST_CHECK enum err source_read(const struct source *source, const char *path,
				struct writer *out);

/*
 * A tile or bundle as it is in a tree of some size, or the full one where the
 * log dropped a partial one since: hashes are cut to the width, entries too.
 */
MUST_CHECK enum err source_tile(const struct source *source,
				const struct tlog_tile *tile,
				struct writer *out);

#endif
