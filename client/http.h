/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: one HTTP exchange with the gateway, pulled piece by piece.
 *
 * Nothing happens but inside http_next(), in the caller's thread; so leaving
 * the exchange is http_close(), and the gateway sees the connection end.
 * Redirects, proxies from the environment and other schemes than http and https
 * are refused.
 */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include "base/bytes.h"
#include "client/trouble.h"

struct http;

/* The gateway.  Texts are borrowed for as long as exchanges are open. */
struct http_server {
	const char *url; /* "http://host:port", without a slash at the end */
	const char *ca_file; /* PEM of who signs it, or NULL for the system's */
};

struct http_request {
	const char *path; /* with its leading slash */
	/* POST alone: */
	struct bytes body;	   /* borrowed while the exchange is open */
	const char *const *header; /* lines "Name: value", ended by NULL */
};

enum http_event {
	HTTP_DATA, /* bytes of the body */
	HTTP_END,  /* the body is complete */
	HTTP_FAILED,
};

/* Once, before anything else here. */
void http_init(void);

/* Begin.  A request without header lines is a GET.  NULL: no memory. */
struct http *http_open(const struct http_server *server,
		       const struct http_request *request);

/* End and free, wherever it stands; NULL is allowed. */
void http_close(struct http *http);

/* Also watch this socket of our own client; http_next fails when it closes. */
void http_watch(struct http *http, int socket);

/*
 * Wait for the next event.  *piece is a view until the next call.  *trouble
 * tells why it failed: UNREACHABLE, TIMEOUT, CUT or LEFT.
 */
enum http_event http_next(struct http *http, struct bytes *piece,
			  enum trouble *trouble);

/* Once an event came that is no failure: the status, and the media type. */
long http_status(const struct http *http);
const char *http_media_type(const struct http *http); /* "" without one */

/* GET the whole of a small resource; its status must be 200. */
enum trouble http_get(const struct http_server *server, const char *path,
		      struct writer *out);

#endif
