/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: gRPC with a node itself, no gateway between, a step at a time.
 *
 *     call_dial       a channel, which takes no more ahead than it is told
 *     call_open       one call of Serve
 *     call_ask        set-up and a whole sealed request
 *     call_question   all of that, for a question that is as good as any
 *     call_hear       a message of the node: the acknowledgement, then chunks
 *     call_await_end  the status
 *
 * What should not fail ends the program.  Link libgateway.a.
 */
#ifndef TESTS_SCENARIOS_CALL_H
#define TESTS_SCENARIOS_CALL_H

#include <grpc/grpc.h>

#include "tests/scenarios/sealed.h"
#include "tests/system.h"
#include "wire/rpc.h"

struct call_line {
	grpc_channel *channel;
	grpc_completion_queue *queue;
};

/* A call, and what the node said at its end. */
struct call {
	const struct call_line *line; /* borrowed */
	grpc_call *rpc;
	grpc_metadata_array initial, trailing;
	grpc_slice details;
	grpc_status_code status;
	bool has_said, has_heard;
};

/* To the node's socket; bytes that it takes ahead of its reader, 0: gRPC's own
 * choice.  Never closed. */
struct call_line call_dial(const struct system *system, int window_bytes);

/* A call that may take so long. */
void call_open(const struct call_line *line, int timeout_ms, struct call *out);

void call_say(struct call *call, const struct rpc_serve_request *request);

/* Set-up for the target's node. */
void call_set_up(struct call *call, const struct sealed_target *target,
		 enum ohttp_form form);

/* The same in the form of the request, and all of it. */
void call_ask(struct call *call, const struct sealed_target *target,
	      const struct sealed_request *request);

/* A call of its own with a good question, whole, sealed to the target. */
void call_question(const struct call_line *line,
		   const struct sealed_target *target, int timeout_ms,
		   struct call *out);

/* The bytes of a chunk are appended to `chunk`, where that is not NULL.  False:
 * there is no message any more. */
bool call_hear(struct call *call, struct writer *chunk);

/* Whether the call's status came in time. */
bool call_await_end(struct call *call, int timeout_ms);

void call_close(struct call *call);

#endif
