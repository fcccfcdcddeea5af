/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session: the nodes a user may trust, and requests to one of them.
 *
 * A session holds what passed verification: node ids, keys and how long they
 * are good.  A request goes to one of these, chosen at random, and to nothing
 * else; where none is left the list is fetched and verified anew, and so it is
 * once when a node turns out not to know its key.  Threads may share a session.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "attest/verify.h"
#include "client/exchange.h"

struct session;

struct session_options {
	struct http_server gateway;	    /* texts borrowed while open */
	const struct verify_policy *policy; /* borrowed while open */
	struct proof_book *book;	    /* likewise */
};

/* NULL: no memory.  Nothing is fetched yet. */
struct session *session_open(const struct session_options *options);
void session_close(struct session *session);

/*
 * Have at least one verified node whose key is valid now.  TROUBLE_NONE, or why
 * there is none.
 */
enum trouble session_ready(struct session *session);

/*
 * What a person should know about the weakest node in use, such as "verified:
 * software evidence (development), ..."; static text, after session_ready().
 */
const char *session_summary(struct session *session);

/* Copy the model's name of one verified node, zero-ended. */
void session_model(struct session *session,
		   char name[static STATEMENT_NAME_MAX + 1]);

/*
 * Send a request and wait for the head of its answer, which fills *head.
 * On any trouble nothing is left to close.
 */
enum trouble session_request(struct session *session,
			     const struct exchange_request *request,
			     struct exchange **out,
			     struct exchange_event *head);

#endif
