/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serve_stream.h"

#include <stdlib.h>

#include "node/clock.h"

/* A failure before there was a key to speak under, as the caller sees it. */
static const struct {
	grpc_status_code status;
	const char *text;
} failures[FAILURE_MAX] = {
	[FAILURE_NONE] = { GRPC_STATUS_INTERNAL, "internal error" },
	[FAILURE_MALFORMED] = { GRPC_STATUS_INVALID_ARGUMENT,
				"request cannot be opened" },
	[FAILURE_KEY_UNKNOWN] = { GRPC_STATUS_UNAUTHENTICATED,
				  "key identifier unknown" },
	[FAILURE_REPLAYED] = { GRPC_STATUS_ALREADY_EXISTS,
			       "request was seen before" },
	[FAILURE_FULL] = { GRPC_STATUS_RESOURCE_EXHAUSTED,
			   "key has served all it may" },
	[FAILURE_UNSUPPORTED] = { GRPC_STATUS_INVALID_ARGUMENT,
				  "suite is not offered" },
	[FAILURE_INTERNAL] = { GRPC_STATUS_UNAVAILABLE,
			       "node is being repaired" },
};

static struct {
	struct pool *pool;
	struct serve_stream *first;
	uint8_t encoded[LIMIT_MESSAGE_BYTES + 256];
} streams;

void serve_stream_init(struct pool *pool)
{
	streams.pool = pool;
}

struct serve_stream *serve_stream_first(void)
{
	return streams.first;
}

static void let_go(struct serve_stream *stream)
{
	if (stream->worker != NULL)
		pool_kill(streams.pool, stream->worker);
	stream->worker = NULL;
	stream->is_waiting = false;
	stream->state = SERVE_STREAM_OVER;
	stream->over_ms = clock_now_ms();
}

static void log_outcome(const struct serve_stream *stream,
			enum event_outcome outcome)
{
	EVENTS_LOG(EVENT_REQUEST_DONE, outcome,
		   clock_now_ms() - stream->opened_ms, stream->frames);
}

struct serve_stream *serve_stream_open(struct server_call *call)
{
	struct serve_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->call = call;
	stream->opened_ms = clock_now_ms();
	stream->heard_ms = stream->opened_ms;
	stream->next = streams.first;
	streams.first = stream;
	server_set_state(call, stream);
	return stream;
}

void serve_stream_close(struct serve_stream *stream, enum event_outcome outcome)
{
	struct serve_stream **link = &streams.first;

	if (stream->state != SERVE_STREAM_OVER)
		log_outcome(stream, outcome);
	let_go(stream);
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	mailbox_close(&stream->box);
	free(stream);
}

enum err serve_stream_send(struct serve_stream *stream,
			   const struct rpc_serve_response *response)
{
	struct writer out = WRITER_OVER(streams.encoded);

	TRY(rpc_serve_response_encode(response, &out));
	return server_send(stream->call, bytes_written(&out));
}

void serve_stream_leave_worker(struct serve_stream *stream)
{
	if (stream->worker != NULL)
		pool_leave(stream->worker);
	stream->worker = NULL;
}

static void end(struct serve_stream *stream, grpc_status_code status,
		const char *text)
{
	let_go(stream);
	server_abort(stream->call, status, text);
}

void serve_stream_refuse(struct serve_stream *stream, enum event_reason reason,
			 grpc_status_code status, const char *text)
{
	EVENTS_LOG(EVENT_REQUEST_REFUSED, reason);
	end(stream, status, text);
}

void serve_stream_put_off(struct serve_stream *stream, enum event_reason reason,
			  grpc_status_code status, const char *text)
{
	EVENTS_LOG(EVENT_REQUEST_REFUSED, reason);
	let_go(stream);
	server_finish(stream->call, status, text, RETRY_DELAY_MS);
}

void serve_stream_overload(struct serve_stream *stream)
{
	serve_stream_put_off(stream, EVENT_REASON_OVERLOAD,
			     GRPC_STATUS_RESOURCE_EXHAUSTED, "node is busy");
}

void serve_stream_break(struct serve_stream *stream, enum event_outcome outcome,
			grpc_status_code status, const char *text)
{
	log_outcome(stream, outcome);
	end(stream, status, text);
}

void serve_stream_lose(struct serve_stream *stream)
{
	serve_stream_break(stream, EVENT_OUTCOME_LOST, GRPC_STATUS_UNAVAILABLE,
			   "worker ended early");
}

void serve_stream_fail(struct serve_stream *stream, uint64_t number)
{
	enum failure failure = FAILURE_INTERNAL;

	if (number > FAILURE_NONE && number < FAILURE_MAX)
		failure = (enum failure)number;
	serve_stream_leave_worker(stream);
	serve_stream_break(stream, EVENT_OUTCOME_REFUSED,
			   failures[failure].status, failures[failure].text);
}

void serve_stream_finish(struct serve_stream *stream)
{
	serve_stream_leave_worker(stream);
	let_go(stream);
	stream->tail = server_backlog(stream->call) * stream->frame_most;
	log_outcome(stream, EVENT_OUTCOME_ANSWERED);
	server_finish(stream->call, GRPC_STATUS_OK, "", 0);
}
