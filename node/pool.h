/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: the workers that the front can give a request to.
 *
 * The zygote announces each worker with a channel; the front takes one for a
 * request and never gives it back: it dies with the request, and the zygote
 * says when its slot is free.  All under the server's lock.
 */
#ifndef NODE_POOL_H
#define NODE_POOL_H

#include "base/bytes.h"
#include "policy/limits.h"

enum pool_state {
	POOL_ABSENT, /* no worker in this slot */
	POOL_IDLE,   /* one waits */
	POOL_TAKEN,  /* one has a request */
	POOL_ENDING, /* its request is over; the zygote has not reaped it yet */
};

struct pool_worker {
	enum pool_state state;
	uint64_t slot;
	uint64_t generation;
	int channel;	       /* does not block; -1 when absent or ending */
	void *user;	       /* who took it */
	uint64_t waits;	       /* idle: how often another could be taken */
	unsigned ending_ticks; /* how long it has been ending */

	/* The slot's next worker, which the zygote may announce while there is
	   still something to read from this one; -1: none yet. */
	int next_channel;
	uint64_t next_generation;
};

struct pool {
	int zygote;   /* channel; -1: there is none */
	bool is_deaf; /* the zygote does not read: attach another */
	size_t capacity;
	struct pool_worker workers[LIMIT_WORKERS];
};

void pool_init(struct pool *pool, size_t capacity);

/*
 * A new zygote, or with -1 none: the workers of the last one are no more, and
 * none of them may still be taken.
 */
void pool_attach(struct pool *pool, int zygote);

/* The zygote's news.  ERR_MALFORMED: it breaks the rules.  Takes channel. */
MUST_CHECK enum err pool_ready(struct pool *pool, uint64_t slot,
			       uint64_t generation, int channel);
MUST_CHECK enum err pool_ended(struct pool *pool, uint64_t slot,
			       uint64_t generation);

/*
 * An idle worker, now taken by user; NULL when there is none.  It is the one
 * that has waited longest: one that was forked just now may not be ready yet.
 */
struct pool_worker *pool_take(struct pool *pool, void *user);

/*
 * The request is over: the worker ends by itself.  The slot is idle at once
 * where its next worker has been announced already.
 */
void pool_leave(struct pool_worker *worker);

/* The request is over before its time: the worker is killed. */
void pool_kill(struct pool *pool, struct pool_worker *worker);

/*
 * Once a tick: a worker that was to end by itself and has not is killed, so
 * that one that was taken over outlives its request by POOL_ENDING_TICKS.
 */
#define POOL_ENDING_TICKS 40
void pool_tick(struct pool *pool);

size_t pool_running(const struct pool *pool);

#endif
