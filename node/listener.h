/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener: the socket that a local gateway connects to.
 *
 * Made by the supervisor and handed to the front, so that the front needs no
 * right to bind anything, and a front that is replaced leaves nobody refused:
 * connections wait in the socket.
 */
#ifndef NODE_LISTENER_H
#define NODE_LISTENER_H

#include <stdint.h>

#include "base/err.h"

/*
 * Listen on unix:PATH (mode 0660; a socket that nobody listens on any more is
 * replaced) or on ADDRESS:PORT of the loopback, port 0 for any.  *port is 0
 * for a path.  ERR_DENIED for an address that others could reach, since that
 * takes mutual TLS, errno being as it was; and, with the reason in errno, for a
 * path that is no socket, or where somebody listens even two seconds later.
 */
MUST_CHECK enum err listener_open(const char *address, int *out,
				  uint16_t *port);

/* The port of HOST:PORT, which mutual TLS listens on; 0 where none is named. */
uint16_t listener_port(const char *address);

/* Remove the path of unix:PATH. */
void listener_remove(const char *address);

#endif
