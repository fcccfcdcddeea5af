/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge: the gateway's HTTP/1.1 side.
 *
 *     POST /, /.well-known/ohttp-gateway   message/ohttp-req, -chunked-req
 *     GET  /.well-known/ohttp-gateway      application/ohttp-keys (RFC 9540)
 *     GET  /v1/nodes                       bundles of all nodes, as JSON
 *     GET  /healthz                        200 while a node takes requests
 *
 * TLS, HTTP/2 and limits for an address belong to a web server before it.
 * Bounds on what clients can hold are in the table of constants in edge.c.
 */
#ifndef GATEWAY_EDGE_H
#define GATEWAY_EDGE_H

#include "gateway/nodes.h"

struct edge;

struct edge_options {
	const char *address;	   /* an IPv4 or IPv6 address in digits */
	uint16_t port;		   /* 0: any */
	unsigned connections_max;  /* at once; see guard.h for one more */
	const struct nodes *nodes; /* borrowed until edge_close() */
};

/* Listen and serve.  ERR_MALFORMED for an address, ERR_UNAVAILABLE else. */
MUST_CHECK enum err edge_open(const struct edge_options *options,
			      struct edge **out);

/* The most descriptors that clients of so many connections may take. */
unsigned edge_descriptors(unsigned connections_max);

/* The port it listens on. */
uint16_t edge_port(const struct edge *edge);

/* Take no new connections; those there go on. */
void edge_quiesce(struct edge *edge);

/* Requests under way. */
unsigned edge_running(const struct edge *edge);

/* Cut what still runs, and free. */
void edge_close(struct edge *edge);

#endif
