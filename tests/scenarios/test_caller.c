/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller that speaks gRPC to the node itself, with none of our gateway's good
 * manners: it changes its mind, says too much, or does not read its answer.
 */
#include <criterion/criterion.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/dial.h"
#include "policy/limits.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/system.h"
#include "wire/hex.h"
#include "wire/rpc.h"

#define FRAMES 64
#define FRAME_BYTES 4096
#define WINDOW_BYTES (8 * FRAME_BYTES)
#define TICK_MS 20
#define REQUEST_MS 1500 /* an answer is over after that, read or not */
#define SOON_MS 1000
#define PATIENCE_MS (REQUEST_MS + LIMIT_UNREAD_MS + 5000)
#define ENCODED_MAX (SEALED_MAX + 64)

static const struct rpc_serve_request cancel = { .step = RPC_REQUEST_CANCEL };

static struct system pcc;
static struct sealed_target target;
static grpc_channel *channel;
static grpc_completion_queue *queue;

/* It takes a window of bytes ahead of its reader, and never more. */
static void open_channel(void)
{
	char path[SYSTEM_PATH_MAX], name[SYSTEM_PATH_MAX + 8];
	char lookahead[] = GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES;
	char probe[] = GRPC_ARG_HTTP2_BDP_PROBE;
	grpc_arg list[] = {
		{ GRPC_ARG_INTEGER, lookahead, { .integer = WINDOW_BYTES } },
		{ GRPC_ARG_INTEGER, probe, { .integer = 0 } },
	};
	grpc_channel_args args = { 2, list };
	grpc_channel_credentials *none = grpc_insecure_credentials_create();

	system_socket(&pcc, path);
	snprintf(name, sizeof(name), "unix:%s", path);
	dial_init();
	channel = grpc_channel_create(name, none, &args);
	grpc_channel_credentials_release(none);
	queue = grpc_completion_queue_create_for_pluck(NULL);
}

static void start(void)
{
	struct policy policy = system_policy();

	policy.workers = 1;
	policy.warm_workers = 1;
	policy.frame_bytes = FRAME_BYTES;
	policy.tick_ms = TICK_MS;
	policy.request_ms_max = REQUEST_MS;
	policy.total_buckets[0] = FRAMES;
	policy.total_bucket_count = 1;
	system_start_or_skip(&policy, &pcc);
	cr_assert(process_await_node(pcc.pids[SYSTEM_NODE], 1, 5000));
	cr_assert(sealed_find(pcc.gateway, &target));
	open_channel();
}

static void stop(void)
{
	if (queue != NULL)
		system_stop_or_fail(&pcc);
}

TestSuite(caller, .init = start, .fini = stop, .timeout = 30);

/* A call, and what the node said at its end. */
struct talk {
	grpc_call *call;
	grpc_metadata_array initial, trailing;
	grpc_slice details;
	grpc_status_code status;
};

static void begin_batch(struct talk *talk, const grpc_op *ops, size_t count,
			void *tag)
{
	cr_assert_eq(grpc_call_start_batch(talk->call, ops, count, tag, NULL),
		     GRPC_CALL_OK);
}

static bool await(void *tag, int ms)
{
	return grpc_completion_queue_pluck(queue, tag, dial_deadline(ms), NULL)
		       .type == GRPC_OP_COMPLETE;
}

/* Its status is waited for from the beginning, under the tag of the talk. */
static void open_talk(struct talk *talk)
{
	grpc_op head = { .op = GRPC_OP_SEND_INITIAL_METADATA };
	grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	*talk = (struct talk){ .details = grpc_empty_slice() };
	grpc_metadata_array_init(&talk->initial);
	grpc_metadata_array_init(&talk->trailing);
	talk->call = grpc_channel_create_call(
		channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
		grpc_slice_from_static_string(DIAL_METHOD_SERVE), NULL,
		dial_deadline(PATIENCE_MS), NULL);
	end.data.recv_status_on_client.trailing_metadata = &talk->trailing;
	end.data.recv_status_on_client.status = &talk->status;
	end.data.recv_status_on_client.status_details = &talk->details;
	begin_batch(talk, &end, 1, talk);
	begin_batch(talk, &head, 1, &head);
	cr_assert(await(&head, SOON_MS));
}

static void say(struct talk *talk, const struct rpc_serve_request *request)
{
	struct writer out = { malloc(ENCODED_MAX), 0, ENCODED_MAX };
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	cr_assert_eq(rpc_serve_request_encode(request, &out), ERR_OK);
	op.data.send_message.send_message = dial_message(bytes_written(&out));
	begin_batch(talk, &op, 1, &op);
	cr_assert(await(&op, SOON_MS));
	grpc_byte_buffer_destroy(op.data.send_message.send_message);
	free(out.data);
}

