/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/relay.h"

#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "policy/limits.h"

#define PIECE_BYTES (16u << 10) /* of the upload, in one message */
#define PIECE_MS 3000		/* then one leaves that is not full */
#define CRUMBS_MAX 1024		/* looks at the upload, and */
#define CRUMB_BYTES 64		/* one more for each so many bytes */

struct relay {
	struct relay_pool *pool;
	struct node *node; /* NULL: there is nothing but a problem */
	uint8_t node_id[STATEMENT_DIGEST_BYTES]; /* as it was addressed */

	pthread_mutex_t lock; /* all below */
	unsigned references;  /* the HTTP side, and each batch under way */
	struct MHD_Connection *connection; /* NULL once finished */
	bool suspended;
	bool gone; /* the client has left */
	enum problem problem;

	/* the call; of a node alone, and once it is called */
	struct call call;
	enum rpc_form form;
	bool called;
	bool sending;
	bool sent_last;
	bool acknowledged;
	bool begun;	/* bytes of the answer came */
	bool complete;	/* the last of them, too */
	bool receiving; /* a message was asked for and has not come */
	bool ended;	/* the status came; a message may still be under way */

	size_t uploaded;
	size_t looks;	      /* at it, one a chunk of HTTP at least */
	struct writer piece;  /* owned; of the upload, not yet sent */
	gpr_timespec sent;    /* when one last left */
	struct bytes waiting; /* of the answer; a view into the call */
};

/* Of any thread.  Waking once too often costs one look, and nothing else. */
static void wake_locked(struct relay *relay)
{
	if (!relay->suspended)
		return;
	relay->suspended = false;
	MHD_resume_connection(relay->connection);
}

/* Of the HTTP library's thread alone. */
static void suspend_locked(struct relay *relay)
{
	relay->suspended = true;
	MHD_suspend_connection(relay->connection);
}

static void unreference_unlock(struct relay *relay)
{
	bool last = --relay->references == 0;

	pthread_mutex_unlock(&relay->lock);
	if (!last)
		return;
	call_destroy(&relay->call);
	free(relay->piece.data);
	pthread_mutex_destroy(&relay->lock);
	free(relay);
}

/* Nothing is lost by a cancel once the answer is complete, but it looks bad. */
static void cancel_locked(struct relay *relay)
{
	if (!relay->ended && !relay->complete)
		call_cancel(&relay->call);
}

static void send_locked(struct relay *relay, enum rpc_position position)
{
	struct rpc_chunk chunk = { bytes_written(&relay->piece), position };

	relay->sending = true;
	relay->sent = gpr_now(GPR_CLOCK_MONOTONIC);
	relay->references++;
	call_send_chunk(&relay->call, &chunk);
	relay->piece.len = 0;
}

/*
 * Events come to two threads, so that the status may overtake the last message.
 * The call is over only when nothing is being received either.
 */
static bool over_locked(const struct relay *relay)
{
	return relay->ended && !relay->receiving;
}

static void receive_locked(struct relay *relay)
{
	relay->receiving = true;
	relay->references++;
	call_receive(&relay->call);
}

static struct relay *create(struct MHD_Connection *connection)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (relay == NULL)
		return NULL;
	pthread_mutex_init(&relay->lock, NULL);
	relay->references = 1;
	relay->connection = connection;
	call_init(&relay->call, relay);
	return relay;
}

struct relay *relay_refuse(enum problem problem,
			   struct MHD_Connection *connection)
{
	struct relay *relay = create(connection);

	if (relay != NULL)
		relay->problem = problem;
	return relay;
}

struct relay *relay_open(struct relay_pool *pool, struct node *node,
			 enum rpc_form form, struct MHD_Connection *connection)
{
	struct relay *relay = create(connection);

	if (relay == NULL)
		return NULL;
	if (node_id(node, relay->node_id) != ERR_OK) {
		relay->problem = PROBLEM_NODE_UNAVAILABLE;
		return relay;
	}
	relay->pool = pool;
	relay->node = node;
	relay->form = form;
	return relay;
}

/* Three batches at once, each with its own reference. */
static void begin_locked(struct relay *relay, const struct rpc_setup *setup)
{
	relay->references += 3;
	relay->sending = true;
	relay->receiving = true;
	call_await_end(&relay->call);
	call_send_setup(&relay->call, setup);
	call_receive_first(&relay->call);
}

/*
 * A node hears of a request when there is a piece of it or all: one whose
 * client says nothing takes no place there.
 */
static void call_locked(struct relay *relay)
{
	struct rpc_setup setup = { .form = relay->form };

	memcpy(setup.node_id, relay->node_id, sizeof(setup.node_id));
	if (call_open(&relay->call, node_channel(relay->node),
		      relay->pool->queue) != ERR_OK) {
		relay->problem = PROBLEM_NODE_UNAVAILABLE;
		return;
	}
	relay->called = true;
	relay->sent = gpr_now(GPR_CLOCK_MONOTONIC);
	begin_locked(relay, &setup);
}

