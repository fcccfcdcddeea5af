/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line of pcc-client, and with it what its user trusts.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "attest/trust.h"
#include "net/http.h"

enum options_command {
	OPTIONS_VERIFY,
	OPTIONS_CHAT,
	OPTIONS_SERVE,
};

/* trust points into itself, so this is not to be copied. */
struct options {
	enum options_command command;
	struct http_server gateway; /* url is NULL where a file is read */
	struct trust trust;

	/* verify */
	const char *file; /* or NULL */
	uint64_t now;	  /* 0: the clock's */
	bool json;

	/* chat */
	const char *once;	 /* or NULL */
	const char *system_text; /* or NULL */
	uint32_t tokens_max;	 /* 0: the node's */

	/* chat and serve */
	const char *receipts; /* a folder to keep them in, or NULL */

	/* serve */
	const char *address;
	uint16_t port;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_HELP,  /* was asked for and printed */
	OPTIONS_USAGE, /* were wrong; why is on standard error */
};

/* Read the command line; texts stay the command line's own. */
enum options_verdict options_parse(int count, char **arguments,
				   struct options *out);

#endif
