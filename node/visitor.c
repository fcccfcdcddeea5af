/* SPDX-License-Identifier: Apache-2.0 */
#include "node/visitor.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "crypto/ohttp_opener.h"
#include "crypto/ohttp_sealer.h"
#include "policy/limits.h"
#include "wire/bhttp_write.h"
#include "wire/bundle.h"
#include "wire/padding.h"
#include "wire/rpc.h"
#include "wire/statement.h"
#include "wire/varint.h"

#define METHOD_ATTESTATION "/pcc.node.v1.Node/GetAttestation"
#define METHOD_SERVE "/pcc.node.v1.Node/Serve"
#define PATIENCE_MS 60000
#define INNER_BYTES ((size_t)4 << 10) /* a question, padded */
#define SEALED_BYTES (2 * INNER_BYTES)
#define ANSWER_BYTES ((size_t)1 << 20)
#define MESSAGE_BYTES (BUNDLE_BYTES_MAX + LIMIT_MESSAGE_BYTES + 256)
#define OK_STATUS 200
#define TRIES 100 /* of 50 ms */

struct visitor {
	grpc_channel *channel;
	grpc_completion_queue *queue;
	grpc_call *call;
	grpc_metadata_array initial;
	bool has_said, has_heard;

	uint8_t node_id[RPC_NODE_ID_BYTES];
	struct ohttp_key_config key;
	struct ohttp_exchange exchange;

	uint8_t inner[INNER_BYTES]; /* the question, until it is sealed */
	uint8_t sealed[SEALED_BYTES];
	size_t sealed_len;
	uint8_t answer[ANSWER_BYTES], opened[ANSWER_BYTES];
	uint8_t message[MESSAGE_BYTES];
	uint8_t decoded[RPC_ARENA_FOR(MESSAGE_BYTES)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
};

/* gRPC's lines are its own. */
static void drop_line(gpr_log_func_args *line)
{
	(void)line;
}

static gpr_timespec deadline(void)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			    gpr_time_from_millis(PATIENCE_MS, GPR_TIMESPAN));
}

