/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serve.h"

#include <string.h>

#include "base/arena.h"
#include "node/clock.h"
#include "node/serve_answer.h"
#include "node/serve_stream.h"

/* Calls at once: those that run, those that wait, and some that say nothing. */
#define STREAMS_BESIDES 64

static struct {
	struct serve_options options;
	uint8_t node_id[RPC_NODE_ID_BYTES];
	uint8_t key_id;
	bool is_identified;
	bool is_draining;
	uint8_t decoded[RPC_ARENA_FOR(LIMIT_MESSAGE_BYTES)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
} serve;

void serve_init(const struct serve_options *options)
{
	serve.options = *options;
	serve_stream_init(options->pool);
	serve_answer_init(options->policy);
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

	for (const struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next)
		count++;
	return count;
}

size_t serve_queued_count(void)
{
	size_t count = 0;

	for (const struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next)
		count += s->is_waiting;
	return count;
}

/* Give the worker what there is; ask the caller for more when there is room. */
static void move_on(struct serve_stream *stream)
{
	enum mailbox_state state = mailbox_flush(&stream->box);

	if (state == MAILBOX_GONE) {
		serve_answer_hear_last(stream);
		return;
	}
	if (mailbox_has_room(&stream->box))
		server_receive(stream->call);
	if (!stream->box.has_ended)
		return;
	stream->state = SERVE_STREAM_ANSWER;
	if (!serve_answer_is_paced())
		serve_answer_pull(stream);
}

static void assign(struct serve_stream *stream, struct pool_worker *worker)
{
	struct message begin = { .kind = MESSAGE_BEGIN,
				 .number = { stream->form, clock_now_s() } };

	stream->worker = worker;
	stream->is_waiting = false;
	stream->taken_ms = clock_now_ms();
	stream->uploaded_before = stream->uploaded;
	mailbox_attach(&stream->box, worker->channel, &begin);
	move_on(stream);
}

/* Take a worker, or a place in the queue, once there is something to do. */
static void find_worker(struct serve_stream *stream)
{
	struct pool_worker *worker = pool_take(serve.options.pool, stream);

	if (worker != NULL) {
		assign(stream, worker);
	} else if (serve_queued_count() >= serve.options.policy->queue) {
		serve_stream_overload(stream);
	} else {
		stream->is_waiting = true;
		stream->waiting_ms = clock_now_ms();
	}
}

static enum err send_ack(struct serve_stream *stream)
{
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_SETUP_ACK,
		.setup_ack.key_id = serve.key_id,
	};

	memcpy(response.setup_ack.node_id, serve.node_id,
	       sizeof(serve.node_id));
	return serve_stream_send(stream, &response);
}

static void on_setup(struct serve_stream *stream, const struct rpc_setup *setup)
{
	if (serve.is_draining) {
		serve_stream_put_off(stream, EVENT_REASON_DRAINING,
				     GRPC_STATUS_UNAVAILABLE,
				     "node is draining");
	} else if (!serve.is_identified) {
		serve_stream_put_off(stream, EVENT_REASON_NOT_READY,
				     GRPC_STATUS_UNAVAILABLE,
				     "node is starting");
	} else if (memcmp(setup->node_id, serve.node_id,
			  sizeof(serve.node_id)) != 0) {
		serve_stream_refuse(stream, EVENT_REASON_KEY,
				    GRPC_STATUS_NOT_FOUND, "not this node");
	} else if (mailbox_open(&stream->box) != ERR_OK ||
		   send_ack(stream) != ERR_OK) {
		serve_stream_overload(stream);
	} else {
		stream->form = setup->form == RPC_FORM_UNCHUNKED
				       ? OHTTP_UNCHUNKED
				       : OHTTP_CHUNKED;
		stream->state = SERVE_STREAM_UPLOAD;
		server_receive(stream->call);
	}
}

static void on_chunk(struct serve_stream *stream, const struct rpc_chunk *chunk)
{
	stream->uploaded += chunk->data.len;
	if (stream->uploaded > LIMIT_REQUEST_BYTES ||
	    mailbox_put(&stream->box, chunk->data) != ERR_OK) {
		serve_stream_refuse(stream, EVENT_REASON_TOO_LARGE,
				    GRPC_STATUS_INVALID_ARGUMENT,
				    "request is too large");
		return;
	}
	if (chunk->position == RPC_POSITION_LAST) {
		mailbox_finish(&stream->box);
		server_receive(stream->call); /* it may still be cancelled */
	}
	if (stream->worker != NULL)
		move_on(stream);
	else if (mailbox_is_worth_a_worker(&stream->box))
		find_worker(stream);
	else
		server_receive(stream->call);
}