/* A refused upload is read to its end, so that the refusal can be read too. */
static enum relay_step discard_locked(struct relay *relay, size_t *len)
{
	relay->uploaded += *len;
	*len = 0;
	return relay->uploaded > 2 * (size_t)LIMIT_REQUEST_BYTES ? RELAY_ABORT
								 : RELAY_AGAIN;
}

/* What was gathered leaves; false: not yet, and the client is not read. */
static bool flush_locked(struct relay *relay, enum rpc_position position)
{
	if (!relay->called)
		call_locked(relay);
	else if (!relay->sending) {
		send_locked(relay, position);
		return true;
	}
	if (relay->problem == PROBLEM_NONE)
		suspend_locked(relay);
	return false;
}

/* To a node that has heard nothing for so long its client would seem idle. */
static bool is_due_locked(const struct relay *relay)
{
	gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);

	return relay->called && !relay->sending &&
	       gpr_time_to_millis(gpr_time_sub(now, relay->sent)) >= PIECE_MS;
}

/* A body in chunks of a byte costs its sender little and us a look at each. */
static bool is_crumbled_locked(struct relay *relay)
{
	return ++relay->looks > CRUMBS_MAX + relay->uploaded / CRUMB_BYTES;
}

/*
 * However small the pieces that a client sends, those that a node gets are
 * whole ones, but where it is slow: then one leaves each PIECE_MS, behind the
 * first.  One is with gRPC at a time, and one is gathered: when that is
 * full the client is not read, and so a slow node slows its client down to its
 * own speed.
 */
static enum relay_step upload_locked(struct relay *relay, const uint8_t *data,
				     size_t *len)
{
	struct bytes piece = { data, *len };

	if (relay->gone || is_crumbled_locked(relay))
		return RELAY_ABORT;
	if (relay->problem != PROBLEM_NONE || over_locked(relay))
		return discard_locked(relay, len);
	if (*len > LIMIT_REQUEST_BYTES - relay->uploaded) {
		relay->problem = PROBLEM_TOO_LARGE;
		cancel_locked(relay);
		return discard_locked(relay, len);
	}
	if (relay->piece.data == NULL)
		relay->piece =
			(struct writer){ malloc(PIECE_BYTES), 0, PIECE_BYTES };
	if (relay->piece.data == NULL)
		return RELAY_ABORT;
	if (relay->piece.len == PIECE_BYTES &&
	    !flush_locked(relay, RPC_POSITION_MORE)) {
		return relay->problem == PROBLEM_NONE
			       ? RELAY_AGAIN
			       : discard_locked(relay, len);
	}
	if (piece.len > PIECE_BYTES - relay->piece.len)
		piece.len = PIECE_BYTES - relay->piece.len;
	invariant(bytes_put(&relay->piece, piece) == ERR_OK);
	relay->uploaded += piece.len;
	*len -= piece.len;
	if (is_due_locked(relay))
		send_locked(relay, RPC_POSITION_MORE);
	return RELAY_AGAIN;
}

enum relay_step relay_upload(struct relay *relay, const void *data, size_t *len)
{
	pthread_mutex_lock(&relay->lock);

	enum relay_step step = upload_locked(relay, data, len);

	pthread_mutex_unlock(&relay->lock);
	return step;
}

static void send_last_locked(struct relay *relay)
{
	relay->sent_last = flush_locked(relay, RPC_POSITION_LAST);
	if (!relay->sent_last)
		return;
	free(relay->piece.data);
	relay->piece = (struct writer){ NULL, 0, 0 };
}

/* The last piece, and then wait until there is something to answer with. */
static enum relay_step upload_end_locked(struct relay *relay)
{
	if (relay->gone)
		return RELAY_ABORT;
	if (!relay->sent_last && relay->problem == PROBLEM_NONE &&
	    !over_locked(relay) && !relay->begun)
		send_last_locked(relay);
	if (relay->problem != PROBLEM_NONE || relay->begun ||
	    over_locked(relay))
		return RELAY_ANSWER;
	if (!relay->suspended)
		suspend_locked(relay);
	return RELAY_AGAIN;
}

enum relay_step relay_upload_end(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);

	enum relay_step step = upload_end_locked(relay);

	pthread_mutex_unlock(&relay->lock);
	return step;
}

/* Where our own verdict stands it comes first: its cancel made the status. */
enum problem relay_problem(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);

	enum problem problem = relay->problem;

	if (problem == PROBLEM_NONE && !relay->begun)
		problem = problem_of_status(relay->call.status);
	pthread_mutex_unlock(&relay->lock);
	return problem;
}

