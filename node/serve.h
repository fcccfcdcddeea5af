/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: the method pcc.node.v1.Node/Serve, one stream a request.
 *
 *     caller   setup ─▶      chunk ... chunk(last) ─▶
 *     state    SETUP ──────▶ UPLOAD ───────────────▶ ANSWER ──▶ OVER
 *     node      ◀─ setup_ack                ◀─ chunk ... chunk(last)
 *
 * Bytes go through as they are: the front can open none of them.  A worker is
 * taken when a request is here whole, or 64 KiB of it; where none is idle, the
 * request waits its turn.
 *
 * In the shape "paced" one frame is pulled from the worker at each tick, and
 * leaves at the next; so size and time of every frame come from the policy, and
 * the front drops a worker that would have it otherwise.  In the other shapes
 * the worker is asked once for all it has.
 *
 * Everything here runs under the server's lock.
 */
#ifndef NODE_SERVE_H
#define NODE_SERVE_H

#include "node/pool.h"
#include "node/server.h"
#include "policy/policy.h"

struct serve_options {
	const struct policy *policy;
	struct pool *pool;
};

/* The one row of the server's table. */
extern const struct server_service serve_service;

void serve_init(const struct serve_options *options);

/* The identity that clients choose a node by, and the key on offer. */
void serve_identify(const uint8_t node_id[static 32], uint8_t key_id);

/* Refuse what comes from now on; what runs goes on. */
void serve_drain(void);

/* A tick of the shape's clock, at this time. */
void serve_tick(uint64_t now_ms);

/* A worker became idle: the longest waiting request gets it. */
void serve_worker_ready(void);

/* There is something to read from this worker, or its channel ended. */
void serve_worker_readable(struct pool_worker *worker);

/* Whether its caller keeps up, so that more may be read from the worker. */
bool serve_wants_reading(const struct pool_worker *worker);

/* The zygote is gone, and every request that runs with it. */
void serve_lose_all(void);

/* Streams that are open, waiting ones included; and those that wait. */
size_t serve_open_count(void);
size_t serve_queued_count(void);

#endif
