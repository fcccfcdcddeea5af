/* SPDX-License-Identifier: Apache-2.0 */
#include "node/front.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "node/attestation.h"
#include "node/clock.h"
#include "node/listener.h"
#include "node/load.h"
#include "node/reflection.h"
#include "node/role.h"
#include "node/serve.h"
#include "node/setup.h"
#include "policy/events.h"
#include "policy/limits.h"
#include "sandbox/priority.h"

#define LOAD_LOG_MS 60000

enum place {
	CONTROL,
	LISTENER,
	ZYGOTE,
	KEEPER,
	FIRST_WORKER,
	PLACES = 4 + LIMIT_WORKERS
};

/*
 * Two threads of its own, beside gRPC's:
 *
 *   pacing    the first one: sleeps until a tick is due, and does what is due.
 *             It has real-time priority where that is permitted, so it waits
 *             for nobody, and takes one packet a stream of workers at most.
 *             What it sends may make it run what gRPC has to do by then, for
 *             its callers, which are gateways: how long at a stretch is
 *             bounded (sandbox/priority.h)
 *   hearing   waits for all peers, and passes on what they say
 *
 * All that they share is under the server's lock.
 */
struct front {
	struct setup setup;
	struct pool pool;
	int keeper;
	bool is_draining;
	bool has_told_drained;
	uint64_t drain_since_ms;
	uint64_t load_logged_ms;
	bool is_full; /* no connection can be accepted until the next tick */
	uint64_t next_tick_ns;
	struct pollfd peers[PLACES];
	struct channel_packet packet;
};

/* Without zygote or keeper nothing that runs can end well. */
static void lose_zygote(struct front *front)
{
	serve_lose_all();
	pool_attach(&front->pool, -1);
}

static void lose_keeper(struct front *front)
{
	fd_close(&front->keeper);
	attestation_attach(-1);
}

static void ask_for_link(enum jail_role peer)
{
	if (setup_tell_unlinked(peer) != ERR_OK)
		exit(EXIT_FAILURE);
}

static void link_to(struct front *front, enum jail_role peer, int channel)
{
	if (peer == JAIL_ZYGOTE) {
		lose_zygote(front);
		pool_attach(&front->pool, channel);
	} else {
		lose_keeper(front);
		front->keeper = channel;
		attestation_attach(channel);
	}
}

static enum err hear_supervisor(struct front *front)
{
	struct message message;
	int passed;