static ssize_t read_locked(struct relay *relay, char *out, size_t max)
{
	size_t len = relay->waiting.len < max ? relay->waiting.len : max;
	struct bytes piece;

	if (len > 0) {
		invariant(bytes_take(&relay->waiting, len, &piece) == ERR_OK);
		memcpy(out, piece.data, len);
		if (relay->waiting.len == 0 && !relay->complete)
			receive_locked(relay);
		return (ssize_t)len;
	}
	if (relay->complete)
		return MHD_CONTENT_READER_END_OF_STREAM;
	/* Closing without a last chunk is how a client sees the cut. */
	if (over_locked(relay) || relay->gone || relay->problem != PROBLEM_NONE)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	suspend_locked(relay);
	return 0;
}

ssize_t relay_read(void *context, uint64_t position, char *out, size_t max)
{
	struct relay *relay = context;

	(void)position;
	pthread_mutex_lock(&relay->lock);

	ssize_t len = read_locked(relay, out, max);

	pthread_mutex_unlock(&relay->lock);
	return len;
}

void relay_gone(void *context)
{
	struct relay *relay = context;

	pthread_mutex_lock(&relay->lock);
	relay->gone = true;
	cancel_locked(relay);
	wake_locked(relay);
	pthread_mutex_unlock(&relay->lock);
}

void relay_finish(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->connection = NULL;
	relay->suspended = false;
	cancel_locked(relay);
	unreference_unlock(relay);
}

/* The first message says which node it is; it has to be the one addressed. */
static enum problem
acknowledge_locked(struct relay *relay,
		   const struct rpc_serve_response *response)
{
	const struct rpc_setup_ack *ack = &response->setup_ack;

	if (response->step != RPC_RESPONSE_SETUP_ACK ||
	    memcmp(relay->node_id, ack->node_id, sizeof(ack->node_id)) != 0)
		return PROBLEM_NODE_BROKEN;
	relay->acknowledged = true;
	node_key_seen(relay->node, ack->key_id);
	receive_locked(relay);
	return PROBLEM_NONE;
}

static enum problem
on_response_locked(struct relay *relay,
		   const struct rpc_serve_response *response)
{
	if (!relay->acknowledged)
		return acknowledge_locked(relay, response);
	if (response->step != RPC_RESPONSE_CHUNK)
		return PROBLEM_NODE_BROKEN;
	relay->waiting = response->chunk.data;
	relay->complete = response->chunk.position == RPC_POSITION_LAST;
	relay->begun =
		relay->begun || relay->waiting.len != 0 || relay->complete;
	if (relay->waiting.len == 0 && !relay->complete)
		receive_locked(relay);
	return PROBLEM_NONE;
}

/* What a node may not say ends the call, and with it the client's answer. */
static void on_message_locked(struct relay *relay)
{
	struct rpc_serve_response response;
	enum err err = call_take(&relay->call, &response);
	enum problem problem = PROBLEM_NODE_BROKEN;

	if (err == ERR_TRUNCATED)
		return; /* the end of the stream: its status says why */
	if (err == ERR_OK)
		problem = on_response_locked(relay, &response);
	if (problem == PROBLEM_NONE)
		return;
	if (relay->problem == PROBLEM_NONE)
		relay->problem = problem;
	cancel_locked(relay);
}

/* A node that does not know its key or its name has others by now. */
static void note_status_locked(const struct relay *relay)
{
	enum problem problem = problem_of_status(relay->call.status);

	if (problem == PROBLEM_KEY || problem == PROBLEM_NODE_UNKNOWN)
		node_key_refused(relay->node);
}

static void on_event_locked(struct relay *relay, enum call_step step)
{
	switch (step) {
	case CALL_SENT:
		relay->sending = false;
		break;
	case CALL_RECEIVED:
		relay->receiving = false;
		on_message_locked(relay);
		break;
	case CALL_ENDED:
		relay->ended = true;
		note_status_locked(relay);
		break;
	case CALL_STEPS:
		break;
	}
	wake_locked(relay);
}

static void *run(void *argument)
{
	struct relay_pool *pool = argument;

	for (;;) {
		grpc_event event = grpc_completion_queue_next(
			pool->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		const struct call_tag *tag = event.tag;
		struct relay *relay = tag->owner;

		pthread_mutex_lock(&relay->lock);
		on_event_locked(relay, tag->step);
		unreference_unlock(relay);
	}
}

void relay_pool_open(struct relay_pool *pool)
{
	pool->queue = grpc_completion_queue_create_for_next(NULL);
	for (size_t i = 0; i < RELAY_THREADS; i++)
		invariant(pthread_create(&pool->threads[i], NULL, run, pool) ==
			  0);
}

void relay_pool_close(struct relay_pool *pool)
{
	grpc_completion_queue_shutdown(pool->queue);
	for (size_t i = 0; i < RELAY_THREADS; i++)
		pthread_join(pool->threads[i], NULL);
	grpc_completion_queue_destroy(pool->queue);
}
