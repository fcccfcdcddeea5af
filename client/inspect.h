/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect: shows the checks of every node that is listed, and sends nothing.
 *
 * It is `pcc-client verify`, and `pcc-verify bundle`.
 */
#ifndef CLIENT_INSPECT_H
#define CLIENT_INSPECT_H

#include "attest/verify.h"
#include "net/http.h"

/* Everything is borrowed. */
struct inspect_question {
	const char *file;	    /* a bundle or a list of them, or NULL: */
	struct http_server gateway; /* whom to ask for a list */
	const struct verify_policy *policy;
	uint64_t now; /* 0: the clock's */
	bool json;
};

/*
 * Print, and return the exit code: 0 when all nodes are verified, else that of
 * the worst (malformed, not verified, expired), 2 when there is none to judge.
 */
int inspect_run(const struct inspect_question *question);

#endif
