/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: what a node needs of the machine it runs on, as one table.
 *
 * Two rows are needed, since what is in memory would come to lie on a disk: no
 * swap, and no handler of cores.  A node does not start without them, and
 * `pcc-node doctor` prints all rows.  What cannot be read counts as missing.
 */
#ifndef SANDBOX_MACHINE_H
#define SANDBOX_MACHINE_H

#include <stddef.h>

#include "base/err.h"

enum machine_verdict {
	MACHINE_OK,
	MACHINE_WARNING,
	MACHINE_REFUSED, /* a node does not start */
};

#define MACHINE_FOUND_MAX 96

struct machine_finding {
	enum machine_verdict verdict;
	const char *name;
	const char *advice;	       /* what to do; empty where it is ok */
	char found[MACHINE_FOUND_MAX]; /* one line */
};

/* Where and for what it is asked. */
struct machine {
	const char *root;     /* before /proc, /sys and /dev; "" for here */
	size_t needed_memory; /* bytes that a node takes at least */
};

size_t machine_rows(void);
void machine_look(const struct machine *machine, size_t row,
		  struct machine_finding *out);

/*
 * The rows that are needed: ERR_DENIED with what is wrong in *out, of the first
 * that is refused.
 */
MUST_CHECK enum err machine_needed(const struct machine *machine,
				   struct machine_finding *out);

#endif
