/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove: `pcc-log prove` and `pcc-log check`, the proof that an entry is in a
 * log: made, and judged offline.
 */
#ifndef LOG_PROVE_H
#define LOG_PROVE_H

#include "log/tree.h"

int prove_run(int argc, char **argv);
int prove_run_check(int argc, char **argv);

/* The place of a leaf in the tree; ERR_DENIED where it is not there. */
MUST_CHECK enum err prove_find(struct tree *tree,
			       const struct merkle_hash *leaf, uint64_t *index);

#endif
