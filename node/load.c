/* SPDX-License-Identifier: Apache-2.0 */
#include "node/load.h"

#include <stdlib.h>
#include <string.h>

/* The services whose health can be asked for; all stand and fall together. */
static const char *const names[] = { "", "pcc.node.v1.Node" };

enum subject {
	LOAD,
	HEALTH
};

struct watcher {
	struct watcher *next;
	struct server_call *call;
	enum subject subject;
	bool is_known;	/* HEALTH: the service asked for is ours */
	bool is_behind; /* it was not reading when there was news */
	struct load_state told;
};

static struct {
	struct load_state now;
	uint64_t told_ms;
	struct watcher *watchers;
	uint8_t decoded[4096] __attribute__((aligned(ARENA_ALIGNMENT)));
} state = { .now.health = HEALTH_NOT_SERVING };

static bool is_known(struct bytes service)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_equal(service, bytes_of_string(names[i])))
			return true;
	return false;
}

static void refuse(struct server_call *call)
{
	server_finish(call, GRPC_STATUS_INVALID_ARGUMENT,
		      "message does not parse", 0);
}

static void tell(struct watcher *watcher)
{
	uint8_t bytes[64];
	struct writer out = WRITER_OVER(bytes);
	enum health_state health =
		watcher->is_known ? state.now.health : HEALTH_SERVICE_UNKNOWN;
	enum err err;

	watcher->told = state.now;
	err = watcher->subject == LOAD ? rpc_load_encode(&state.now.load, &out)
				       : health_response_encode(health, &out);
	if (err == ERR_OK)
		err = server_send(watcher->call, bytes_written(&out));
	watcher->is_behind = err != ERR_OK;
}

static void watch(struct server_call *call, enum subject subject, bool known)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (watcher == NULL) {
		server_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
			      "too many watch", 0);
		return;
	}
	watcher->call = call;
	watcher->subject = subject;
	watcher->is_known = known;
	watcher->next = state.watchers;
	state.watchers = watcher;
	server_set_state(call, watcher);
	tell(watcher);
}

static void on_watch_load(struct server_call *call, struct bytes message)
{
	struct arena arena = { .base = state.decoded,
			       .size = sizeof(state.decoded) };

	memset(state.decoded, 0, sizeof(state.decoded));
	if (rpc_watch_request_parse(message, &arena) != ERR_OK)
		refuse(call);
	else
		watch(call, LOAD, true);
}

static void on_health_watch(struct server_call *call, struct bytes message)
{
	struct bytes service;

	if (health_request_parse(message, &service) != ERR_OK)
		refuse(call);
	else
		watch(call, HEALTH, is_known(service));
}

static void on_health_check(struct server_call *call, struct bytes message)
{
	uint8_t bytes[16];
	struct writer out = WRITER_OVER(bytes);
	struct bytes service;

	if (health_request_parse(message, &service) != ERR_OK) {
		refuse(call);
		return;
	}
	if (!is_known(service)) {
		server_finish(call, GRPC_STATUS_NOT_FOUND, "no such service",
			      0);
		return;
	}
	if (health_response_encode(state.now.health, &out) == ERR_OK &&
	    server_send(call, bytes_written(&out)) == ERR_OK)
		server_finish(call, GRPC_STATUS_OK, "", 0);
}

static void on_half_closed(struct server_call *call)
{
	server_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "no message came", 0);
}

static void on_closed(struct server_call *call, enum server_end how)
{
	struct watcher *watcher = server_state(call);
	struct watcher **link = &state.watchers;

	(void)how;
	if (watcher == NULL)
		return;
	while (*link != watcher)
		link = &(*link)->next;
	*link = watcher->next;
	free(watcher);
}

const struct server_service load_watch_service = {
	.method = "/pcc.node.v1.Node/WatchLoad",
	.opened = server_receive,
	.received = on_watch_load,
	.half_closed = on_half_closed,
	.closed = on_closed,
};

const struct server_service load_health_check_service = {
	.method = "/grpc.health.v1.Health/Check",
	.opened = server_receive,
	.received = on_health_check,
	.half_closed = on_half_closed,
};

const struct server_service load_health_watch_service = {
	.method = "/grpc.health.v1.Health/Watch",
	.opened = server_receive,
	.received = on_health_watch,
	.half_closed = on_half_closed,
	.closed = on_closed,
};

static bool has_news(const struct watcher *watcher)
{
	const struct rpc_load *a = &watcher->told.load;
	const struct rpc_load *b = &state.now.load;

	if (watcher->is_behind)
		return true;
	if (watcher->subject == HEALTH)
		return watcher->told.health != state.now.health;
	return a->capacity != b->capacity || a->running != b->running ||
	       a->queued != b->queued || a->draining != b->draining ||
	       a->offer != b->offer;
}

void load_update(const struct load_state *now, uint64_t now_ms)
{
	state.now = *now;
	if (now_ms - state.told_ms < LOAD_INTERVAL_MS)
		return;
	state.told_ms = now_ms;
	for (struct watcher *w = state.watchers; w != NULL; w = w->next)
		if (has_news(w))
			tell(w);
}
