/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "crypto/ohttp.h"
#include "node/channel.h"
#include "node/clock.h"
#include "node/frames.h"
#include "node/mailbox.h"
#include "policy/events.h"
#include "wire/rpc.h"

/* A caller that reads slower than this many frames is not given more yet. */
#define BACKLOG_MAX 16

/* Calls at once: those that run, those that wait, and some that say nothing. */
#define STREAMS_BESIDES 64

enum state {
	SETUP,
	UPLOAD,
	ANSWER,
	OVER
};

/*
 * Invariant: a stream is in the list from opened to closed; worker is set in
 * UPLOAD and ANSWER alone, and is_waiting only while it is not.
 */
struct stream {
	struct stream *next;
	struct server_call *call;
	enum state state;
	enum ohttp_form form;
	struct pool_worker *worker;
	bool is_waiting; /* for a worker */
	struct mailbox box;
	uint64_t opened_ms;
	uint64_t heard_ms;   /* when the caller last sent something */
	uint64_t waiting_ms; /* since when it waits for a worker */
	uint64_t taken_ms;   /* since when it has one */
	uint64_t over_ms;    /* since when it is over */
	uint64_t unread_ms;  /* that its worker stood still for its reader */
	uint64_t answered;   /* bytes of its answer */
	uint64_t uploaded;   /* bytes in all, and */
	uint64_t uploaded_before; /* of them before it had a worker */
	uint64_t frames;	  /* sent */
	bool is_pulling;	  /* a pull has not been answered yet */
	bool has_frame; /* "paced": one that leaves at the next tick */
	bool frame_is_last;
	struct writer frame; /* its bytes */
	uint8_t frame_bytes[FRAMES_BYTES_MAX];
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
	struct serve_options options;
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

void serve_init(const struct serve_options *options)
{
	serve.options = *options;
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
		count += s->is_waiting;
	return count;
}

static bool is_shaped(void)
{
	return serve.options.policy->shape != POLICY_SHAPE_OFF;
}

static bool is_paced(void)
{
	return serve.options.policy->shape == POLICY_SHAPE_PACED;
}

/* How a stream ends.  Each way leaves it OVER and without a worker. */

static void let_go(struct stream *stream)
{
	if (stream->worker != NULL)
		pool_kill(serve.options.pool, stream->worker);
	stream->worker = NULL;
	stream->is_waiting = false;
	stream->state = OVER;
	stream->over_ms = clock_now_ms();
}

static void end(struct stream *stream, grpc_status_code status,
		const char *text)
{
	let_go(stream);
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
	let_go(stream);
	server_finish(stream->call, status, text, RETRY_DELAY_MS);
}

static void overloaded(struct stream *stream)
{
	put_off(stream, EVENT_REASON_OVERLOAD, GRPC_STATUS_RESOURCE_EXHAUSTED,
		"node is busy");
}

static void log_outcome(const struct stream *stream, enum event_outcome outcome)
{
	EVENTS_LOG(EVENT_REQUEST_DONE, outcome,
		   clock_now_ms() - stream->opened_ms, stream->frames);
}

static void lose(struct stream *stream)
{
	log_outcome(stream, EVENT_OUTCOME_LOST);
	end(stream, GRPC_STATUS_UNAVAILABLE, "worker ended early");
}

/* It has said its last word and ends by itself. */
static void leave_worker(struct stream *stream)
{
	if (stream->worker != NULL)
		pool_leave(stream->worker);
	stream->worker = NULL;
}

/* The worker said why it could not open the request, and ended by itself. */
static void fail(struct stream *stream, uint64_t number)
{
	enum failure failure = FAILURE_INTERNAL;

	if (number > FAILURE_NONE && number < FAILURE_MAX)
		failure = (enum failure)number;
	leave_worker(stream);
	log_outcome(stream, EVENT_OUTCOME_REFUSED);
	end(stream, failures[failure].status, failures[failure].text);
}

/* The answer. */

static enum err send_response(struct stream *stream,
			      const struct rpc_serve_response *response)
{
	struct writer out = WRITER_OVER(serve.encoded);

	TRY(rpc_serve_response_encode(response, &out));
	return server_send(stream->call, bytes_written(&out));
}

static void send_frame(struct stream *stream, struct bytes frame,
		       enum rpc_position position)
{
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_CHUNK,
		.chunk = { frame, position },
	};