static void out_of_order(struct serve_stream *stream, const char *text)
{
	serve_stream_refuse(stream, EVENT_REASON_STATE,
			    GRPC_STATUS_FAILED_PRECONDITION, text);
}

static void on_step(struct serve_stream *stream,
		    const struct rpc_serve_request *request)
{
	stream->heard_ms = clock_now_ms();
	if (request->step == RPC_REQUEST_CANCEL) {
		serve_stream_break(stream, EVENT_OUTCOME_CANCELLED,
				   GRPC_STATUS_CANCELLED, "cancelled");
	} else if (request->step == RPC_REQUEST_SETUP) {
		if (stream->state == SERVE_STREAM_SETUP)
			on_setup(stream, &request->setup);
		else
			out_of_order(stream, "setup came twice");
	} else if (stream->state == SERVE_STREAM_SETUP) {
		out_of_order(stream, "chunk came before setup");
	} else if (stream->state != SERVE_STREAM_UPLOAD ||
		   stream->box.is_whole) {
		out_of_order(stream, "chunk came after the last");
	} else {
		on_chunk(stream, &request->chunk);
	}
}

/* The server's handlers. */

/*
 * Of those who have not asked yet, the one who has taken longest over it: but
 * for whom this node lets wait itself, and reads no further meanwhile.
 */
static struct serve_stream *slowest(void)
{
	struct serve_stream *slowest = NULL;

	for (struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next) {
		if ((s->state == SERVE_STREAM_SETUP ||
		     s->state == SERVE_STREAM_UPLOAD) &&
		    s->worker == NULL && !s->is_waiting && !s->box.is_whole)
			slowest = s; /* new ones come first */
	}
	return slowest;
}

/* Who says nothing has a place only while nobody else wants it. */
static bool find_place(void)
{
	size_t most = serve.options.policy->workers +
		      serve.options.policy->queue + STREAMS_BESIDES;
	struct serve_stream *stream = slowest();
	size_t count = 0;

	for (struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next)
		count += s->state != SERVE_STREAM_OVER;
	if (count < most)
		return true;
	if (stream == NULL)
		return false;
	serve_stream_overload(stream);
	return true;
}

static void on_opened(struct server_call *call)
{
	struct serve_stream *stream = NULL;

	if (find_place())
		stream = serve_stream_open(call);
	if (stream == NULL) {
		EVENTS_LOG(EVENT_REQUEST_REFUSED, EVENT_REASON_OVERLOAD);
		server_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
			      "node is busy", RETRY_DELAY_MS);
		return;
	}
	server_receive(call);
}

static void on_received(struct server_call *call, struct bytes message)
{
	struct serve_stream *stream = server_state(call);
	struct arena arena = { .base = serve.decoded,
			       .size = sizeof(serve.decoded) };
	struct rpc_serve_request request;
	enum err err;

	if (stream == NULL || stream->state == SERVE_STREAM_OVER)
		return;
	memset(serve.decoded, 0, sizeof(serve.decoded));
	err = rpc_serve_request_parse(message, &arena, &request);
	if (err == ERR_OK)
		on_step(stream, &request);
	else {
		serve_stream_refuse(
			stream,
			err == ERR_TOO_LARGE ? EVENT_REASON_TOO_LARGE
					     : EVENT_REASON_MALFORMED,
			GRPC_STATUS_INVALID_ARGUMENT, "message does not parse");
	}
}

static void on_half_closed(struct server_call *call)
{
	struct serve_stream *stream = server_state(call);

	/* After the last chunk a caller may well close its side. */
	if (stream == NULL || stream->state == SERVE_STREAM_ANSWER ||
	    stream->state == SERVE_STREAM_OVER || stream->box.is_whole)
		return;
	out_of_order(stream, "request ended before its last chunk");
}

static void on_closed(struct server_call *call, enum server_end how)
{
	struct serve_stream *stream = server_state(call);

	if (stream != NULL)
		serve_stream_close(stream, how == SERVER_END_DEADLINE
						   ? EVENT_OUTCOME_DEADLINE
						   : EVENT_OUTCOME_CANCELLED);
}

