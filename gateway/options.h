/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line of pcc-gateway.
 */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "gateway/nodes.h"

struct options {
	const char *address;
	uint16_t port;
	unsigned connections_max;
	unsigned drain_s;
	const char *targets[NODES_MAX];
	size_t target_count;
	const char *ca_file; /* PEM files of mutual TLS, or NULL */
	const char *certificate_file;
	const char *key_file;
	const char *trust_file;	       /* or NULL: no bundle is judged */
	const char *collateral_folder; /* or NULL */
	const char *tls_name;	       /* or NULL: the target's own */
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_HELP,  /* was asked for and printed */
	OPTIONS_USAGE, /* were wrong; why is on standard error */
};

/* Read the command line; texts stay the command line's own. */
enum options_verdict options_parse(int count, char *const *arguments,
				   struct options *out);

#endif
