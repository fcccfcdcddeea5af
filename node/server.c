/* SPDX-License-Identifier: Apache-2.0 */
#include "node/server.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/limits.h"
#include "wire/status.h"

#define COMPLETION_THREADS 2
#define ACCEPTS_OUTSTANDING 32
#define QUEUE_MAX 64

/* One outstanding batch of each kind a call, so a tag is a call and a kind. */
enum batch {
	ACCEPT,
	RECEIVE,
	SEND,
	CLOSE,
	STATUS,
	BATCHES
};

struct tag {
	struct server_call *call;
	enum batch batch;
};

/*
 * Invariant: references counts the batches under way; the call is freed when
 * the last one completes.  head..tail are the places of messages in queue.
 */
struct server_call {
	unsigned references;
	grpc_call *core;
	grpc_call_details details;
	grpc_metadata_array metadata;
	const struct server_service *service;
	void *state;

	grpc_byte_buffer *incoming;
	bool is_receiving;

	grpc_byte_buffer *queue[QUEUE_MAX];
	size_t head, tail;
	bool is_sending;
	bool has_sent_metadata;

	bool is_finishing; /* finish was asked for */
	bool has_finished; /* and is under way */
	grpc_status_code status;
	const char *text;
	uint32_t retry_ms;

	int was_cancelled; /* written by the core */
	bool is_closed;
	struct tag tags[BATCHES];
};

static struct {
	pthread_mutex_t lock;
	grpc_server *core;
	grpc_completion_queue *queue;
	const struct server_service *services;
	size_t service_count;
} server;

/*
 * Whoever holds it while the thread that paces wants it runs at that one's
 * priority, so that no third can come between.
 */
static void make_lock(void)
{
	pthread_mutexattr_t how;

	invariant(pthread_mutexattr_init(&how) == 0);
	invariant(pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT) ==
		  0);
	invariant(pthread_mutex_init(&server.lock, &how) == 0);
	pthread_mutexattr_destroy(&how);
}

void server_lock(void)
{
	invariant(pthread_mutex_lock(&server.lock) == 0);
}

void server_unlock(void)
{
	invariant(pthread_mutex_unlock(&server.lock) == 0);
}

static struct server_call *call_new(void)
{
	struct server_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	for (size_t i = 0; i < BATCHES; i++)
		call->tags[i] = (struct tag){ call, (enum batch)i };
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	return call;
}

static void queue_drop(struct server_call *call)
{
	while (call->head != call->tail)
		grpc_byte_buffer_destroy(call->queue[call->head++ % QUEUE_MAX]);
}

static void call_free(struct server_call *call)
{
	queue_drop(call);
	if (call->incoming != NULL)
		grpc_byte_buffer_destroy(call->incoming);
	if (call->core != NULL)
		grpc_call_unref(call->core);
	grpc_metadata_array_destroy(&call->metadata);
	grpc_call_details_destroy(&call->details);
	free(call);
}

/* Have a place ready for the next call.  Failing leaves one place fewer. */
static void accept_one(void)
{
	struct server_call *call = call_new();

	if (call == NULL)
		return;
	call->references = 1;
	if (grpc_server_request_call(server.core, &call->core, &call->details,
				     &call->metadata, server.queue,
				     server.queue,
				     &call->tags[ACCEPT]) != GRPC_CALL_OK)
		call_free(call);
}

static void start_batch(struct server_call *call, enum batch batch,
			const grpc_op *ops, size_t count)
{
	call->references++;
	invariant(grpc_call_start_batch(call->core, ops, count,
					&call->tags[batch],
					NULL) == GRPC_CALL_OK);
}

void server_receive(struct server_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (call->is_receiving || call->is_closed)
		return;
	op.data.recv_message.recv_message = &call->incoming;
	call->is_receiving = true;
	start_batch(call, RECEIVE, &op, 1);
}

static size_t add_metadata_op(struct server_call *call, grpc_op *ops)
{
	if (call->has_sent_metadata)
		return 0;
	ops[0] = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
	call->has_sent_metadata = true;
	return 1;
}

static void send_status(struct server_call *call)
{
	uint8_t bytes[STATUS_BYTES_MAX];
	struct writer details = WRITER_OVER(bytes);
	struct status status = { .code = (uint32_t)call->status,
				 .message = bytes_of_string(call->text),
				 .retry_delay_ms = call->retry_ms };
	grpc_slice text = grpc_slice_from_static_string(call->text);
	grpc_metadata trailer = { 0 };
	grpc_op ops[2];
	size_t count = add_metadata_op(call, ops);
	grpc_op *op = &ops[count++];

	*op = (grpc_op){ .op = GRPC_OP_SEND_STATUS_FROM_SERVER };
	op->data.send_status_from_server.status = call->status;
	op->data.send_status_from_server.status_details = &text;
	if (call->retry_ms != 0 && status_encode(&status, &details) == ERR_OK) {
		trailer.key = grpc_slice_from_static_string(
			"grpc-status-details-bin");
		trailer.value = grpc_slice_from_copied_buffer(
			(const char *)details.data, details.len);
		op->data.send_status_from_server.trailing_metadata_count = 1;
		op->data.send_status_from_server.trailing_metadata = &trailer;
	}
	call->has_finished = true;
	start_batch(call, STATUS, ops, count);
	if (call->retry_ms != 0)
		grpc_slice_unref(trailer.value);
}

