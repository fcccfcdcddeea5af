/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: pcc-client verify: shows the checks of every node, sends nothing.
 */
#ifndef CLIENT_INSPECT_H
#define CLIENT_INSPECT_H

#include "client/options.h"

/*
 * Print, and return the exit code: 0 when all nodes are verified, else that of
 * the worst (malformed, not verified, expired), 2 when there is none to judge.
 */
int inspect_run(const struct options *options);

#endif
