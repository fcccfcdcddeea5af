/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "crypto/ohttp.h"
#include "node/channel.h"
#include "node/clock.h"
#include "policy/events.h"
#include "wire/rpc.h"

/* A caller that reads slower than this many frames is not given more yet. */
#define BACKLOG_MAX 16

enum state {
	SETUP,
	QUEUED,
	UPLOAD,
	ANSWER,
	OVER
};

/*
 * Invariant: worker is set in UPLOAD and ANSWER alone; a stream is in the list
 * from opened to closed.
 */
struct stream {
	struct stream *next;
	struct server_call *call;
	enum state state;
	enum ohttp_form form;
	struct pool_worker *worker;
	uint64_t opened_ms;
	uint64_t heard_ms; /* when the caller last sent something */
	uint64_t frames;
	bool is_pulling; /* a pull has not been answered yet */
	bool is_stuck;	 /* blocked holds what the worker did not take yet */
	struct message blocked;
	uint8_t blocked_body[LIMIT_MESSAGE_BYTES];
};

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
	struct serve_setup setup;
	struct stream *streams;
	uint8_t node_id[RPC_NODE_ID_BYTES];
	uint8_t key_id;
	bool is_identified;
	bool is_draining;
	struct channel_packet packet;
	uint8_t decoded[RPC_ARENA_FOR(LIMIT_MESSAGE_BYTES)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
	uint8_t encoded[LIMIT_MESSAGE_BYTES + 256];
} serve;

void serve_init(const struct serve_setup *setup)
{
	serve.setup = *setup;
}

void serve_identify(const uint8_t node_id[static 32], uint8_t key_id)
{
	memcpy(serve.node_id, node_id, sizeof(serve.node_id));
	serve.key_id = key_id;
	serve.is_identified = true;
}

void serve_drain(void)
{
	serve.is_draining = true;
}

size_t serve_open_count(void)
{
	size_t count = 0;

	for (const struct stream *s = serve.streams; s != NULL; s = s->next)
		count++;
	return count;
}

size_t serve_queued_count(void)
{
	size_t count = 0;

	for (const struct stream *s = serve.streams; s != NULL; s = s->next)
		count += s->state == QUEUED;
	return count;
}

static void let_worker_go(struct stream *stream)
{
	if (stream->worker == NULL)
		return;
	pool_kill(serve.setup.pool, stream->worker);
	stream->worker = NULL;
}

/* End a stream by a status; its worker, if it has one, is killed. */
static void end(struct stream *stream, grpc_status_code status,
		const char *text)
{
	let_worker_go(stream);
	stream->state = OVER;
	server_abort(stream->call, status, text);
}

static void refuse(struct stream *stream, enum event_reason reason,
		   grpc_status_code status, const char *text)
{
	EVENTS_LOG(EVENT_REQUEST_REFUSED, reason);
	end(stream, status, text);
}

/* Not now: the caller is told when to come again. */
static void put_off(struct stream *stream, enum event_reason reason,
		    grpc_status_code status, const char *text)
{
	EVENTS_LOG(EVENT_REQUEST_REFUSED, reason);
	let_worker_go(stream);
	stream->state = OVER;
	server_finish(stream->call, status, text, RETRY_DELAY_MS);
}

static void log_outcome(const struct stream *stream, enum event_outcome outcome)
{
	EVENTS_LOG(EVENT_REQUEST_DONE, outcome,
		   clock_now_ms() - stream->opened_ms, stream->frames);
}

static enum err send_response(struct stream *stream,
			      const struct rpc_serve_response *response)
{
	struct writer out = WRITER_OVER(serve.encoded);

	TRY(rpc_serve_response_encode(response, &out));
	return server_send(stream->call, bytes_written(&out));
}

static enum err send_ack(struct stream *stream)
{
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_SETUP_ACK,
		.setup_ack.key_id = serve.key_id,
	};

	memcpy(response.setup_ack.node_id, serve.node_id,
	       sizeof(serve.node_id));
	return send_response(stream, &response);
}

/*
 * Give the worker a message, or keep a copy for when it has room.  False: it
 * is gone, and so is the request.
 */