	TRY(setup_hear(&front->packet, &message, &passed));
	if (message.kind == MESSAGE_PULSE) {
		return ERR_OK;
	} else if (message.kind == MESSAGE_LINK) {
		link_to(front, (enum jail_role)message.number[0], passed);
	} else if (message.kind == MESSAGE_DRAIN) {
		front->is_draining = true;
		front->drain_since_ms = clock_now_ms();
		EVENTS_LOG(EVENT_DRAIN_STARTED, serve_open_count());
		serve_drain();
	} else {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err hear_zygote(struct front *front)
{
	struct message message;
	int passed;

	TRY(channel_receive(front->pool.zygote, &front->packet, &message,
			    &passed));
	if (message.kind == MESSAGE_WORKER_READY) {
		enum err err = pool_ready(&front->pool, message.number[0],
					  message.number[1], passed);

		if (err != ERR_OK) {
			fd_close(&passed);
			return err;
		}
		serve_worker_ready();
		return ERR_OK;
	}
	if (message.kind == MESSAGE_WORKER_ENDED)
		return pool_ended(&front->pool, message.number[0],
				  message.number[1]);
	fd_close(&passed);
	return ERR_MALFORMED;
}

static enum err hear_keeper(struct front *front)
{
	struct message message;
	int passed;

	TRY(channel_receive(front->keeper, &front->packet, &message, &passed));
	if (message.kind == MESSAGE_UNPROVEN) {
		attestation_unproven(message.number[0]);
		return ERR_OK;
	}
	if (message.kind != MESSAGE_BUNDLE) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	return attestation_bundle(&message);
}

static void hear_worker(struct front *front, struct pool_worker *worker)
{
	struct message message;
	int passed;

	if (worker->state == POOL_TAKEN) {
		serve_worker_readable(worker);
		/* An idle worker has nothing to say but, by its end, that it ended;
	   what poll saw may also have been its predecessor. */
	} else if (worker->state == POOL_IDLE &&
		   channel_receive(worker->channel, &front->packet, &message,
				   &passed) != ERR_UNAVAILABLE) {
		pool_leave(worker);
	}
}

/*
 * Where descriptors have run out, the next connection waits in the kernel, and
 * this loop does not ask for it again before the next tick.
 */
static void accept_connection(struct front *front)
{
	int connection = accept4(front->setup.listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection >= 0) {
		server_adopt(connection);
		return;
	}
	server_lock();
	front->is_full = true;
	server_unlock();
}

static void hear(struct front *front, size_t place)
{
	if (place == CONTROL && hear_supervisor(front) != ERR_OK)
		exit(EXIT_FAILURE);
	if (place == ZYGOTE && front->pool.zygote >= 0 &&
	    hear_zygote(front) != ERR_OK) {
		lose_zygote(front);
		ask_for_link(JAIL_ZYGOTE);
	}
	if (place == KEEPER && front->keeper >= 0 &&
	    hear_keeper(front) != ERR_OK) {
		lose_keeper(front);
		ask_for_link(JAIL_KEEPER);
	}
	if (place >= FIRST_WORKER)
		hear_worker(front, &front->pool.workers[place - FIRST_WORKER]);
}

static void hear_all(struct front *front)
{
	/* The supervisor may put a new channel in the place of one that poll
	   has just spoken of: so it is heard alone. */
	if (front->peers[CONTROL].revents != 0) {
		hear(front, CONTROL);
		return;
	}
	for (size_t i = 0; i < PLACES; i++)
		if (front->peers[i].fd >= 0 && front->peers[i].revents != 0)
			hear(front, i);
}

static void watch(struct pollfd *peer, int fd)
{
	peer->fd = fd;
	peer->events = POLLIN;
	peer->revents = 0;
}

static void watch_all(struct front *front)
{
	watch(&front->peers[CONTROL], SETUP_CONTROL_FD);
	watch(&front->peers[LISTENER],
	      front->is_full ? -1 : front->setup.listener);
	watch(&front->peers[ZYGOTE], front->pool.zygote);
	watch(&front->peers[KEEPER], front->keeper);
	for (size_t i = 0; i < front->pool.capacity; i++) {
		const struct pool_worker *worker = &front->pool.workers[i];
		bool held_back = worker->state == POOL_TAKEN &&
				 !serve_wants_reading(worker);

		watch(&front->peers[FIRST_WORKER + i],
		      held_back ? -1 : worker->channel);
	}
}

/* Once a minute, where there is something to tell. */
static void log_load(struct front *front, const struct rpc_load *load,
		     uint64_t now)
{
	if (now - front->load_logged_ms < LOAD_LOG_MS)
		return;
	front->load_logged_ms = now;
	if (load->running + load->queued > 0)
		EVENTS_LOG(EVENT_LOAD, load->running, load->queued);
}

static void tick(struct front *front, uint64_t now)
{
	struct load_state state = {
		.load = { .capacity = (uint32_t)front->pool.capacity,
			  .running = (uint32_t)pool_running(&front->pool),
			  .queued = (uint32_t)serve_queued_count(),
			  .draining = front->is_draining,
			  .offer = attestation_offer() },
		.health = HEALTH_NOT_SERVING,
	};

	if (front->pool.zygote >= 0 && front->keeper >= 0 &&
	    !front->is_draining)
		state.health = HEALTH_SERVING;
	pool_tick(&front->pool);
	if (front->pool.is_deaf) {
		lose_zygote(front);
		ask_for_link(JAIL_ZYGOTE);
	}
	serve_tick(now);
	load_update(&state, now);
	log_load(front, &state.load, now);
	if (front->is_draining && !front->has_told_drained &&
	    serve_open_count() == 0) {
		front->has_told_drained = true;
		EVENTS_LOG(EVENT_DRAIN_DONE, now - front->drain_since_ms);
		if (channel_tell(SETUP_CONTROL_FD, MESSAGE_DRAINED) != ERR_OK)
			exit(EXIT_FAILURE);
	}
}

static uint64_t tick_ns(const struct front *front)
{
	return front->setup.policy.tick_ms * UINT64_C(1000000);
}

/*
 * The clock of the shape: ticks keep their distance from the first, so that a
 * late one does not move those after it.  Those that should have been by now
 * are left out, so that there is a wait whatever happens.
 */
static void wait_for_tick(struct front *front)
{
	uint64_t step = tick_ns(front);
	uint64_t now = clock_now_ns();

	if (now >= front->next_tick_ns) {
		uint64_t missed = (now - front->next_tick_ns) / step + 1;

		EVENTS_LOG(EVENT_TICKS_MISSED, missed);
		front->next_tick_ns += missed * step;
	}
	clock_wait_until_ns(front->next_tick_ns);
	front->next_tick_ns += step;
}

static _Noreturn void pace(struct front *front)
{
	front->next_tick_ns = clock_now_ns() + tick_ns(front);
	for (;;) {
		wait_for_tick(front);
		server_lock();
		front->is_full = false;
		tick(front, clock_now_ms());
		server_unlock();
	}
}

/* After a tick there may be others to watch: so it looks again at each. */
static void *hear_peers(void *argument)
{
	struct front *front = argument;

	for (;;) {
		server_lock();
		watch_all(front);
		server_unlock();
		if (poll(front->peers, PLACES,
			 (int)front->setup.policy.tick_ms) < 0)
			continue;
		if ((front->peers[LISTENER].revents & POLLIN) != 0)
			accept_connection(front);
		server_lock();
		hear_all(front);
		server_unlock();
	}
	return NULL;
}

static void start_hearing(struct front *front)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hear_peers, front) != 0)
		die("no threads");
	pthread_detach(thread);
}

