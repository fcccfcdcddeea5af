/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/call.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/dial.h"
#include "policy/limits.h"
#include "wire/hex.h"

#define SAY_MS 1000
#define HEAR_MS 30000
#define ENCODED_MAX (SEALED_MAX + 64)
#define MESSAGE_MAX (LIMIT_MESSAGE_BYTES + 256)

struct call_line call_dial(const struct system *system, int window_bytes)
{
	char path[SYSTEM_PATH_MAX], name[SYSTEM_PATH_MAX + 8];
	char lookahead[] = GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES;
	char probe[] = GRPC_ARG_HTTP2_BDP_PROBE;
	grpc_arg list[] = {
		{ GRPC_ARG_INTEGER, lookahead, { .integer = window_bytes } },
		{ GRPC_ARG_INTEGER, probe, { .integer = 0 } },
	};
	grpc_channel_args args = { window_bytes == 0 ? 0 : 2, list };
	grpc_channel_credentials *none = grpc_insecure_credentials_create();
	struct call_line line;

	system_socket(system, path);
	snprintf(name, sizeof(name), "unix:%s", path);
	dial_init();
	line.channel = grpc_channel_create(name, none, &args);
	grpc_channel_credentials_release(none);
	line.queue = grpc_completion_queue_create_for_pluck(NULL);
	return line;
}

static void begin_batch(struct call *call, const grpc_op *ops, size_t count,
			void *tag)
{
	invariant(grpc_call_start_batch(call->rpc, ops, count, tag, NULL) ==
		  GRPC_CALL_OK);
}

static bool await(const struct call *call, void *tag, int ms)
{
	return grpc_completion_queue_pluck(call->line->queue, tag,
					   dial_deadline(ms), NULL)
		       .type == GRPC_OP_COMPLETE;
}

/* Its status is waited for from the beginning, under the tag of the call. */
void call_open(const struct call_line *line, int timeout_ms, struct call *out)
{
	grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	*out = (struct call){ .line = line, .details = grpc_empty_slice() };
	grpc_metadata_array_init(&out->initial);
	grpc_metadata_array_init(&out->trailing);
	out->rpc = grpc_channel_create_call(
		line->channel, NULL, GRPC_PROPAGATE_DEFAULTS, line->queue,
		grpc_slice_from_static_string(DIAL_METHOD_SERVE), NULL,
		dial_deadline(timeout_ms), NULL);
	end.data.recv_status_on_client.trailing_metadata = &out->trailing;
	end.data.recv_status_on_client.status = &out->status;
	end.data.recv_status_on_client.status_details = &out->details;
	begin_batch(out, &end, 1, out);
}

void call_say(struct call *call, const struct rpc_serve_request *request)
{
	struct writer out = { malloc(ENCODED_MAX), 0, ENCODED_MAX };
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_MESSAGE },
			   { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	grpc_byte_buffer *message;

	invariant(out.data != NULL &&
		  rpc_serve_request_encode(request, &out) == ERR_OK);
	message = dial_message(bytes_written(&out));
	ops[0].data.send_message.send_message = message;
	begin_batch(call, ops, call->has_said ? 1 : 2, ops);
	call->has_said = true;
	invariant(await(call, ops, SAY_MS));
	grpc_byte_buffer_destroy(message);
	free(out.data);
}

void call_set_up(struct call *call, const struct sealed_target *target,
		 enum ohttp_form form)
{
	struct rpc_serve_request setup = { .step = RPC_REQUEST_SETUP };
	const char *hex = target->node_header + strlen("PCC-Node: ");

	setup.setup.form =
		form == OHTTP_CHUNKED ? RPC_FORM_CHUNKED : RPC_FORM_UNCHUNKED;
	invariant(hex_decode(bytes_of_string(hex), setup.setup.node_id,
			     RPC_NODE_ID_BYTES) == ERR_OK);
	call_say(call, &setup);
}

void call_ask(struct call *call, const struct sealed_target *target,
	      const struct sealed_request *request)
{
	const struct rpc_serve_request chunk = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { { request->bytes, request->len },
			   RPC_POSITION_LAST },
	};

	call_set_up(call, target, request->exchange.form);
	call_say(call, &chunk);
}

void call_question(const struct call_line *line,
		   const struct sealed_target *target, int timeout_ms,
		   struct call *out)
{
	uint8_t bytes[1024];
	struct writer inner = WRITER_OVER(bytes);
	struct sealed_request sealed;

	call_open(line, timeout_ms, out);
	sealed_inner_question("Once upon a time", 1, &inner);
	sealed_make(target, OHTTP_CHUNKED, bytes_written(&inner), &sealed);
	call_ask(out, target, &sealed);
	sealed_free(&sealed);
}

static void take_chunk(grpc_byte_buffer *message, struct writer *out)
{
	static uint8_t encoded[MESSAGE_MAX];
	static uint8_t decoded[RPC_ARENA_FOR(MESSAGE_MAX)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
	struct arena arena = { .base = decoded, .size = sizeof(decoded) };
	struct writer bytes = WRITER_OVER(encoded);
	struct rpc_serve_response response;

	memset(decoded, 0, sizeof(decoded));
	invariant(dial_take(&message, &bytes) == ERR_OK);
	invariant(rpc_serve_response_parse(bytes_written(&bytes), &arena,
					   &response) == ERR_OK);
	if (response.step == RPC_RESPONSE_CHUNK)
		invariant(bytes_put(out, response.chunk.data) == ERR_OK);
}

bool call_hear(struct call *call, struct writer *chunk)
{
	grpc_byte_buffer *message = NULL;
	grpc_op ops[2] = { { .op = GRPC_OP_RECV_MESSAGE },
			   { .op = GRPC_OP_RECV_INITIAL_METADATA } };

	ops[0].data.recv_message.recv_message = &message;
	ops[1].data.recv_initial_metadata.recv_initial_metadata =
		&call->initial;
	begin_batch(call, ops, call->has_heard ? 1 : 2, ops);
	call->has_heard = true;
	invariant(await(call, ops, HEAR_MS));
	if (message == NULL)
		return false;
	if (chunk != NULL)
		take_chunk(message, chunk);
	else
		grpc_byte_buffer_destroy(message);
	return true;
}

bool call_await_end(struct call *call, int timeout_ms)
{
	return await(call, call, timeout_ms);
}

void call_close(struct call *call)
{
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_slice_unref(call->details);
	grpc_call_unref(call->rpc);
}
