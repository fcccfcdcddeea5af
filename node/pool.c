/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pool.h"

#include <fcntl.h>

#include "base/fd.h"
#include "node/channel.h"

void pool_init(struct pool *pool, size_t capacity)
{
	invariant(capacity <= LIMIT_WORKERS);
	*pool = (struct pool){ .zygote = -1, .capacity = capacity };
	for (size_t i = 0; i < capacity; i++) {
		pool->workers[i] = (struct pool_worker){
			.slot = i,
			.channel = -1,
			.next_channel = -1,
		};
	}
}

void pool_attach(struct pool *pool, int zygote)
{
	fd_close(&pool->zygote);
	pool->zygote = zygote;
	pool->is_deaf = false;
	for (size_t i = 0; i < pool->capacity; i++) {
		struct pool_worker *worker = &pool->workers[i];

		invariant(worker->state != POOL_TAKEN);
		fd_close(&worker->channel);
		fd_close(&worker->next_channel);
		worker->state = POOL_ABSENT;
	}
}

static void make_idle(struct pool_worker *worker, uint64_t generation,
		      int channel)
{
	worker->state = POOL_IDLE;
	worker->waits = 0;
	worker->generation = generation;
	worker->channel = channel;
}

enum err pool_ready(struct pool *pool, uint64_t slot, uint64_t generation,
		    int channel)
{
	struct pool_worker *worker;

	if (slot >= pool->capacity || fcntl(channel, F_SETFL, O_NONBLOCK) != 0)
		return ERR_MALFORMED;
	worker = &pool->workers[slot];
	if (worker->state == POOL_IDLE || worker->next_channel >= 0)
		return ERR_MALFORMED;
	if (worker->state == POOL_TAKEN) {
		worker->next_channel = channel;
		worker->next_generation = generation;
		return ERR_OK;
	}
	make_idle(worker, generation, channel);
	return ERR_OK;
}

enum err pool_ended(struct pool *pool, uint64_t slot, uint64_t generation)
{
	struct pool_worker *worker;

	if (slot >= pool->capacity)
		return ERR_MALFORMED;
	worker = &pool->workers[slot];
	if (worker->next_channel >= 0 &&
	    worker->next_generation == generation) {
		fd_close(&worker->next_channel);
		return ERR_OK;
	}
	/* A taken one may have left its last frame in the channel: that is
	   read to its end before the worker is forgotten. */
	if (worker->generation != generation || worker->state == POOL_TAKEN)
		return ERR_OK;
	fd_close(&worker->channel);
	worker->state = POOL_ABSENT;
	return ERR_OK;
}

static void tell_zygote(struct pool *pool, enum message_kind kind,
			const struct pool_worker *worker)
{
	struct message message = {
		.kind = kind,
		.number = { worker->slot, worker->generation },
	};

	/* One that does not hear has ended, or is no use: the front's main
	   thread, which owns the channel, sees to it. */
	if (pool->zygote >= 0 &&
	    channel_send(pool->zygote, &message, -1) != ERR_OK)
		pool->is_deaf = true;
}

struct pool_worker *pool_take(struct pool *pool, void *user)
{
	struct pool_worker *longest = NULL;

	for (size_t i = 0; i < pool->capacity; i++) {
		struct pool_worker *worker = &pool->workers[i];

		if (worker->state != POOL_IDLE)
			continue;
		worker->waits++;
		if (longest == NULL || worker->waits > longest->waits)
			longest = worker;
	}
	if (longest == NULL)
		return NULL;
	longest->state = POOL_TAKEN;
	longest->user = user;
	tell_zygote(pool, MESSAGE_WORKER_TAKEN, longest);
	return longest;
}

void pool_leave(struct pool_worker *worker)
{
	fd_close(&worker->channel);
	worker->user = NULL;
	worker->state = POOL_ENDING;
	worker->ending_ticks = 0;
	if (worker->next_channel < 0)
		return;
	make_idle(worker, worker->next_generation, worker->next_channel);
	worker->next_channel = -1;
}

void pool_kill(struct pool *pool, struct pool_worker *worker)
{
	tell_zygote(pool, MESSAGE_WORKER_KILL, worker);
	pool_leave(worker);
}

void pool_tick(struct pool *pool)
{
	for (size_t i = 0; i < pool->capacity; i++) {
		struct pool_worker *worker = &pool->workers[i];

		if (worker->state == POOL_ENDING &&
		    ++worker->ending_ticks == POOL_ENDING_TICKS)
			tell_zygote(pool, MESSAGE_WORKER_KILL, worker);
	}
}

size_t pool_running(const struct pool *pool)
{
	size_t running = 0;

	for (size_t i = 0; i < pool->capacity; i++)
		running += pool->workers[i].state == POOL_TAKEN;
	return running;
}
