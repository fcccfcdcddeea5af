/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node: one node as the gateway knows it: a channel, its bundle, its load.
 *
 * A thread a node keeps both fresh: it asks for the bundle (GetAttestation),
 * then listens to the load (WatchLoad) until the bundle is due or a key was
 * seen that the bundle does not hold, and begins again.  When the stream ends
 * the node counts as absent until it answers anew.
 *
 * The gateway reads a bundle to route by it.  To judge it is what clients are
 * for; a gateway that was told whom to trust judges as well, and lists no node
 * that its own clients would refuse.
 */
#ifndef GATEWAY_NODE_H
#define GATEWAY_NODE_H

#include <stdbool.h>

#include "attest/verify.h"
#include "gateway/dial.h"
#include "wire/bundle.h"
#include "wire/statement.h"

struct node;

enum node_state {
	NODE_ABSENT,   /* does not answer, or has no sound bundle */
	NODE_READY,    /* takes requests */
	NODE_BUSY,     /* its queue is full */
	NODE_DRAINING, /* takes nothing new */
};

/* What there is to tell about a node at one moment. */
struct node_view {
	uint8_t id[STATEMENT_DIGEST_BYTES];
	uint64_t next_refresh; /* Unix seconds */
	struct bytes bundle;   /* in the memory given to node_look() */
};

/*
 * A node at this target, contacted from now on.  `trust` is borrowed while it
 * is open; NULL: no bundle is judged.  Errors as dial_open().
 */
MUST_CHECK enum err node_open(const char *target, const struct dial_tls *tls,
			      const struct verify_policy *trust,
			      struct node **out);

/* Stop the thread and free all; no call may be running on the channel. */
void node_close(struct node *node);

/* Borrowed for as long as the node is open. */
grpc_channel *node_channel(const struct node *node);

/* What the node would say to one more request. */
enum node_state node_state(struct node *node);

/* Copy the node's id.  ERR_UNAVAILABLE for an absent node. */
MUST_CHECK enum err node_id(struct node *node,
			    uint8_t id[static STATEMENT_DIGEST_BYTES]);

/*
 * Copy what is known, the bundle into `memory`.  ERR_UNAVAILABLE for an absent
 * node, ERR_TOO_LARGE when the memory is.
 */
MUST_CHECK enum err node_look(struct node *node, struct writer *memory,
			      struct node_view *out);

/* The node said that this key is current: fetch a bundle that has it. */
void node_key_seen(struct node *node, uint8_t key_id);

/* A request was refused for its key: fetch the bundle anew, in due course. */
void node_key_refused(struct node *node);

#endif
