/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: one HTTP exchange with a server, pulled piece by piece.
 *
 * Nothing happens but inside http_next(), in the caller's thread; so leaving
 * the exchange is http_close(), and the server sees the connection end.
 * Redirects, proxies from the environment and other schemes than http and https
 * are refused.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/bytes.h"

struct http;

/* A server.  Texts are borrowed for as long as exchanges are open. */
struct http_server {
	const char *url; /* "http://host:port", without a slash at the end */
	const char *ca_file; /* PEM of who signs it, or NULL for the system's */
};

struct http_request {
	const char *path; /* with its leading slash */
	/* POST alone: */
	struct bytes body;	   /* borrowed while the exchange is open */
	const char *const *header; /* lines "Name: value", ended by NULL */
	unsigned timeout_ms;	   /* 0: as long as a node's answer may take */
};

enum http_event {
	HTTP_DATA, /* bytes of the body */
	HTTP_END,  /* the body is complete */
	HTTP_FAILED,
};

/* Why it failed. */
enum http_failure {
	HTTP_FINE = 0,
	HTTP_UNREACHABLE, /* no connection, or no answer on it */
	HTTP_TIMED_OUT,	  /* before an answer */
	HTTP_CUT,	  /* in mid-answer */
	HTTP_LEFT,	  /* our own client went away */
	HTTP_TOO_LARGE,	  /* an answer of more than was wanted */
	HTTP_INTERNAL,	  /* no memory */
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
 * Wait for the next event.  *piece is a view until the next call.  *failure
 * tells why it failed.
 */
enum http_event http_next(struct http *http, struct bytes *piece,
			  enum http_failure *failure);

/* Once an event came that is no failure: the status, and the media type. */
long http_status(const struct http *http);
const char *http_media_type(const struct http *http); /* "" without one */

/*
 * The whole of a small exchange: the body of whatever answer comes is appended
 * to `out`, and *status is its status.
 */
enum http_failure http_exchange(const struct http_server *server,
				const struct http_request *request,
				struct writer *out, long *status);

/* The same for a GET of a path. */
enum http_failure http_get(const struct http_server *server, const char *path,
			   struct writer *out, long *status);

#endif
