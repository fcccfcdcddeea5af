/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: the methods pcc.node.v1.Node/WatchLoad and grpc.health.v1.
 *
 * A watcher is told at once and then whenever what it watches has changed, at
 * most every LOAD_INTERVAL_MS.  Everything here runs under the server's lock.
 */
#ifndef NODE_LOAD_H
#define NODE_LOAD_H

#include "node/server.h"
#include "wire/health.h"
#include "wire/rpc.h"

#define LOAD_INTERVAL_MS 100

extern const struct server_service load_watch_service;
extern const struct server_service load_health_check_service;
extern const struct server_service load_health_watch_service;

/* How things stand now. */
struct load_state {
	struct rpc_load load;
	enum health_state health; /* SERVING or NOT_SERVING */
};

/* Tell those watchers for whom something changed, if it is time again. */
void load_update(const struct load_state *now, uint64_t now_ms);

#endif
