/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/load.h"

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdlib.h>

#define MESSAGE_MAX 64 /* four small numbers */

/* Tags are the addresses of the members that a batch fills. */
struct load {
	grpc_call *call;
	grpc_completion_queue *queue;
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_byte_buffer *message;
	grpc_status_code status;
	grpc_slice details;
	size_t pending; /* batches whose event has not come */
};

static void start(struct load *load, const grpc_op *steps, size_t count,
		  void *tag)
{
	invariant(grpc_call_start_batch(load->call, steps, count, tag, NULL) ==
		  GRPC_CALL_OK);
	load->pending++;
}

static void start_message(struct load *load)
{
	grpc_op step = { .op = GRPC_OP_RECV_MESSAGE };

	step.data.recv_message.recv_message = &load->message;
	start(load, &step, 1, &load->message);
}

/* Asked for from the start, so that the end of the stream is told at once. */
static void start_status(struct load *load)
{
	grpc_op step = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	step.data.recv_status_on_client.trailing_metadata = &load->trailing;
	step.data.recv_status_on_client.status = &load->status;
	step.data.recv_status_on_client.status_details = &load->details;
	start(load, &step, 1, &load->status);
}

static void start_request(struct load *load)
{
	grpc_byte_buffer *request = dial_message((struct bytes){ NULL, 0 });
	grpc_op steps[4] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
	};

	steps[1].data.send_message.send_message = request;
	steps[3].data.recv_initial_metadata.recv_initial_metadata =
		&load->initial;
	start(load, steps, 4, &load->initial);
	grpc_byte_buffer_destroy(request);
}

struct load *load_open(grpc_channel *channel)
{
	struct load *load = calloc(1, sizeof(*load));

	invariant(load != NULL);
	load->details = grpc_empty_slice();
	load->queue = grpc_completion_queue_create_for_next(NULL);
	load->call = grpc_channel_create_call(
		channel, NULL, GRPC_PROPAGATE_DEFAULTS, load->queue,
		grpc_slice_from_static_string(DIAL_METHOD_LOAD), NULL,
		gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_metadata_array_init(&load->initial);
	grpc_metadata_array_init(&load->trailing);
	start_request(load);
	start_status(load);
	start_message(load);
	return load;
}

static grpc_event next(struct load *load, gpr_timespec deadline)
{
	grpc_event event =
		grpc_completion_queue_next(load->queue, deadline, NULL);

	if (event.type == GRPC_OP_COMPLETE)
		load->pending--;
	return event;
}

/* A queue may be destroyed only when every event has been taken from it. */
void load_close(struct load *load)
{
	gpr_timespec ever = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	(void)grpc_call_cancel(load->call, NULL);
	while (load->pending > 0)
		(void)next(load, ever);
	if (load->message != NULL)
		grpc_byte_buffer_destroy(load->message);
	grpc_slice_unref(load->details);
	grpc_metadata_array_destroy(&load->initial);
	grpc_metadata_array_destroy(&load->trailing);
	grpc_call_unref(load->call);
	grpc_completion_queue_shutdown(load->queue);
	while (next(load, ever).type != GRPC_QUEUE_SHUTDOWN)
		continue;
	grpc_completion_queue_destroy(load->queue);
	free(load);
}

static enum err take(struct load *load, struct rpc_load *out)
{
	uint8_t bytes[MESSAGE_MAX];
	struct writer message = WRITER_OVER(bytes);
	_Alignas(ARENA_ALIGNMENT)
		uint8_t memory[RPC_ARENA_FOR(MESSAGE_MAX)] = { 0 };
	struct arena arena = { memory, sizeof(memory), 0 };

	TRY(dial_take(&load->message, &message));
	return rpc_load_parse(bytes_written(&message), &arena, out);
}

enum load_event load_wait(struct load *load, int64_t timeout_ms,
			  struct rpc_load *out)
{
	grpc_event event = next(load, dial_deadline(timeout_ms));

	if (event.type != GRPC_OP_COMPLETE)
		return LOAD_QUIET;
	if (event.tag == &load->status)
		return LOAD_ENDED;
	if (event.tag != &load->message)
		return LOAD_QUIET;
	if (take(load, out) != ERR_OK)
		return LOAD_ENDED;
	start_message(load);
	return LOAD_NEWS;
}