const struct server_service serve_service = {
	.method = "/pcc.node.v1.Node/Serve",
	.opened = on_opened,
	.received = on_received,
	.half_closed = on_half_closed,
	.closed = on_closed,
};

/* The front's other parts. */

void serve_worker_readable(struct pool_worker *worker)
{
	serve_answer_hear(worker->user);
}

bool serve_wants_reading(const struct pool_worker *worker)
{
	const struct serve_stream *stream = worker->user;

	return server_backlog(stream->call) < SERVE_ANSWER_BACKLOG;
}

static struct serve_stream *longest_waiting(void)
{
	struct serve_stream *longest = NULL;

	for (struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next) {
		if (s->is_waiting &&
		    (longest == NULL || s->waiting_ms <= longest->waiting_ms))
			longest = s;
	}
	return longest;
}

void serve_worker_ready(void)
{
	for (;;) {
		struct serve_stream *stream = longest_waiting();
		struct pool_worker *worker = NULL;

		if (stream != NULL)
			worker = pool_take(serve.options.pool, stream);
		if (worker == NULL)
			return;
		assign(stream, worker);
	}
}

void serve_lose_all(void)
{
	for (struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next)
		if (s->worker != NULL)
			serve_stream_lose(s);
}

/* Who holds a worker has to make use of it. */
static bool is_trickling(const struct serve_stream *stream, uint64_t now)
{
	uint64_t held_ms = now - stream->taken_ms;

	return stream->worker != NULL && held_ms > LIMIT_UPLOAD_START_MS &&
	       (stream->uploaded - stream->uploaded_before) * 1000 <
		       (uint64_t)LIMIT_UPLOAD_BYTES_S *
			       (held_ms - LIMIT_UPLOAD_START_MS);
}

/* And who is given an answer has to read it, or the next one waits. */
static bool is_unread(struct serve_stream *stream)
{
	if (stream->state != SERVE_STREAM_ANSWER ||
	    server_backlog(stream->call) < SERVE_ANSWER_BACKLOG)
		return false;
	stream->unread_ms += serve.options.policy->tick_ms;
	return stream->unread_ms >
	       LIMIT_UNREAD_MS + stream->answered * 1000 / LIMIT_READ_BYTES_S;
}

/* What was queued before its end has to be read no faster than the rest. */
static bool is_tail_unread(const struct serve_stream *stream, uint64_t now)
{
	return now - stream->over_ms >
	       LIMIT_UNREAD_MS + stream->tail * 1000 / LIMIT_READ_BYTES_S;
}

static void check_times(struct serve_stream *stream, uint64_t now)
{
	bool is_uploading =
		stream->state == SERVE_STREAM_SETUP ||
		(stream->state == SERVE_STREAM_UPLOAD && !stream->box.is_whole);

	if (stream->is_waiting &&
	    now - stream->waiting_ms > LIMIT_QUEUE_WAIT_MS) {
		serve_stream_overload(stream);
	} else if (is_uploading &&
		   (now - stream->heard_ms > LIMIT_UPLOAD_IDLE_MS ||
		    is_trickling(stream, now))) {
		serve_stream_refuse(stream, EVENT_REASON_IDLE,
				    GRPC_STATUS_DEADLINE_EXCEEDED,
				    "request comes too slowly");
	} else if (is_unread(stream)) {
		serve_stream_break(stream, EVENT_OUTCOME_DEADLINE,
				   GRPC_STATUS_DEADLINE_EXCEEDED,
				   "answer is not read");
	} else if (now - stream->opened_ms >
		   serve.options.policy->request_ms_max) {
		serve_stream_break(stream, EVENT_OUTCOME_DEADLINE,
				   GRPC_STATUS_DEADLINE_EXCEEDED,
				   "request took too long");
	}
}

void serve_tick(uint64_t now)
{
	serve_worker_ready();
	for (struct serve_stream *s = serve_stream_first(); s != NULL;
	     s = s->next) {
		if (s->state != SERVE_STREAM_OVER)
			check_times(s, now);
		else if (is_tail_unread(s, now))
			server_cut(s->call);
		if (s->state == SERVE_STREAM_UPLOAD && s->worker != NULL)
			move_on(s);
		else if (s->state == SERVE_STREAM_ANSWER)
			serve_answer_tick(s);
	}
}
