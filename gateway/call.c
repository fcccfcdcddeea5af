/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/call.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <string.h>

#include "policy/limits.h"

#define OVERHEAD_MAX 64 /* of a ServeRequest around the data of a chunk */

void call_init(struct call *call, void *owner)
{
	*call = (struct call){ .status = GRPC_STATUS_UNKNOWN,
			       .details = grpc_empty_slice() };
	for (size_t i = 0; i < CALL_STEPS; i++)
		call->tags[i] = (struct call_tag){ (enum call_step)i, owner };
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
}

void call_destroy(struct call *call)
{
	if (call->call != NULL)
		grpc_call_unref(call->call);
	if (call->message != NULL)
		grpc_byte_buffer_destroy(call->message);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->details);
	free(call->encoded.data);
	free(call->arena.base);
}

/* The deadline goes along to the node, whose worker lives no longer. */
enum err call_open(struct call *call, grpc_channel *channel,
		   grpc_completion_queue *queue)
{
	call->call = grpc_channel_create_call(
		channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
		grpc_slice_from_static_string(DIAL_METHOD_SERVE), NULL,
		dial_deadline((int64_t)LIMIT_REQUEST_MS), NULL);
	return ERR_OK;
}

static void start(struct call *call, enum call_step step, const grpc_op *ops,
		  size_t count)
{
	invariant(grpc_call_start_batch(call->call, ops, count,
					&call->tags[step],
					NULL) == GRPC_CALL_OK);
}

void call_await_end(struct call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	op.data.recv_status_on_client.trailing_metadata = &call->trailing;
	op.data.recv_status_on_client.status = &call->status;
	op.data.recv_status_on_client.status_details = &call->details;
	start(call, CALL_ENDED, &op, 1);
}

/* Encoded into the very slice that gRPC will send. */
static grpc_byte_buffer *encode(const struct rpc_serve_request *request,
				size_t max)
{
	grpc_slice slice = grpc_slice_malloc(max);
	struct writer out = { GRPC_SLICE_START_PTR(slice), 0, max };

	invariant(rpc_serve_request_encode(request, &out) == ERR_OK);

	grpc_slice whole = grpc_slice_sub(slice, 0, out.len);
	grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&whole, 1);

	grpc_slice_unref(whole);
	grpc_slice_unref(slice);
	return message;
}

void call_send_setup(struct call *call, const struct rpc_setup *setup)
{
	struct rpc_serve_request request = { .step = RPC_REQUEST_SETUP,
					     .setup = *setup };
	grpc_byte_buffer *message = encode(&request, OVERHEAD_MAX);
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
			   { .op = GRPC_OP_SEND_MESSAGE } };

	ops[1].data.send_message.send_message = message;
	start(call, CALL_SENT, ops, 2);
	grpc_byte_buffer_destroy(message);
}

void call_send_chunk(struct call *call, const struct rpc_chunk *chunk)
{
	struct rpc_serve_request request = { .step = RPC_REQUEST_CHUNK,
					     .chunk = *chunk };
	grpc_byte_buffer *message =
		encode(&request, chunk->data.len + OVERHEAD_MAX);
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_MESSAGE },
			   { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT } };

	ops[0].data.send_message.send_message = message;
	start(call, CALL_SENT, ops,
	      chunk->position == RPC_POSITION_LAST ? 2 : 1);
	grpc_byte_buffer_destroy(message);
}

/* The head of the answer has to be asked for, once, or no message comes. */
static void receive(struct call *call, size_t count)
{
	grpc_op ops[2] = { { .op = GRPC_OP_RECV_MESSAGE },
			   { .op = GRPC_OP_RECV_INITIAL_METADATA } };

	ops[0].data.recv_message.recv_message = &call->message;
	ops[1].data.recv_initial_metadata.recv_initial_metadata =
		&call->initial;
	start(call, CALL_RECEIVED, ops, count);
}

void call_receive_first(struct call *call)
{
	receive(call, 2);
}

void call_receive(struct call *call)
{
	receive(call, 1);
}

/* Most messages are one frame, so most calls never need the largest arena. */
static enum err clear_arena(struct call *call, size_t size)
{
	size = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
	if (size > call->arena.size) {
		free(call->arena.base);
		call->arena =
			(struct arena){ aligned_alloc(ARENA_ALIGNMENT, size),
					size, 0 };
	}
	if (call->arena.base == NULL) {
		call->arena.size = 0;
		return ERR_UNAVAILABLE;
	}
	memset(call->arena.base, 0, call->arena.size);
	call->arena.used = 0;
	return ERR_OK;
}

/* Of the size of the largest so far: most that may come never does. */
static enum err make_room(struct call *call)
{
	size_t len = call->message == NULL
			     ? 0
			     : grpc_byte_buffer_length(call->message);

	call->encoded.len = 0;
	if (len <= call->encoded.max)
		return ERR_OK;
	free(call->encoded.data);
	call->encoded = (struct writer){ malloc(len), 0, len };
	if (call->encoded.data != NULL)
		return ERR_OK;
	call->encoded.max = 0;
	return ERR_UNAVAILABLE;
}

enum err call_take(struct call *call, struct rpc_serve_response *out)
{
	TRY(make_room(call));
	TRY(dial_take(&call->message, &call->encoded));
	TRY(clear_arena(call, RPC_ARENA_FOR(call->encoded.len)));
	return rpc_serve_response_parse(bytes_written(&call->encoded),
					&call->arena, out);
}

void call_cancel(struct call *call)
{
	if (call->call != NULL)
		(void)grpc_call_cancel(call->call, NULL);
}