static bool give(struct stream *stream, const struct message *message)
{
	invariant(!stream->is_stuck);
	if (channel_send(stream->worker->channel, message, -1) == ERR_OK)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	memcpy(stream->blocked_body, message->body.data, message->body.len);
	stream->blocked = *message;
	stream->blocked.body.data = stream->blocked_body;
	stream->is_stuck = true;
	return true;
}

static void lose(struct stream *stream)
{
	log_outcome(stream, EVENT_OUTCOME_LOST);
	end(stream, GRPC_STATUS_UNAVAILABLE, "worker ended early");
}

static void on_failed(struct stream *stream, uint64_t number)
{
	enum failure failure = FAILURE_INTERNAL;

	if (number > FAILURE_NONE && number < FAILURE_MAX)
		failure = (enum failure)number;
	pool_leave(stream->worker);
	stream->worker = NULL;
	stream->state = OVER;
	log_outcome(stream, EVENT_OUTCOME_REFUSED);
	server_abort(stream->call, failures[failure].status,
		     failures[failure].text);
}

/*
 * A worker that takes nothing more has ended; but it may have said why, and
 * that is what the caller has to hear.
 */
static void hear_last_word(struct stream *stream)
{
	struct message message;
	int passed;

	if (channel_receive(stream->worker->channel, &serve.packet, &message,
			    &passed) == ERR_OK &&
	    message.kind == MESSAGE_FAILED)
		on_failed(stream, message.number[0]);
	else
		lose(stream);
}

static void pull(struct stream *stream, enum message_pull how)
{
	struct message message = { .kind = MESSAGE_PULL, .number = { how } };

	stream->is_pulling = true;
	if (!give(stream, &message))
		hear_last_word(stream);
}

static void begin_answer(struct stream *stream)
{
	stream->state = ANSWER;
	if (serve.setup.policy->shape != POLICY_SHAPE_PACED)
		pull(stream, MESSAGE_PULL_ALL);
}

/* Pass a message on; read the next once this one has been taken. */
static void upload(struct stream *stream, const struct message *message)
{
	if (!give(stream, message)) {
		hear_last_word(stream);
		return;
	}
	if (stream->is_stuck)
		return;
	if (message->kind == MESSAGE_END)
		begin_answer(stream);
	else
		server_receive(stream->call);
}

static void assign(struct stream *stream, struct pool_worker *worker)
{
	struct message begin = { .kind = MESSAGE_BEGIN,
				 .number = { stream->form, clock_now_s() } };

	stream->worker = worker;
	stream->state = UPLOAD;
	stream->heard_ms = clock_now_ms();
	if (!give(stream, &begin) || send_ack(stream) != ERR_OK) {
		lose(stream);
		return;
	}
	server_receive(stream->call);
}

static void find_worker(struct stream *stream)
{
	struct pool_worker *worker = pool_take(serve.setup.pool, stream);

	if (worker != NULL) {
		assign(stream, worker);
		return;
	}
	if (serve_queued_count() >= serve.setup.policy->queue) {
		put_off(stream, EVENT_REASON_OVERLOAD,
			GRPC_STATUS_RESOURCE_EXHAUSTED, "node is busy");
		return;
	}
	stream->state = QUEUED;
}

static void on_setup(struct stream *stream, const struct rpc_setup *setup)
{
	if (serve.is_draining) {
		put_off(stream, EVENT_REASON_DRAINING, GRPC_STATUS_UNAVAILABLE,
			"node is draining");
		return;
	}
	if (!serve.is_identified) {
		put_off(stream, EVENT_REASON_NOT_READY, GRPC_STATUS_UNAVAILABLE,
			"node is starting");
		return;
	}
	if (memcmp(setup->node_id, serve.node_id, sizeof(serve.node_id)) != 0) {
		refuse(stream, EVENT_REASON_KEY, GRPC_STATUS_NOT_FOUND,
		       "not this node");
		return;
	}
	stream->form = setup->form == RPC_FORM_UNCHUNKED ? OHTTP_UNCHUNKED
							 : OHTTP_CHUNKED;
	find_worker(stream);
}