	if (send_response(stream, &response) != ERR_OK) {
		lose(stream);
		return;
	}
	stream->frames++;
	stream->answered += frame.len;
	if (position == RPC_POSITION_MORE)
		return;
	leave_worker(stream);
	let_go(stream);
	log_outcome(stream, EVENT_OUTCOME_ANSWERED);
	server_finish(stream->call, GRPC_STATUS_OK, "", 0);
}

/*
 * The shape is held here and not in the worker, which parses a stranger's
 * bytes: a frame of another size, or one that nobody asked for, is not sent.
 */
static bool is_in_shape(const struct stream *stream,
			const struct message *message)
{
	if (stream->state != ANSWER || !stream->is_pulling)
		return false;
	return !is_shaped() ||
	       message->body.len == serve.options.policy->frame_bytes;
}

static void on_frame(struct stream *stream, const struct message *message)
{
	bool is_last = message->kind == MESSAGE_LAST;

	if (!is_in_shape(stream, message)) {
		lose(stream);
		return;
	}
	if (!is_paced()) {
		send_frame(stream, message->body,
			   is_last ? RPC_POSITION_LAST : RPC_POSITION_MORE);
		return;
	}
	/* It leaves at the next tick: when the worker gave it does not show. */
	stream->is_pulling = false;
	stream->frame = WRITER_OVER(stream->frame_bytes);
	invariant(bytes_put(&stream->frame, message->body) == ERR_OK);
	stream->has_frame = true;
	stream->frame_is_last = is_last;
	if (is_last)
		leave_worker(stream);
}

/* All that a worker may say but frames: why it could not open the request. */
static void on_end(struct stream *stream, enum err err,
		   const struct message *message)
{
	if (err == ERR_OK && message->kind == MESSAGE_FAILED &&
	    stream->frames == 0 && !stream->has_frame)
		fail(stream, message->number[0]);
	else
		lose(stream); /* it ended, or said what it may not say */
}

/* A worker that takes nothing more may have said why: that is to be heard. */
static void hear_last_word(struct stream *stream)
{
	struct message message;
	int passed;

	on_end(stream,
	       channel_receive(stream->worker->channel, &serve.packet, &message,
			       &passed),
	       &message);
}

/* Ask for what is due next.  A full channel is tried again at the next tick. */
static void pull(struct stream *stream)
{
	struct message message = {
		.kind = MESSAGE_PULL,
		.number = { is_paced() ? MESSAGE_PULL_ONE : MESSAGE_PULL_ALL }
	};

	if (stream->is_pulling)
		return;
	if (channel_send(stream->worker->channel, &message, -1) == ERR_OK)
		stream->is_pulling = true;
	else if (errno != EAGAIN)
		hear_last_word(stream);
}

/*
 * One tick of a paced answer: the frame of the last tick leaves.  On a busy
 * machine nobody may have heard yet that the worker gave it.
 */
static void pace(struct stream *stream)
{
	if (server_backlog(stream->call) >= BACKLOG_MAX)
		return;
	if (stream->is_pulling)
		serve_worker_readable(stream->worker);
	if (stream->state != ANSWER)
		return;
	if (stream->has_frame) {
		stream->has_frame = false;
		send_frame(stream, bytes_written(&stream->frame),
			   stream->frame_is_last ? RPC_POSITION_LAST
						 : RPC_POSITION_MORE);
	}
	if (stream->state == ANSWER)
		pull(stream);
}

/* The request. */

/* Give the worker what there is; ask the caller for more when there is room. */
static void move_on(struct stream *stream)
{
	enum mailbox_state state = mailbox_flush(&stream->box);

	if (state == MAILBOX_GONE) {
		hear_last_word(stream);
		return;
	}
	if (mailbox_has_room(&stream->box))
		server_receive(stream->call);
	if (!stream->box.has_ended)
		return;
	stream->state = ANSWER;
	if (!is_paced())
		pull(stream);
}

