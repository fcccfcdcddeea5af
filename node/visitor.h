/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visitor: one request to a node of this machine, from outside of it.
 *
 *     visitor_open    a channel to its socket, and what key it offers
 *     visitor_seal    a question, sealed to that key
 *     visitor_ask     sends it
 *     visitor_hear    the answer, opened
 *     visitor_close
 *
 * For `pcc-node doctor`, which sees what the node then keeps of it.  Evidence is
 * not judged: it is asked of a node that the caller has just started.
 */
#ifndef NODE_VISITOR_H
#define NODE_VISITOR_H

#include "base/bytes.h"

struct visitor;

/* ERR_UNAVAILABLE: nobody listens at the path, or no bundle comes. */
MUST_CHECK enum err visitor_open(const char *path, struct visitor **out);

/* A completion, as JSON of at most 1 KiB; the caller wipes it. */
MUST_CHECK enum err visitor_seal(struct visitor *visitor, struct bytes json);

MUST_CHECK enum err visitor_ask(struct visitor *visitor);

/* ERR_UNAUTHENTIC, ERR_TRUNCATED: no whole answer.  ERR_DENIED: one that says
 * another status than 200. */
MUST_CHECK enum err visitor_hear(struct visitor *visitor);

/* What it knew is wiped.  NULL is allowed. */
void visitor_close(struct visitor *visitor);

#endif