/* Send the next message, or the status when there is none left. */
static void pump(struct server_call *call)
{
	grpc_op ops[2];
	grpc_byte_buffer *message;
	size_t count;

	if (call->is_sending || call->has_finished || call->is_closed)
		return;
	if (call->head == call->tail) {
		if (call->is_finishing)
			send_status(call);
		return;
	}
	message = call->queue[call->head++ % QUEUE_MAX];
	count = add_metadata_op(call, ops);
	ops[count] = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE };
	ops[count].data.send_message.send_message = message;
	call->is_sending = true;
	start_batch(call, SEND, ops, count + 1);
	grpc_byte_buffer_destroy(message); /* the core holds its own */
}

enum err server_send(struct server_call *call, struct bytes message)
{
	grpc_slice slice;

	if (call->is_closed || call->is_finishing ||
	    call->tail - call->head == QUEUE_MAX)
		return ERR_UNAVAILABLE;
	slice = grpc_slice_from_copied_buffer((const char *)message.data,
					      message.len);
	call->queue[call->tail++ % QUEUE_MAX] =
		grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	pump(call);
	return ERR_OK;
}

size_t server_backlog(const struct server_call *call)
{
	return call->tail - call->head + call->is_sending;
}

void server_finish(struct server_call *call, grpc_status_code status,
		   const char *text, uint32_t retry_ms)
{
	if (call->is_finishing)
		return;
	call->is_finishing = true;
	call->status = status;
	call->text = text;
	call->retry_ms = retry_ms;
	pump(call);
}

void server_abort(struct server_call *call, grpc_status_code status,
		  const char *text)
{
	queue_drop(call);
	server_finish(call, status, text, 0);
}

void server_cut(struct server_call *call)
{
	queue_drop(call);
	(void)grpc_call_cancel(call->core, NULL);
}

void server_set_state(struct server_call *call, void *state)
{
	call->state = state;
}

void *server_state(struct server_call *call)
{
	return call->state;
}

