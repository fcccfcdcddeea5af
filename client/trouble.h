/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble: everything that can keep an answer from a user, told apart.
 *
 * One row of a table each: what an OpenAI client is answered (HTTP status, type
 * and code), a sentence for people, and the exit code of the command line.  All
 * texts are fixed: nothing of a prompt, an answer or a peer's words is in them.
 */
#ifndef CLIENT_TROUBLE_H
#define CLIENT_TROUBLE_H

#include "attest/verify.h"
#include "net/http.h"
#include "wire/chat_refusal.h"

enum trouble {
	TROUBLE_NONE = 0,

	/* before anything was sent */
	TROUBLE_UNREACHABLE,  /* no connection to the gateway */
	TROUBLE_DIRECTORY,    /* what it lists is no list of nodes */
	TROUBLE_NO_NODES,     /* it lists none */
	TROUBLE_FILE,	      /* a saved list that is not there to be read */
	TROUBLE_SOFTWARE,     /* software evidence was not accepted by name */
	TROUBLE_NOT_VERIFIED, /* no node passed: forged, or not accepted */
	TROUBLE_MALFORMED,    /* no node's bundle can be read */
	TROUBLE_EXPIRED,      /* nodes passed but for keys that are over */
	TROUBLE_TOO_LARGE,    /* the request */

	/* by the gateway, before an answer */
	TROUBLE_KEY,	     /* the node does not know the key: renew */
	TROUBLE_NODE_GONE,   /* the gateway does not know the node: renew */
	TROUBLE_REFUSED,     /* the encapsulated request was refused */
	TROUBLE_BUSY,	     /* try again in a second */
	TROUBLE_UNAVAILABLE, /* likewise */
	TROUBLE_NODE_FAILED,
	TROUBLE_NODE_REFUSED, /* inside the encryption, in its own words */
	TROUBLE_TIMEOUT,

	/* in mid-answer */
	TROUBLE_CUT,	  /* it ended without its authentic end */
	TROUBLE_TAMPERED, /* bytes that the node did not seal */
	TROUBLE_RECEIPT,  /* whole, but its receipt does not fit it */
	TROUBLE_LEFT,	  /* our own client went away */
	TROUBLE_INTERNAL, /* no memory */
	TROUBLE_COUNT,
};

/* The answer to an OpenAI client; texts are static. */
struct chat_refusal trouble_refusal(enum trouble trouble);

/* The sentence alone. */
const char *trouble_text(enum trouble trouble);

/* 10, 20, 30 as verify_exit_code() where it is a verdict, else 2; 0 for none.
 */
int trouble_exit_code(enum trouble trouble);

/* What a verdict other than verified means for a client. */
enum trouble trouble_of_result(const struct verify_result *result);

/* What a failed exchange with the gateway means; HTTP_FINE is TROUBLE_NONE. */
enum trouble trouble_of_failure(enum http_failure failure);

/* What an HTTP status of the gateway other than 200 means. */
enum trouble trouble_of_status(long status);

#endif
