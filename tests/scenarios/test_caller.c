/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller that speaks gRPC to the node itself, with none of our gateway's good
 * manners: it changes its mind, says too much, or does not read its answer.
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "policy/limits.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/process.h"
#include "tests/system.h"
#include "wire/hex.h"

#define FRAMES 64
#define FRAME_BYTES 4096
#define WINDOW_BYTES (8 * FRAME_BYTES)
#define TICK_MS 20
#define REQUEST_MS 1500 /* an answer is over after that, read or not */
#define SOON_MS 1000
#define SILENT 120 /* more than STREAMS_BESIDES, workers and queue */
#define PATIENCE_MS (REQUEST_MS + LIMIT_UNREAD_MS + 5000)

static const struct rpc_serve_request cancel = { .step = RPC_REQUEST_CANCEL };

static struct system pcc;
static struct sealed_target target;
static struct call_line line;

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
	line = call_dial(&pcc, WINDOW_BYTES);
}

static void stop(void)
{
	if (line.queue != NULL)
		system_stop_or_fail(&pcc);
}

TestSuite(caller, .init = start, .fini = stop, .timeout = 30);

/* A good question, whole, whose answer takes FRAMES frames. */
static void ask(struct call *call)
{
	call_question(&line, &target, PATIENCE_MS, call);
}

/* The acknowledgement, and the first frame. */
static void hear_the_beginning(struct call *call)
{
	cr_assert(call_hear(call, NULL));
	cr_assert(call_hear(call, NULL));
}

static unsigned hear_to_the_end(struct call *call)
{
	unsigned heard = 0;

	while (call_hear(call, NULL))
		heard++;
	cr_assert(call_await_end(call, SOON_MS));
	return heard;
}

Test(caller, a_cancel_after_the_last_chunk_ends_the_answer)
{
	struct call call;

	ask(&call);
	hear_the_beginning(&call);
	call_say(&call,
		 &(struct rpc_serve_request){ .step = RPC_REQUEST_CANCEL });
	cr_assert_lt(hear_to_the_end(&call), FRAMES / 2);
	cr_assert_eq(call.status, GRPC_STATUS_CANCELLED, "%d", call.status);
	call_close(&call);
	cr_assert(sealed_is_answered(&target), "its worker was not given back");
}

Test(caller, a_cancel_is_heard_while_a_worker_is_waited_for)
{
	struct call first, second;

	ask(&first);
	hear_the_beginning(&first);
	ask(&second);
	cr_assert(call_hear(&second, NULL));
	call_say(&second, &cancel);
	cr_assert(call_await_end(&second, SOON_MS));
	cr_assert_eq(second.status, GRPC_STATUS_CANCELLED, "%d", second.status);
	call_say(&first, &cancel);
	(void)hear_to_the_end(&first);
	call_close(&second);
	call_close(&first);
}

Test(caller, a_chunk_after_the_last_is_refused)
{
	struct rpc_serve_request more = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { BYTES_LITERAL("more"), RPC_POSITION_LAST },
	};
	struct call call;

	ask(&call);
	hear_the_beginning(&call);
	call_say(&call, &more);
	cr_assert_lt(hear_to_the_end(&call), FRAMES / 2);
	cr_assert_eq(call.status, GRPC_STATUS_FAILED_PRECONDITION, "%d",
		     call.status);
	call_close(&call);
	cr_assert(sealed_is_answered(&target), "its worker was not given back");
}

/* As many as may call, and none of them says more than where it calls. */
Test(caller, who_says_nothing_makes_room_for_who_asks)
{
	static struct call silent[SILENT];
	const char *hex = target.node_header + strlen("PCC-Node: ");
	struct rpc_serve_request setup = { .step = RPC_REQUEST_SETUP };

	setup.setup.form = RPC_FORM_CHUNKED;
	cr_assert_eq(hex_decode(bytes_of_string(hex), setup.setup.node_id,
				RPC_NODE_ID_BYTES),
		     ERR_OK);
	for (size_t i = 0; i < SILENT; i++) {
		call_open(&line, PATIENCE_MS, &silent[i]);
		call_say(&silent[i], &setup);
		if (i == 0) /* it is there before the others for certain */
			cr_assert(call_hear(&silent[i], NULL));
	}
	for (int i = 0; i < 3; i++)
		cr_assert(sealed_is_answered(&target), "there was no room");
	/* The one that has taken longest over it made room first. */
	(void)hear_to_the_end(&silent[0]);
	cr_assert_eq(silent[0].status, GRPC_STATUS_RESOURCE_EXHAUSTED, "%d",
		     silent[0].status);
	for (size_t i = 0; i < SILENT; i++)
		call_close(&silent[i]);
}

/* A message more than makes a worker worth taking, and not the last. */
static void upload_much(struct call *call)
{
	static const uint8_t piece[LIMIT_MESSAGE_BYTES / 2];
	const struct rpc_serve_request more = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { { piece, sizeof(piece) }, RPC_POSITION_MORE },
	};

	call_set_up(call, &target, OHTTP_CHUNKED);
	for (int i = 0; i < 3; i++)
		call_say(call, &more);
}

/* The node does not read it meanwhile, so that it cannot say any more. */
Test(caller, who_waits_for_a_worker_makes_room_for_nobody)
{
	static struct call silent[SILENT];
	struct call first, second;

	ask(&first);
	hear_the_beginning(&first);
	call_open(&line, PATIENCE_MS, &second);
	upload_much(&second);
	system_sleep_ms(TICK_MS * 10); /* until it waits for a worker */
	for (size_t i = 0; i < SILENT; i++) {
		call_open(&line, PATIENCE_MS, &silent[i]);
		call_set_up(&silent[i], &target, OHTTP_CHUNKED);
		if (i == 0)
			cr_assert(call_hear(&silent[i], NULL));
	}
	(void)hear_to_the_end(&silent[0]);
	cr_assert_eq(silent[0].status, GRPC_STATUS_RESOURCE_EXHAUSTED, "%d",
		     silent[0].status);
	call_say(&first, &cancel);
	(void)hear_to_the_end(&first);
	call_say(&second, &cancel);
	(void)hear_to_the_end(&second);
	cr_assert_eq(second.status, GRPC_STATUS_CANCELLED, "%d", second.status);
	for (size_t i = 0; i < SILENT; i++)
		call_close(&silent[i]);
	call_close(&second);
	call_close(&first);
}

/* Our end of it hears of that only when it reads, so the node is asked. */
Test(caller, an_answer_that_nobody_reads_is_cut_off)
{
	struct call call;

	ask(&call);
	system_sleep_ms(REQUEST_MS + LIMIT_UNREAD_MS + SOON_MS);
	system_signal(&pcc, SYSTEM_NODE, SIGTERM);
	cr_assert(system_await_log(&pcc, SYSTEM_NODE,
				   "drain_started running=", SOON_MS));
	cr_assert(system_await_log(&pcc, SYSTEM_NODE, "drain_started running=0",
				   SOON_MS));
	hear_the_beginning(&call);
	(void)hear_to_the_end(&call);
	/* The node has ended by then, and its word may be lost with it. */
	cr_assert(call.status == GRPC_STATUS_CANCELLED ||
			  call.status == GRPC_STATUS_UNAVAILABLE,
		  "%d", call.status);
	call_close(&call);
}