static void on_chunk(struct stream *stream, const struct rpc_chunk *chunk)
{
	struct message message = { .kind = MESSAGE_DATA, .body = chunk->data };
	struct message finish = { .kind = MESSAGE_END };

	if (chunk->position == RPC_POSITION_MORE) {
		upload(stream, &message);
		return;
	}
	if (chunk->data.len > 0 && !give(stream, &message)) {
		hear_last_word(stream);
		return;
	}
	/* The end waits behind the data when that is stuck. */
	stream->state = ANSWER;
	if (!stream->is_stuck)
		upload(stream, &finish);
}

static void on_opened(struct server_call *call)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		server_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
			      "node is busy", RETRY_DELAY_MS);
		return;
	}
	stream->call = call;
	stream->opened_ms = clock_now_ms();
	stream->heard_ms = stream->opened_ms;
	stream->next = serve.streams;
	serve.streams = stream;
	server_set_state(call, stream);
	server_receive(call);
}

static void on_step(struct stream *stream,
		    const struct rpc_serve_request *request)
{
	stream->heard_ms = clock_now_ms();
	if (request->step == RPC_REQUEST_CANCEL) {
		log_outcome(stream, EVENT_OUTCOME_CANCELLED);
		end(stream, GRPC_STATUS_CANCELLED, "cancelled");
	} else if (stream->state == SETUP &&
		   request->step == RPC_REQUEST_SETUP) {
		on_setup(stream, &request->setup);
	} else if (stream->state == UPLOAD &&
		   request->step == RPC_REQUEST_CHUNK) {
		on_chunk(stream, &request->chunk);
	} else if (request->step == RPC_REQUEST_SETUP) {
		refuse(stream, EVENT_REASON_STATE,
		       GRPC_STATUS_FAILED_PRECONDITION, "setup came twice");
	} else if (stream->state == SETUP) {
		refuse(stream, EVENT_REASON_STATE,
		       GRPC_STATUS_FAILED_PRECONDITION,
		       "chunk came before setup");
	} else {
		refuse(stream, EVENT_REASON_STATE,
		       GRPC_STATUS_FAILED_PRECONDITION,
		       "chunk came after the last");
	}
}

static void on_received(struct server_call *call, struct bytes message)
{
	struct stream *stream = server_state(call);
	struct arena arena = { .base = serve.decoded,
			       .size = sizeof(serve.decoded) };
	struct rpc_serve_request request;
	enum err err;

	if (stream == NULL || stream->state == OVER)
		return;
	memset(serve.decoded, 0, sizeof(serve.decoded));
	err = rpc_serve_request_parse(message, &arena, &request);
	if (err != ERR_OK) {
		refuse(stream,
		       err == ERR_TOO_LARGE ? EVENT_REASON_TOO_LARGE
					    : EVENT_REASON_MALFORMED,
		       GRPC_STATUS_INVALID_ARGUMENT, "message does not parse");
		return;
	}
	on_step(stream, &request);
}

static void on_half_closed(struct server_call *call)
{
	struct stream *stream = server_state(call);

	/* After the last chunk a caller may well close its side. */
	if (stream == NULL || stream->state == ANSWER || stream->state == OVER)
		return;
	refuse(stream, EVENT_REASON_STATE, GRPC_STATUS_FAILED_PRECONDITION,
	       "request ended before its last chunk");
}

static void on_closed(struct server_call *call, enum server_end how)
{
	struct stream *stream = server_state(call);
	struct stream **link = &serve.streams;

	if (stream == NULL)
		return;
	if (stream->state != OVER)
		log_outcome(stream, how == SERVER_END_DEADLINE
					    ? EVENT_OUTCOME_DEADLINE
					    : EVENT_OUTCOME_CANCELLED);
	let_worker_go(stream);
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	free(stream);
}

const struct server_service serve_service = {
	.method = "/pcc.node.v1.Node/Serve",
	.opened = on_opened,
	.received = on_received,
	.half_closed = on_half_closed,
	.closed = on_closed,
};

