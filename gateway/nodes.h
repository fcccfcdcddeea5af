/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodes: the set of nodes that one gateway serves, and what it publishes about
 * them.
 */
#ifndef GATEWAY_NODES_H
#define GATEWAY_NODES_H

#include "gateway/node.h"
#include "gateway/problem.h"

#define NODES_MAX 64

struct nodes {
	struct node *list[NODES_MAX]; /* owned */
	size_t count;
};

/* Close all that were opened. */
void nodes_close(struct nodes *nodes);

/*
 * The node that a PCC-Node header names, ready for one more request; `header`
 * is 64 hex digits or 43 letters of base64url, or NULL, which will do where
 * there is one node only.  PROBLEM_NONE, or what to answer instead.
 */
enum problem nodes_pick(const struct nodes *nodes, const char *header,
			struct node **out);

/* How many nodes take requests now. */
size_t nodes_ready(const struct nodes *nodes);

/*
 * What clients fetch, in memory from malloc that the caller frees; NULL when
 * there is none to be had.
 *   bundles  {"nodes":[{"id":hex,"bundle":base64url,"next_refresh":n}, ...]}
 *   keys     application/ohttp-keys (RFC 9458 section 3.2) of all nodes
 */
struct nodes_text {
	uint8_t *data;
	size_t len;
};
struct nodes_text nodes_bundles(const struct nodes *nodes);
struct nodes_text nodes_keys(const struct nodes *nodes);

#endif