uint64_t server_time_left_ms(const struct server_call *call)
{
	gpr_timespec deadline = call->details.deadline;
	gpr_timespec left;

	if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
		return UINT64_MAX;
	left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
	if (left.tv_sec < 0)
		return 0;
	return (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_nsec / 1000000;
}

static bool slice_is(grpc_slice slice, const char *text)
{
	return GRPC_SLICE_LENGTH(slice) == strlen(text) &&
	       memcmp(GRPC_SLICE_START_PTR(slice), text, strlen(text)) == 0;
}

static const struct server_service *service_for(grpc_slice method)
{
	for (size_t i = 0; i < server.service_count; i++)
		if (slice_is(method, server.services[i].method))
			return &server.services[i];
	return NULL;
}

static void on_accept(struct server_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	accept_one();
	op.data.recv_close_on_server.cancelled = &call->was_cancelled;
	start_batch(call, CLOSE, &op, 1);
	call->service = service_for(call->details.method);
	if (call->service == NULL) {
		server_finish(call, GRPC_STATUS_UNIMPLEMENTED, "no such method",
			      0);
		return;
	}
	if (call->service->opened != NULL)
		call->service->opened(call);
}

/* Hand over one message, joined: none is longer than the transport's limit. */
static void deliver(struct server_call *call)
{
	grpc_byte_buffer *buffer = call->incoming;
	grpc_byte_buffer_reader reader;
	grpc_slice joined;

	call->incoming = NULL;
	if (grpc_byte_buffer_reader_init(&reader, buffer) == 0) {
		grpc_byte_buffer_destroy(buffer);
		return;
	}
	joined = grpc_byte_buffer_reader_readall(&reader);
	if (call->service->received != NULL) {
		call->service->received(
			call, (struct bytes){ GRPC_SLICE_START_PTR(joined),
					      GRPC_SLICE_LENGTH(joined) });
	}
	grpc_slice_unref(joined);
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(buffer);
}

static void on_receive(struct server_call *call)
{
	call->is_receiving = false;
	if (call->is_closed || call->is_finishing)
		return;
	if (call->incoming != NULL)
		deliver(call);
	else if (call->service->half_closed != NULL)
		call->service->half_closed(call);
}

static enum server_end end_of(const struct server_call *call)
{
	if (call->was_cancelled == 0)
		return SERVER_END_DONE;
	return server_time_left_ms(call) == 0 ? SERVER_END_DEADLINE
					      : SERVER_END_CANCELLED;
}

static void on_close(struct server_call *call)
{
	call->is_closed = true;
	if (call->service != NULL && call->service->closed != NULL)
		call->service->closed(call, end_of(call));
}

static void complete(struct tag *tag, int success)
{
	struct server_call *call = tag->call;

	switch (tag->batch) {
	case ACCEPT:
		if (success != 0)
			on_accept(call);
		break;
	case RECEIVE:
		on_receive(call);
		break;
	case SEND:
		call->is_sending = false;
		if (success != 0)
			pump(call);
		break;
	case CLOSE:
		on_close(call);
		break;
	case STATUS:
	case BATCHES:
		break;
	}
	if (--call->references == 0)
		call_free(call);
}

static void *complete_all(void *unused)
{
	gpr_timespec forever = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	(void)unused;
	for (;;) {
		grpc_event event =
			grpc_completion_queue_next(server.queue, forever, NULL);

		if (event.type != GRPC_OP_COMPLETE)
			return NULL;
		server_lock();
		complete(event.tag, event.success);
		server_unlock();
	}
}

/* The core's own log holds peer addresses and texts: none of it is wanted. */
static void discard_log(gpr_log_func_args *unused)
{
	(void)unused;
}

static grpc_server *core_new(void)
{
	grpc_resource_quota *quota = grpc_resource_quota_create("front");
	grpc_arg args[] = {
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		  { .integer = LIMIT_MESSAGE_BYTES } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_MAX_CONCURRENT_STREAMS,
		  { .integer = LIMIT_STREAMS } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_MAX_METADATA_SIZE,
		  { .integer = LIMIT_METADATA_BYTES } },
		/* What a worker has not taken stays with its caller. */
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_HTTP2_BDP_PROBE,
		  { .integer = 0 } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_KEEPALIVE_TIME_MS,
		  { .integer = KEEPALIVE_MS } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)
			  GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
		  { .integer = KEEPALIVE_MS / 3 } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_ENABLE_CHANNELZ,
		  { .integer = 0 } },
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT,
		  { .integer = 0 } },
		/* Bit 0 alone: no compression, so no length tells a text. */
		{ GRPC_ARG_INTEGER,
		  (char *)(uintptr_t)
			  GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		  { .integer = 1 } },
		{ GRPC_ARG_POINTER,
		  (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
		  { .pointer = { quota, grpc_resource_quota_arg_vtable() } } },
	};
	grpc_channel_args list = { sizeof(args) / sizeof(args[0]), args };
	grpc_server *core;

	grpc_resource_quota_resize(quota, LIMIT_GRPC_MEMORY);
	core = grpc_server_create(&list, NULL);
	grpc_resource_quota_unref(quota);
	return core;
}

static uint16_t listen_tls(const struct server_options *options)
{
	grpc_ssl_pem_key_cert_pair pair = { options->pem_key,
					    options->pem_certificate };
	grpc_server_credentials *credentials =
		grpc_ssl_server_credentials_create_ex(
			options->pem_roots, &pair, 1,
			GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
			NULL);
	int port = grpc_server_add_http2_port(server.core, options->tls_address,
					      credentials);

	grpc_server_credentials_release(credentials);
	return (uint16_t)port;
}

enum err server_start(const struct server_options *options, uint16_t *port)
{
	uint16_t bound = 0;

	make_lock();
	gpr_set_log_function(discard_log);
	grpc_init();
	server.services = options->services;
	server.service_count = options->service_count;
	server.core = core_new();
	server.queue = grpc_completion_queue_create_for_next(NULL);
	grpc_server_register_completion_queue(server.core, server.queue, NULL);
	if (options->tls_address != NULL && options->tls_address[0] != '\0') {
		bound = listen_tls(options);
		if (bound == 0)
			return ERR_UNAVAILABLE;
	}
	grpc_server_start(server.core);
	*port = bound;
	return ERR_OK;
}

enum err server_run(void)
{
	for (size_t i = 0; i < ACCEPTS_OUTSTANDING; i++)
		accept_one();
	for (size_t i = 0; i < COMPLETION_THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, complete_all, NULL) != 0)
			return ERR_UNAVAILABLE;
		pthread_detach(thread);
	}
	return ERR_OK;
}

void server_adopt(int connection)
{
	grpc_server_credentials *insecure =
		grpc_insecure_server_credentials_create();

	grpc_server_add_channel_from_fd(server.core, connection, insecure);
	grpc_server_credentials_release(insecure);
}
