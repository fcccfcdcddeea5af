/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: looks for needles wherever a process or a machine could have left them.
 *
 *     process       all its readable memory, as root sees it
 *     descriptors   what waits unread in its pipes and sockets, and its files
 *                   that have no name any more; nothing is taken out
 *     file          a file's bytes, or all of a disk, deleted files included
 *     folder        every file below it
 */
#ifndef SANDBOX_SCAN_H
#define SANDBOX_SCAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/needle.h"

#define SCAN_WHERE_MAX 128

/* What was looked at, and what was found; begin with zeros. */
struct scan_finding {
	size_t hits;
	uint64_t bytes;		    /* looked at */
	uint64_t unreadable;	    /* bytes that the kernel gives nobody */
	size_t places;		    /* descriptors or files looked at */
	const char *encoding;	    /* of the last hit, or NULL */
	char where[SCAN_WHERE_MAX]; /* of the last hit: the mapping or file */
	bool is_refused;	    /* not all of it could be looked at */
};

/* Add what is found there.  A place that is gone meanwhile is refused. */
void scan_process(const struct needles *needles, pid_t pid,
		  struct scan_finding *finding);
void scan_descriptors(const struct needles *needles, pid_t pid,
		      struct scan_finding *finding);
void scan_file(const struct needles *needles, const char *path,
	       struct scan_finding *finding);
void scan_folder(const struct needles *needles, const char *path,
		 struct scan_finding *finding);

/* The same for memory of the caller. */
void scan_memory(const struct needles *needles, struct bytes memory,
		 const char *where, struct scan_finding *finding);

#endif
