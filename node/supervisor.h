/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: starts the roles, links them, and starts them again.
 *
 *   holds   the configuration, the open model file, the listening socket
 *   sees    ends of processes, digests
 *   never   a byte of a request, a key of the keeper's
 *   jail    profile_of(JAIL_SUPERVISOR)
 *   fds     its own; a control channel and a pidfd for each role
 *
 *     start zygote ─▶ MEASURED ─▶ start keeper ─▶ start front ─▶ node ready
 *                    each READY ─▶ link with every other that is ready
 *                    each end   ─▶ start again, link again
 *
 * A zygote that measures another model than the first one did ends the node.
 */
#ifndef NODE_SUPERVISOR_H
#define NODE_SUPERVISOR_H

#include "node/options.h"

/* The node's whole life; returns the exit status. */
int supervisor_run(const struct options *options);

#endif
