/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: `pcc-node doctor`: what this machine is to a node, for its operator.
 */
#ifndef NODE_DOCTOR_H
#define NODE_DOCTOR_H

#include "node/options.h"

/* Print every row of sandbox/machine.h, and where it is asked for the search of
 * node/canary.h; the exit status: 1 where a node would not start, or leaves
 * anything. */
int doctor_run(const struct options *options);

#endif
