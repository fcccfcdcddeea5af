/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door: the port of the gateway, and a thread that lets clients in.
 *
 * The HTTP library accepts one client each time it has looked at all others;
 * here whoever waits at the port is taken at once, so that a crowd before the
 * door is not what a client waits for.
 */
#ifndef GATEWAY_DOOR_H
#define GATEWAY_DOOR_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct door;

struct door_options {
	const char *address; /* an IPv4 or IPv6 address in digits */
	uint16_t port;	     /* 0: any */
	/* Called for each client, from the door's thread; takes the socket,
	   and may take its time: then others wait. */
	void (*enter)(void *context, int socket, const struct sockaddr *from,
		      socklen_t len);
	void *context;
};

/* Listen.  ERR_MALFORMED for an address, ERR_UNAVAILABLE else. */
MUST_CHECK enum err door_open(const struct door_options *options,
			      struct door **out);

/* The port it listens on. */
uint16_t door_port(const struct door *door);

/* Let nobody in any more; `enter` is not called after this. */
void door_shut(struct door *door);

/* The same, and free. */
void door_close(struct door *door);

#endif
