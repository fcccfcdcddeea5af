/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: `pcc-verify diff A B`, what changed between two releases, in the words
 * of somebody who has to decide whether to trust the second as the first.
 */
#ifndef VERIFY_DIFF_H
#define VERIFY_DIFF_H

/* argv[0] is "diff".  0: compared; 1: usage; 30: a file is no manifest. */
int diff_run(int argc, char **argv);

#endif