static void assign(struct stream *stream, struct pool_worker *worker)
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
static void find_worker(struct stream *stream)
{
	struct pool_worker *worker = pool_take(serve.options.pool, stream);

	if (worker != NULL) {
		assign(stream, worker);
	} else if (serve_queued_count() >= serve.options.policy->queue) {
		overloaded(stream);
	} else {
		stream->is_waiting = true;
		stream->waiting_ms = clock_now_ms();
	}
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

static void on_setup(struct stream *stream, const struct rpc_setup *setup)
{
	if (serve.is_draining) {
		put_off(stream, EVENT_REASON_DRAINING, GRPC_STATUS_UNAVAILABLE,
			"node is draining");
	} else if (!serve.is_identified) {
		put_off(stream, EVENT_REASON_NOT_READY, GRPC_STATUS_UNAVAILABLE,
			"node is starting");
	} else if (memcmp(setup->node_id, serve.node_id,
			  sizeof(serve.node_id)) != 0) {
		refuse(stream, EVENT_REASON_KEY, GRPC_STATUS_NOT_FOUND,
		       "not this node");
	} else if (mailbox_open(&stream->box) != ERR_OK ||
		   send_ack(stream) != ERR_OK) {
		overloaded(stream);
	} else {
		stream->form = setup->form == RPC_FORM_UNCHUNKED
				       ? OHTTP_UNCHUNKED
				       : OHTTP_CHUNKED;
		stream->state = UPLOAD;
		server_receive(stream->call);
	}
}

static void on_chunk(struct stream *stream, const struct rpc_chunk *chunk)
{
	stream->uploaded += chunk->data.len;
	if (stream->uploaded > LIMIT_REQUEST_BYTES ||
	    mailbox_put(&stream->box, chunk->data) != ERR_OK) {
		refuse(stream, EVENT_REASON_TOO_LARGE,
		       GRPC_STATUS_INVALID_ARGUMENT, "request is too large");
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

static void out_of_order(struct stream *stream, const char *text)
{
	refuse(stream, EVENT_REASON_STATE, GRPC_STATUS_FAILED_PRECONDITION,
	       text);
}

static void on_step(struct stream *stream,
		    const struct rpc_serve_request *request)
{
	stream->heard_ms = clock_now_ms();
	if (request->step == RPC_REQUEST_CANCEL) {
		log_outcome(stream, EVENT_OUTCOME_CANCELLED);
		end(stream, GRPC_STATUS_CANCELLED, "cancelled");
	} else if (request->step == RPC_REQUEST_SETUP) {
		if (stream->state == SETUP)
			on_setup(stream, &request->setup);
		else
			out_of_order(stream, "setup came twice");
	} else if (stream->state == SETUP) {
		out_of_order(stream, "chunk came before setup");
	} else if (stream->state != UPLOAD || stream->box.is_whole) {
		out_of_order(stream, "chunk came after the last");
	} else {
		on_chunk(stream, &request->chunk);
	}
}

/* The server's handlers. */

/* Of those who have not asked yet, the one who has taken longest over it. */
static struct stream *slowest(void)
{
	struct stream *slowest = NULL;

	for (struct stream *s = serve.streams; s != NULL; s = s->next) {
		if ((s->state == SETUP || s->state == UPLOAD) &&
		    s->worker == NULL && !s->box.is_whole)
			slowest = s; /* new ones come first */
	}
	return slowest;
}

/* Who says nothing has a place only while nobody else wants it. */
static bool find_place(void)
{
	size_t most = serve.options.policy->workers +
		      serve.options.policy->queue + STREAMS_BESIDES;
	struct stream *stream = slowest();
	size_t count = 0;

	for (struct stream *s = serve.streams; s != NULL; s = s->next)
		count += s->state != OVER;
	if (count < most)
		return true;
	if (stream == NULL)
		return false;
	overloaded(stream);
	return true;
}

static void on_opened(struct server_call *call)
{
	struct stream *stream = NULL;

	if (find_place())
		stream = calloc(1, sizeof(*stream));
	if (stream == NULL) {
		EVENTS_LOG(EVENT_REQUEST_REFUSED, EVENT_REASON_OVERLOAD);
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
	if (err == ERR_OK)
		on_step(stream, &request);
	else {
		refuse(stream,
		       err == ERR_TOO_LARGE ? EVENT_REASON_TOO_LARGE
					    : EVENT_REASON_MALFORMED,
		       GRPC_STATUS_INVALID_ARGUMENT, "message does not parse");
	}
}

static void on_half_closed(struct server_call *call)
{
	struct stream *stream = server_state(call);

	/* After the last chunk a caller may well close its side. */
	if (stream == NULL || stream->state == ANSWER ||
	    stream->state == OVER || stream->box.is_whole)
		return;
	out_of_order(stream, "request ended before its last chunk");
}

static void on_closed(struct server_call *call, enum server_end how)
{
	struct stream *stream = server_state(call);
	struct stream **link = &serve.streams;

	if (stream == NULL)
		return;
	if (stream->state != OVER) {
		log_outcome(stream, how == SERVER_END_DEADLINE
					    ? EVENT_OUTCOME_DEADLINE
					    : EVENT_OUTCOME_CANCELLED);
	}
	let_go(stream);
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	mailbox_close(&stream->box);
	free(stream);
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
	struct stream *stream = worker->user;
	struct message message;
	int passed;
	enum err err;

	err = channel_receive(worker->channel, &serve.packet, &message,
			      &passed);
	if (err == ERR_UNAVAILABLE && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (err == ERR_OK &&
	    (message.kind == MESSAGE_FRAME || message.kind == MESSAGE_LAST))
		on_frame(stream, &message);
	else
		on_end(stream, err, &message);
}

bool serve_wants_reading(const struct pool_worker *worker)
{
	const struct stream *stream = worker->user;

	return server_backlog(stream->call) < BACKLOG_MAX;
}

static struct stream *longest_waiting(void)
{
	struct stream *longest = NULL;

	for (struct stream *s = serve.streams; s != NULL; s = s->next) {
		if (s->is_waiting &&
		    (longest == NULL || s->waiting_ms <= longest->waiting_ms))
			longest = s;
	}
	return longest;
}

void serve_worker_ready(void)
{
	for (;;) {
		struct stream *stream = longest_waiting();
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
	for (struct stream *s = serve.streams; s != NULL; s = s->next)
		if (s->worker != NULL)
			lose(s);
}

/* Who holds a worker has to make use of it. */
static bool is_trickling(const struct stream *stream, uint64_t now)
{
	uint64_t held_ms = now - stream->taken_ms;

	return stream->worker != NULL && held_ms > LIMIT_UPLOAD_START_MS &&
	       (stream->uploaded - stream->uploaded_before) * 1000 <
		       (uint64_t)LIMIT_UPLOAD_BYTES_S *
			       (held_ms - LIMIT_UPLOAD_START_MS);
}

/* And who is given an answer has to read it, or the next one waits. */
static bool is_unread(struct stream *stream)
{
	if (stream->worker == NULL ||
	    server_backlog(stream->call) < BACKLOG_MAX)
		return false;
	stream->unread_ms += serve.options.policy->tick_ms;
	return stream->unread_ms >
	       LIMIT_UNREAD_MS + stream->answered * 1000 / LIMIT_READ_BYTES_S;
}

static void check_times(struct stream *stream, uint64_t now)
{
	bool is_uploading = stream->state == SETUP ||
			    (stream->state == UPLOAD && !stream->box.is_whole);

	if (stream->is_waiting &&
	    now - stream->waiting_ms > LIMIT_QUEUE_WAIT_MS) {
		overloaded(stream);
	} else if (is_uploading &&
		   (now - stream->heard_ms > LIMIT_UPLOAD_IDLE_MS ||
		    is_trickling(stream, now))) {
		refuse(stream, EVENT_REASON_IDLE, GRPC_STATUS_DEADLINE_EXCEEDED,
		       "request comes too slowly");
	} else if (is_unread(stream)) {
		log_outcome(stream, EVENT_OUTCOME_DEADLINE);
		end(stream, GRPC_STATUS_DEADLINE_EXCEEDED,
		    "answer is not read");
	} else if (now - stream->opened_ms >
		   serve.options.policy->request_ms_max) {
		log_outcome(stream, EVENT_OUTCOME_DEADLINE);
		end(stream, GRPC_STATUS_DEADLINE_EXCEEDED,
		    "request took too long");
	}
}

void serve_tick(uint64_t now)
{
	serve_worker_ready();
	for (struct stream *s = serve.streams; s != NULL; s = s->next) {
		if (s->state != OVER)
			check_times(s, now);
		else if (now - s->over_ms > LIMIT_UNREAD_MS)
			server_cut(s->call);
		if (s->state == UPLOAD && s->worker != NULL)
			move_on(s);
		else if (s->state == ANSWER && is_paced())
			pace(s);
		else if (s->state == ANSWER)
			pull(s);
	}
}
