/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: one WatchLoad stream of a node, listened to by one thread.
 */
#ifndef GATEWAY_LOAD_H
#define GATEWAY_LOAD_H

#include "gateway/dial.h"
#include "wire/rpc.h"

struct load;

/* Begin to listen.  Nothing is waited for. */
struct load *load_open(grpc_channel *channel);

/* Stop listening and free. */
void load_close(struct load *load);

enum load_event {
	LOAD_QUIET, /* nothing came in this time */
	LOAD_NEWS,  /* *out is filled */
	LOAD_ENDED, /* the node ended the stream, went away or is broken */
};

/* Wait at most so long for the next event; *out changes with NEWS alone. */
enum load_event load_wait(struct load *load, int64_t timeout_ms,
			  struct rpc_load *out);

#endif
