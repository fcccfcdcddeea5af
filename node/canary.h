/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary: whether a node of this model and policy keeps anything of a request,
 * on this very machine.
 *
 * A node is started as an operator starts one, but for its socket, and asked one
 * sealed question (node/visitor.h) with a random word in it.  While its worker
 * holds the question the word has to be found there; after the answer it must
 * be in no memory of any process of the node, in nothing that waits in its pipes
 * and sockets, and in no file that it wrote.
 */
#ifndef NODE_CANARY_H
#define NODE_CANARY_H

#include "node/options.h"
#include "policy/policy.h"

/* Prints what was found where.  ERR_DENIED: something is left, or the search
 * was blind; ERR_UNAVAILABLE: it could not be made, which is said. */
MUST_CHECK enum err canary_run(const struct options *options,
			       const struct policy *policy);

#endif
