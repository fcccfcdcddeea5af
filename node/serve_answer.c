/* SPDX-License-Identifier: Apache-2.0 */
#include "node/serve_answer.h"

#include <errno.h>

#include "node/channel.h"

static struct {
	const struct policy *policy;
	struct channel_packet packet;
} answers;

void serve_answer_init(const struct policy *policy)
{
	answers.policy = policy;
}

bool serve_answer_is_paced(void)
{
	return answers.policy->shape == POLICY_SHAPE_PACED;
}

static void send_frame(struct serve_stream *stream, struct bytes frame,
		       enum rpc_position position)
{
	struct rpc_serve_response response = {
		.step = RPC_RESPONSE_CHUNK,
		.chunk = { frame, position },
	};

	if (serve_stream_send(stream, &response) != ERR_OK) {
		serve_stream_lose(stream);
		return;
	}
	stream->frames++;
	stream->answered += frame.len;
	if (frame.len > stream->frame_most)
		stream->frame_most = frame.len;
	if (position == RPC_POSITION_LAST)
		serve_stream_finish(stream);
}

static bool is_in_shape(const struct serve_stream *stream,
			const struct message *message)
{
	if (stream->state != SERVE_STREAM_ANSWER || !stream->is_pulling)
		return false;
	return answers.policy->shape == POLICY_SHAPE_OFF ||
	       message->body.len == answers.policy->frame_bytes;
}

static void on_frame(struct serve_stream *stream, const struct message *message)
{
	bool is_last = message->kind == MESSAGE_LAST;

	if (!is_in_shape(stream, message)) {
		serve_stream_lose(stream);
		return;
	}
	if (!serve_answer_is_paced()) {
		send_frame(stream, message->body,
			   is_last ? RPC_POSITION_LAST : RPC_POSITION_MORE);
		return;
	}
	/* It leaves at the next tick: when the worker gave it does not show. */
	stream->is_pulling = false;
	stream->frame = WRITER_OVER(stream->frame_bytes);
	invariant(bytes_put(&stream->frame, message->body) == ERR_OK);
	stream->has_frame = true;
	stream->frame_is_last = is_last;
	if (is_last)
		serve_stream_leave_worker(stream);
}

/* All that a worker may say but frames: why it could not open the request. */
static void on_end(struct serve_stream *stream, enum err err,
		   const struct message *message)
{
	if (err == ERR_OK && message->kind == MESSAGE_FAILED &&
	    stream->frames == 0 && !stream->has_frame)
		serve_stream_fail(stream, message->number[0]);
	else
		serve_stream_lose(stream);
}

static enum err receive(const struct serve_stream *stream, struct message *out)
{
	int passed;

	return channel_receive(stream->worker->channel, &answers.packet, out,
			       &passed);
}

void serve_answer_hear(struct serve_stream *stream)
{
	struct message message;
	enum err err = receive(stream, &message);

	if (err == ERR_UNAVAILABLE && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (err == ERR_OK &&
	    (message.kind == MESSAGE_FRAME || message.kind == MESSAGE_LAST))
		on_frame(stream, &message);
	else
		on_end(stream, err, &message);
}

void serve_answer_hear_last(struct serve_stream *stream)
{
	struct message message;

	on_end(stream, receive(stream, &message), &message);
}

void serve_answer_pull(struct serve_stream *stream)
{
	struct message message = { .kind = MESSAGE_PULL,
				   .number = { serve_answer_is_paced()
						       ? MESSAGE_PULL_ONE
						       : MESSAGE_PULL_ALL } };

	if (stream->is_pulling)
		return;
	if (channel_send(stream->worker->channel, &message, -1) == ERR_OK)
		stream->is_pulling = true;
	else if (errno != EAGAIN)
		serve_answer_hear_last(stream);
}

void serve_answer_tick(struct serve_stream *stream)
{
	if (!serve_answer_is_paced()) {
		serve_answer_pull(stream);
		return;
	}
	if (server_backlog(stream->call) >= SERVE_ANSWER_BACKLOG)
		return;
	/* On a busy machine nobody may have heard yet that there is a frame. */
	if (stream->is_pulling)
		serve_answer_hear(stream);
	if (stream->state != SERVE_STREAM_ANSWER)
		return;
	if (stream->has_frame) {
		stream->has_frame = false;
		send_frame(stream, bytes_written(&stream->frame),
			   stream->frame_is_last ? RPC_POSITION_LAST
						 : RPC_POSITION_MORE);
	}
	if (stream->state == SERVE_STREAM_ANSWER)
		serve_answer_pull(stream);
}
