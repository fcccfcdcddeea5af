/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dial.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <string.h>

#include "policy/limits.h"

#define RECONNECT_MIN_MS 100
#define RECONNECT_MAX_MS 1000

/* gRPC's lines hold addresses and a peer's words; ours hold numbers alone. */
static void drop_line(gpr_log_func_args *line)
{
	(void)line;
}

void dial_init(void)
{
	gpr_set_log_function(drop_line);
	grpc_init();
}

void dial_shutdown(void)
{
	grpc_shutdown_blocking();
}

gpr_timespec dial_deadline(int64_t ms)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			    gpr_time_from_millis(ms, GPR_TIMESPAN));
}

static bool is_local(const char *target)
{
	return strncmp(target, "unix:", strlen("unix:")) == 0;
}

/*
 * gRPC only reads the strings of arguments and key pairs, though it declares
 * them without const.
 */
static char *readable(const char *text)
{
	union {
		const char *given;
		char *declared;
	} view = { .given = text };

	return view.declared;
}

/* gRPC copies the texts, so the caller may wipe them when this is done. */
static enum err credentials(const char *target, const struct dial_tls *tls,
			    grpc_channel_credentials **out)
{
	if (is_local(target)) {
		*out = grpc_insecure_credentials_create();
		return ERR_OK;
	}
	if (tls->ca == NULL || tls->certificate == NULL || tls->key == NULL)
		return ERR_DENIED;

	grpc_ssl_pem_key_cert_pair pair = {
		.private_key = tls->key,
		.cert_chain = tls->certificate,
	};

	*out = grpc_ssl_credentials_create_ex(tls->ca, &pair, NULL, NULL);
	return *out != NULL ? ERR_OK : ERR_MALFORMED;
}

static grpc_arg number(const char *name, int value)
{
	return (grpc_arg){ .type = GRPC_ARG_INTEGER,
			   .key = readable(name),
			   .value.integer = value };
}

enum err dial_open(const char *target, const struct dial_tls *tls,
		   grpc_channel **out)
{
	grpc_channel_credentials *identity = NULL;
	grpc_arg list[] = {
		number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		       LIMIT_MESSAGE_BYTES),
		number(GRPC_ARG_MAX_METADATA_SIZE, LIMIT_METADATA_BYTES),
		/* What a slow client has not read stays with its node. */
		number(GRPC_ARG_HTTP2_BDP_PROBE, 0),
		number(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
		       LIMIT_MESSAGE_BYTES),
		number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_MIN_MS),
		number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
		number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
		number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
		number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_MS / 3),
		number(GRPC_ARG_ENABLE_RETRIES, 0), /* a request goes once */
		number(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
		number(GRPC_ARG_ENABLE_CHANNELZ, 0),
		number(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
		{ .type = GRPC_ARG_STRING,
		  .key = readable(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG),
		  .value.string = readable(tls->name) },
	};
	size_t count = sizeof(list) / sizeof(list[0]);
	grpc_channel_args arguments = { tls->name == NULL ? count - 1 : count,
					list };

	TRY(credentials(target, tls, &identity));
	*out = grpc_channel_create(target, identity, &arguments);
	grpc_channel_credentials_release(identity);
	return *out != NULL ? ERR_OK : ERR_MALFORMED;
}

grpc_byte_buffer *dial_message(struct bytes message)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(
		message.len == 0 ? "" : (const char *)message.data,
		message.len);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	return buffer;
}

enum err dial_take(grpc_byte_buffer **message, struct writer *out)
{
	grpc_byte_buffer_reader reader;
	enum err err = ERR_MALFORMED;

	if (*message == NULL)
		return ERR_TRUNCATED;
	if (grpc_byte_buffer_reader_init(&reader, *message)) {
		grpc_slice all = grpc_byte_buffer_reader_readall(&reader);

		err = bytes_put(out, (struct bytes){ GRPC_SLICE_START_PTR(all),
						     GRPC_SLICE_LENGTH(all) });
		grpc_slice_unref(all);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(*message);
	*message = NULL;
	return err;
}

/* What a unary call leaves behind, to be freed in one place. */
struct answer {
	grpc_metadata_array initial;
	grpc_metadata_array trailing;
	grpc_byte_buffer *message;
	grpc_status_code status;
	grpc_slice details;
};

/* All six steps in one batch, for a call that has one message each way. */
static void run(grpc_call *call, grpc_completion_queue *queue,
		grpc_byte_buffer *request, struct answer *answer)
{
	grpc_op steps[6] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT },
	};

	steps[1].data.send_message.send_message = request;
	steps[3].data.recv_initial_metadata.recv_initial_metadata =
		&answer->initial;
	steps[4].data.recv_message.recv_message = &answer->message;
	steps[5].data.recv_status_on_client.trailing_metadata =
		&answer->trailing;
	steps[5].data.recv_status_on_client.status = &answer->status;
	steps[5].data.recv_status_on_client.status_details = &answer->details;
	invariant(grpc_call_start_batch(call, steps, 6, call, NULL) ==
		  GRPC_CALL_OK);
	(void)grpc_completion_queue_pluck(
		queue, call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

enum err dial_call(const struct dial_unary *unary, struct writer *response)
{
	struct answer answer = { .status = GRPC_STATUS_UNKNOWN,
				 .details = grpc_empty_slice() };
	grpc_byte_buffer *request = dial_message(unary->request);
	grpc_completion_queue *queue =
		grpc_completion_queue_create_for_pluck(NULL);
	grpc_call *call = grpc_channel_create_call(
		unary->channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
		grpc_slice_from_static_string(unary->method), NULL,
		dial_deadline(unary->timeout_ms), NULL);
	enum err err = ERR_UNAVAILABLE;

	grpc_metadata_array_init(&answer.initial);
	grpc_metadata_array_init(&answer.trailing);
	run(call, queue, request, &answer);
	if (answer.status == GRPC_STATUS_OK)
		err = dial_take(&answer.message, response);

	if (answer.message != NULL)
		grpc_byte_buffer_destroy(answer.message);
	grpc_byte_buffer_destroy(request);
	grpc_slice_unref(answer.details);
	grpc_metadata_array_destroy(&answer.initial);
	grpc_metadata_array_destroy(&answer.trailing);
	grpc_call_unref(call);
	grpc_completion_queue_shutdown(queue);
	grpc_completion_queue_destroy(queue);
	return err;
}