static void start_server(struct front *front)
{
	static const struct server_service *const parts[] = {
		&serve_service,
		&attestation_service,
		&load_watch_service,
		&load_health_check_service,
		&load_health_watch_service,
		&reflection_service,
		&reflection_alpha_service,
	};
	static struct server_service services[sizeof(parts) / sizeof(parts[0])];
	struct server_options options = {
		.services = services,
		.service_count = sizeof(parts) / sizeof(parts[0]),
		.tls_address = front->setup.tls_address,
		.pem_roots = front->setup.pem[SETUP_PEM_CLIENT_ROOTS],
		.pem_certificate = front->setup.pem[SETUP_PEM_CERTIFICATE],
		.pem_key = front->setup.pem[SETUP_PEM_KEY],
	};
	uint16_t port;

	for (size_t i = 0; i < options.service_count; i++)
		services[i] = *parts[i];
	if (server_start(&options, &port) != ERR_OK)
		die("cannot listen on the TLS address");
	setup_forget_key(&front->setup);
	if (server_run() != ERR_OK)
		die("no threads");
	/* The core's threads and its TLS port exist before the filter, since
	   making them takes calls that it forbids; what was isolated before
	   them holds for them too. */
	role_close_jail(JAIL_FRONT);
	if (setup_tell_ready(port) != ERR_OK)
		exit(EXIT_FAILURE);
}

_Noreturn void front_run(void)
{
	static struct front front = { .keeper = -1 };
	bool is_real_time = priority_is_risen();

	if (setup_receive(&front.setup) != ERR_OK)
		die("set-up is not what it should be");
	role_isolate_keeping(JAIL_FRONT, front.setup.listener,
			     listener_port(front.setup.tls_address));
	pool_init(&front.pool, front.setup.policy.workers);
	serve_init(&(struct serve_options){ &front.setup.policy, &front.pool });
	start_server(&front);
	EVENTS_LOG(EVENT_PACING, is_real_time ? EVENT_PRIORITY_REAL_TIME
					      : EVENT_PRIORITY_USUAL);
	start_hearing(&front);
	pace(&front);
}
