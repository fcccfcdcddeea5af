/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem: everything the gateway says when it does not relay.
 *
 * One row of a table each: HTTP status and a fixed application/problem+json
 * (RFC 9457).  Nothing of a request or of a node's words is ever in it.
 */
#ifndef GATEWAY_PROBLEM_H
#define GATEWAY_PROBLEM_H

#include <grpc/status.h>

enum problem {
	PROBLEM_NONE = 0,
	PROBLEM_MALFORMED,	  /* 400: not an encapsulated request */
	PROBLEM_NODE_HEADER,	  /* 400: no or no sound PCC-Node */
	PROBLEM_KEY,		  /* 401: "ohttp-key", fetch keys anew */
	PROBLEM_NODE_UNKNOWN,	  /* 404: fetch nodes anew */
	PROBLEM_PATH,		  /* 404 */
	PROBLEM_METHOD,		  /* 405 */
	PROBLEM_TOO_LARGE,	  /* 413 */
	PROBLEM_MEDIA_TYPE,	  /* 415 */
	PROBLEM_BUSY,		  /* 429, Retry-After */
	PROBLEM_NODE_BROKEN,	  /* 502: the node ended without an answer */
	PROBLEM_NODE_UNAVAILABLE, /* 503, Retry-After: gone or draining */
	PROBLEM_NODE_TIMEOUT,	  /* 504 */
	PROBLEM_COUNT,
};

/* The HTTP status; 200 for PROBLEM_NONE. */
unsigned problem_status(enum problem problem);

/* The body, static.  Never NULL. */
const char *problem_body(enum problem problem);

/* The value of Retry-After, or NULL where to try again is no advice. */
const char *problem_retry_after(enum problem problem);

/* What a call that ended with this status before an answer began means. */
enum problem problem_of_status(grpc_status_code status);

#endif