static enum err do_steps(struct visitor *visitor, const grpc_op *steps,
			 size_t count)
{
	grpc_event event;

	if (grpc_call_start_batch(visitor->call, steps, count, visitor, NULL) !=
	    GRPC_CALL_OK)
		return ERR_UNAVAILABLE;
	event = grpc_completion_queue_pluck(visitor->queue, visitor, deadline(),
					    NULL);
	return event.type == GRPC_OP_COMPLETE && event.success
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

static void open_call(struct visitor *visitor, const char *method)
{
	if (visitor->call != NULL) {
		grpc_metadata_array_destroy(&visitor->initial);
		grpc_call_unref(visitor->call);
	}
	grpc_metadata_array_init(&visitor->initial);
	visitor->has_said = visitor->has_heard = false;
	visitor->call = grpc_channel_create_call(
		visitor->channel, NULL, GRPC_PROPAGATE_DEFAULTS, visitor->queue,
		grpc_slice_from_static_string(method), NULL, deadline(), NULL);
}

static enum err say(struct visitor *visitor, struct bytes message)
{
	grpc_op steps[2] = { { .op = GRPC_OP_SEND_MESSAGE },
			     { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	grpc_slice slice = grpc_slice_from_copied_buffer(
		message.len == 0 ? "" : (const char *)message.data,
		message.len);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	enum err err;

	grpc_slice_unref(slice);
	steps[0].data.send_message.send_message = buffer;
	err = do_steps(visitor, steps, visitor->has_said ? 1 : 2);
	visitor->has_said = true;
	grpc_byte_buffer_destroy(buffer);
	return err;
}

/* Into visitor->message; ERR_TRUNCATED at the end of the call. */
static enum err hear(struct visitor *visitor, struct bytes *out)
{
	struct writer message = WRITER_OVER(visitor->message);
	grpc_byte_buffer *buffer = NULL;
	grpc_op steps[2] = { { .op = GRPC_OP_RECV_MESSAGE },
			     { .op = GRPC_OP_RECV_INITIAL_METADATA } };
	grpc_byte_buffer_reader reader;
	enum err err = ERR_TRUNCATED;

	steps[0].data.recv_message.recv_message = &buffer;
	steps[1].data.recv_initial_metadata.recv_initial_metadata =
		&visitor->initial;
	TRY(do_steps(visitor, steps, visitor->has_heard ? 1 : 2));
	visitor->has_heard = true;
	if (buffer != NULL && grpc_byte_buffer_reader_init(&reader, buffer)) {
		grpc_slice all = grpc_byte_buffer_reader_readall(&reader);

		err = bytes_put(&message,
				(struct bytes){ GRPC_SLICE_START_PTR(all),
						GRPC_SLICE_LENGTH(all) });
		grpc_slice_unref(all);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	if (buffer != NULL)
		grpc_byte_buffer_destroy(buffer);
	*out = bytes_written(&message);
	return err;
}

static struct arena decoding(struct visitor *visitor)
{
	memset(visitor->decoded, 0, sizeof(visitor->decoded));
	return (struct arena){ .base = visitor->decoded,
			       .size = sizeof(visitor->decoded) };
}

static enum err take_bundle(struct visitor *visitor, struct bytes bytes)
{
	struct statement statement;
	struct bundle bundle;
	size_t count;

	TRY(bundle_parse(bytes, &bundle));
	TRY(ohttp_keys_parse(bundle.keys, &visitor->key, 1, &count));
	TRY(statement_parse(bundle.statement, &statement));
	memcpy(visitor->node_id, statement.node_id, sizeof(visitor->node_id));
	return ERR_OK;
}

static enum err ask_for_bundle(struct visitor *visitor)
{
	struct arena arena = decoding(visitor);
	struct rpc_attestation_response response;
	struct bytes message;

	open_call(visitor, METHOD_ATTESTATION);
	TRY(say(visitor, BYTES_LITERAL("")));
	TRY(do_steps(visitor,
		     &(grpc_op){ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT }, 1));
	TRY(hear(visitor, &message));
	TRY(rpc_attestation_response_parse(message, &arena, &response));
	return take_bundle(visitor, response.bundle);
}

static void wait_a_little(void)
{
	const struct timespec time = { 0, 50 * 1000000l };

	nanosleep(&time, NULL);
}

enum err visitor_open(const char *path, struct visitor **out)
{
	grpc_channel_credentials *none;
	struct visitor *visitor = calloc(1, sizeof(*visitor));
	char target[128];

	if (visitor == NULL)
		return ERR_UNAVAILABLE;
	gpr_set_log_function(drop_line);
	grpc_init();
	none = grpc_insecure_credentials_create();
	snprintf(target, sizeof(target), "unix:%s", path);
	visitor->channel = grpc_channel_create(target, none, NULL);
	grpc_channel_credentials_release(none);
	visitor->queue = grpc_completion_queue_create_for_pluck(NULL);
	/* A node that has just begun has nothing to show for a moment. */
	for (unsigned i = 0; i < TRIES; i++) {
		if (ask_for_bundle(visitor) == ERR_OK) {
			*out = visitor;
			return ERR_OK;
		}
		wait_a_little();
	}
	visitor_close(visitor);
	return ERR_UNAVAILABLE;
}

static enum err write_inner(struct bytes json, struct writer *out)
{
	static const struct bhttp_field type[] = {
		{ BYTES_LITERAL("content-type"),
		  BYTES_LITERAL("application/json") },
	};
	const struct bhttp_control control = {
		.method = BYTES_LITERAL("POST"),
		.scheme = BYTES_LITERAL("https"),
		.path = BYTES_LITERAL("/v1/completions"),
	};
	const struct bhttp_write_fields fields = { type, 1 };

	size_t size;

	TRY(bhttp_write_request(out, &control, fields, json));
	TRY(padding_size_class(out->len, &size));
	return bhttp_write_padding(out, size);
}

enum err visitor_seal(struct visitor *visitor, struct bytes json)
{
	SCOPED_WIPE(ohttp_sealer_wipe) struct ohttp_sealer sealer = { 0 };
	struct writer inner = WRITER_OVER(visitor->inner);
	struct writer sealed = WRITER_OVER(visitor->sealed);
	enum err err = write_inner(json, &inner);

	if (err == ERR_OK)
		err = ohttp_send(&visitor->key, visitor->key.symmetric[0],
				 OHTTP_CHUNKED, &visitor->exchange);
	if (err == ERR_OK) {
		ohttp_sealer_init_request(&sealer, &visitor->exchange);
		err = ohttp_sealer_begin(&sealer, &sealed);
	}
	if (err == ERR_OK)
		err = ohttp_sealer_put(&sealer, OHTTP_CHUNK_FINAL,
				       bytes_written(&inner), &sealed);
	visitor->sealed_len = sealed.len;
	secret_wipe(visitor->inner, sizeof(visitor->inner));
	secret_wipe_stack();
	return err;
}

static enum err say_request(struct visitor *visitor,
			    const struct rpc_serve_request *request)
{
	struct writer message = WRITER_OVER(visitor->message);

	TRY(rpc_serve_request_encode(request, &message));
	return say(visitor, bytes_written(&message));
}

enum err visitor_ask(struct visitor *visitor)
{
	struct rpc_serve_request setup = { .step = RPC_REQUEST_SETUP,
					   .setup.form = RPC_FORM_CHUNKED };
	struct rpc_serve_request whole = {
		.step = RPC_REQUEST_CHUNK,
		.chunk = { { visitor->sealed, visitor->sealed_len },
			   RPC_POSITION_LAST },
	};

	memcpy(setup.setup.node_id, visitor->node_id, RPC_NODE_ID_BYTES);
	open_call(visitor, METHOD_SERVE);
	TRY(say_request(visitor, &setup));
	return say_request(visitor, &whole);
}

/* All chunks of the answer, until there is none any more. */
static enum err gather(struct visitor *visitor, struct writer *out)
{
	for (;;) {
		struct arena arena = decoding(visitor);
		struct rpc_serve_response response;
		struct bytes message;
		enum err err = hear(visitor, &message);

		if (err == ERR_TRUNCATED)
			return ERR_OK;
		TRY(err);
		TRY(rpc_serve_response_parse(message, &arena, &response));
		if (response.step == RPC_RESPONSE_CHUNK)
			TRY(bytes_put(out, response.chunk.data));
	}
}

static enum err open_answer(struct visitor *visitor, struct bytes sealed,
			    struct bytes *opened)
{
	static uint8_t scratch[LIMIT_MESSAGE_BYTES];
	struct writer plain = WRITER_OVER(visitor->opened);
	SCOPED_WIPE(ohttp_opener_wipe) struct ohttp_opener opener;
	enum err err;

	ohttp_opener_init(&opener, OHTTP_RESPONSE, &visitor->exchange,
			  (struct writer)WRITER_OVER(scratch));
	err = ohttp_opener_push(&opener, sealed, &plain);
	if (err == ERR_OK)
		err = ohttp_opener_finish(&opener, &plain);
	secret_wipe(scratch, sizeof(scratch));
	*opened = bytes_written(&plain);
	return err;
}

enum err visitor_hear(struct visitor *visitor)
{
	struct writer answer = WRITER_OVER(visitor->answer);
	struct bytes opened;
	uint64_t framing, status;

	TRY(gather(visitor, &answer));
	TRY(open_answer(visitor, bytes_written(&answer), &opened));
	TRY(varint_take(&opened, &framing));
	TRY(varint_take(&opened, &status));
	return status == OK_STATUS ? ERR_OK : ERR_DENIED;
}

void visitor_close(struct visitor *visitor)
{
	if (visitor == NULL)
		return;
	if (visitor->call != NULL) {
		grpc_metadata_array_destroy(&visitor->initial);
		grpc_call_unref(visitor->call);
	}
	grpc_channel_destroy(visitor->channel);
	secret_wipe(visitor, sizeof(*visitor));
	free(visitor);
}
