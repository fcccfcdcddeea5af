/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: OpenAI's API on this machine's loopback, answered by verified nodes.
 *
 *     POST /v1/chat/completions, /v1/completions    streamed or whole
 *     GET  /v1/models, /v1/models/{name}
 *
 * Any OpenAI client works against it unchanged; its API key is ignored and goes
 * nowhere.  Every request is sealed, models included.  A streamed answer is
 * passed on event by event without the node's padding; a whole one is held back
 * until its end is authentic.  A stream that is cut ends with an error event
 * and a connection that ends without its last chunk.
 */
#ifndef CLIENT_SERVE_H
#define CLIENT_SERVE_H

#include "client/session.h"

struct serve;

/* Listen on a loopback address.  ERR_DENIED for any other. */
MUST_CHECK enum err serve_open(struct session *session, const char *address,
			       uint16_t port, struct serve **out);

uint16_t serve_port(const struct serve *serve);

/* Leave every request under way, and free. */
void serve_close(struct serve *serve);

#endif