static void on_frame(struct stream *stream, const struct message *message)
{
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_CHUNK,
		.chunk = { .data = message->body },
	};

	response.chunk.position = message->kind == MESSAGE_LAST
					  ? RPC_POSITION_LAST
					  : RPC_POSITION_MORE;
	stream->frames++;
	stream->is_pulling = false;
	if (send_response(stream, &response) != ERR_OK) {
		lose(stream);
		return;
	}
	if (message->kind != MESSAGE_LAST)
		return;
	pool_leave(stream->worker);
	stream->worker = NULL;
	stream->state = OVER;
	log_outcome(stream, EVENT_OUTCOME_ANSWERED);
	server_finish(stream->call, GRPC_STATUS_OK, "", 0);
}

void serve_worker_readable(struct pool_worker *worker)
{
	struct stream *stream = worker->user;
	struct message message;
	int passed;
	enum err err;

	err = channel_receive(worker->channel, &serve.packet, &message,
			      &passed);
	if (err == ERR_UNAVAILABLE && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (err == ERR_OK && stream->state == ANSWER &&
	    (message.kind == MESSAGE_FRAME || message.kind == MESSAGE_LAST))
		on_frame(stream, &message);
	else if (err == ERR_OK && message.kind == MESSAGE_FAILED)
		on_failed(stream, message.number[0]);
	else
		lose(stream); /* it ended, or said what it may not say */
}

void serve_worker_ready(void)
{
	struct stream *longest = NULL;
	struct pool_worker *worker;

	for (struct stream *s = serve.streams; s != NULL; s = s->next)
		if (s->state == QUEUED &&
		    (longest == NULL || s->opened_ms <= longest->opened_ms))
			longest = s;
	if (longest == NULL)
		return;
	worker = pool_take(serve.setup.pool, longest);
	if (worker != NULL)
		assign(longest, worker);
}

void serve_lose_all(void)
{
	for (struct stream *s = serve.streams; s != NULL; s = s->next)
		if (s->worker != NULL)
			lose(s);
}

/* Give the worker what it had no room for. */
static void unstick(struct stream *stream)
{
	struct message message = stream->blocked;
	struct message finish = { .kind = MESSAGE_END };

	stream->is_stuck = false;
	if (message.kind != MESSAGE_DATA) {
		upload(stream, &message);
		return;
	}
	if (!give(stream, &message)) {
		hear_last_word(stream);
		return;
	}
	if (stream->is_stuck)
		return;
	if (stream->state == ANSWER)
		upload(stream, &finish);
	else
		server_receive(stream->call);
}

static void check_times(struct stream *stream, uint64_t now)
{
	if (stream->state == QUEUED &&
	    now - stream->opened_ms > LIMIT_QUEUE_WAIT_MS)
		put_off(stream, EVENT_REASON_OVERLOAD,
			GRPC_STATUS_RESOURCE_EXHAUSTED, "node is busy");
	else if ((stream->state == SETUP || stream->state == UPLOAD) &&
		 now - stream->heard_ms > LIMIT_UPLOAD_IDLE_MS)
		refuse(stream, EVENT_REASON_IDLE, GRPC_STATUS_DEADLINE_EXCEEDED,
		       "request stopped coming");
	else if (stream->state != OVER &&
		 now - stream->opened_ms > serve.setup.policy->request_ms_max) {
		log_outcome(stream, EVENT_OUTCOME_DEADLINE);
		end(stream, GRPC_STATUS_DEADLINE_EXCEEDED,
		    "request took too long");
	}
}

/* A late worker is not asked twice, nor one whose caller does not read. */
static bool is_due(const struct stream *stream)
{
	return stream->state == ANSWER && !stream->is_stuck &&
	       !stream->is_pulling &&
	       serve.setup.policy->shape == POLICY_SHAPE_PACED &&
	       server_backlog(stream->call) < BACKLOG_MAX;
}

void serve_tick(uint64_t now)
{
	for (struct stream *s = serve.streams; s != NULL; s = s->next) {
		check_times(s, now);
		if (s->is_stuck && s->worker != NULL)
			unstick(s);
		if (is_due(s))
			pull(s, MESSAGE_PULL_ONE);
	}
}

bool serve_wants_reading(const struct pool_worker *worker)
{
	const struct stream *stream = worker->user;

	return stream == NULL || server_backlog(stream->call) < BACKLOG_MAX;
}