static void say_setup(struct talk *talk)
{
	struct rpc_serve_request request = { .step = RPC_REQUEST_SETUP,
					     .setup.form = RPC_FORM_CHUNKED };
	const char *hex = target.node_header + strlen("PCC-Node: ");

	cr_assert_eq(hex_decode(bytes_of_string(hex), request.setup.node_id,
				RPC_NODE_ID_BYTES),
		     ERR_OK);
	say(talk, &request);
}

/* A good question, whole, whose answer takes FRAMES frames. */
static void ask(struct talk *talk)
{
	struct rpc_serve_request request = { .step = RPC_REQUEST_CHUNK,
					     .chunk.position =
						     RPC_POSITION_LAST };
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request sealed;

	open_talk(talk);
	say_setup(talk);
	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &sealed);
	request.chunk.data = (struct bytes){ sealed.bytes, sealed.len };
	say(talk, &request);
	sealed_free(&sealed);
}

/* Read one message: whether there was one. */
static bool hear(struct talk *talk, bool is_first)
{
	grpc_byte_buffer *message = NULL;
	grpc_op ops[2] = { { .op = GRPC_OP_RECV_MESSAGE },
			   { .op = GRPC_OP_RECV_INITIAL_METADATA } };

	ops[0].data.recv_message.recv_message = &message;
	ops[1].data.recv_initial_metadata.recv_initial_metadata =
		&talk->initial;
	begin_batch(talk, ops, is_first ? 2 : 1, ops);
	cr_assert(await(ops, PATIENCE_MS));
	if (message == NULL)
		return false;
	grpc_byte_buffer_destroy(message);
	return true;
}

/* The acknowledgement, and the first frame. */
static void hear_the_beginning(struct talk *talk)
{
	cr_assert(hear(talk, true));
	cr_assert(hear(talk, false));
}

static unsigned hear_to_the_end(struct talk *talk)
{
	unsigned heard = 0;

	while (hear(talk, false))
		heard++;
	cr_assert(await(talk, SOON_MS));
	return heard;
}

static void close_talk(struct talk *talk)
{
	grpc_metadata_array_destroy(&talk->initial);
	grpc_metadata_array_destroy(&talk->trailing);
	grpc_slice_unref(talk->details);
	grpc_call_unref(talk->call);
}

Test(caller, a_cancel_after_the_last_chunk_ends_the_answer)
{
	struct talk talk;

	ask(&talk);
	hear_the_beginning(&talk);
	say(&talk, &(struct rpc_serve_request){ .step = RPC_REQUEST_CANCEL });
	cr_assert_lt(hear_to_the_end(&talk), FRAMES / 2);
	cr_assert_eq(talk.status, GRPC_STATUS_CANCELLED, "%d", talk.status);
	close_talk(&talk);
	cr_assert(sealed_is_answered(&target), "its worker was not given back");
}

Test(caller, a_cancel_is_heard_while_a_worker_is_waited_for)
{
	struct talk first, second;

	ask(&first);
	hear_the_beginning(&first);
	ask(&second);
	cr_assert(hear(&second, true));
	say(&second, &cancel);
	cr_assert(await(&second, SOON_MS));
	cr_assert_eq(second.status, GRPC_STATUS_CANCELLED, "%d", second.status);
	say(&first, &cancel);
	(void)hear_to_the_end(&first);
	close_talk(&second);
	close_talk(&first);
}

Test(caller, a_chunk_after_the_last_is_refused)
{
	struct rpc_serve_request more = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { BYTES_LITERAL("more"), RPC_POSITION_LAST },
	};
	struct talk talk;

	ask(&talk);
	hear_the_beginning(&talk);
	say(&talk, &more);
	cr_assert_lt(hear_to_the_end(&talk), FRAMES / 2);
	cr_assert_eq(talk.status, GRPC_STATUS_FAILED_PRECONDITION, "%d",
		     talk.status);
	close_talk(&talk);
	cr_assert(sealed_is_answered(&target), "its worker was not given back");
}

/* Our end of it hears of that only when it reads, so the node is asked. */
Test(caller, an_answer_that_nobody_reads_is_cut_off)
{
	struct talk talk;

	ask(&talk);
	system_sleep_ms(REQUEST_MS + LIMIT_UNREAD_MS + SOON_MS);
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE,
				   "drain_started running=", SOON_MS));
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "drain_started running=0",
				   SOON_MS));
	hear_the_beginning(&talk);
	(void)hear_to_the_end(&talk);
	cr_assert_eq(talk.status, GRPC_STATUS_CANCELLED, "%d", talk.status);
	close_talk(&talk);
}
