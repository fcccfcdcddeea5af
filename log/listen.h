/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: a small HTTP server: one thread, one request at a time, whole bodies.
 */
#ifndef LOG_LISTEN_H
#define LOG_LISTEN_H

#include "log/options.h"

struct listen_request {
	const char *method;
	const char *path;
	struct bytes body;
};

struct listen_answer {
	unsigned status;
	const char *type;   /* media type; static */
	const char *cache;  /* Cache-Control; static */
	struct writer body; /* from malloc, taken over; or of no memory */
};

struct listen_handler {
	size_t body_max; /* a longer one is answered 413 */
	void (*answer)(void *context, const struct listen_request *request,
		       struct listen_answer *out);
	void *context;
};

#define LISTEN_OPTIONS \
	(OPTIONS_BIT(OPTIONS_ADDRESS) | OPTIONS_BIT(OPTIONS_PORT))
#define LISTEN_HELP                                                    \
	"  --address ADDRESS where to listen (127.0.0.1)\n"            \
	"  --port PORT       0: any (0); a line tells which, when it " \
	"serves\n"

/*
 * Serve where the options say until SIGTERM or SIGINT; an exit code.  Prints
 * "pcc-log: listening on http://ADDRESS:PORT" once it serves.
 */
int listen_run(const struct options *options,
	       const struct listen_handler *handler);

#endif
