/* SPDX-License-Identifier: Apache-2.0 */
#include "client/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "wire/completion.h"
#include "wire/sse.h"

#define EVENT_MAX (64u << 10) /* data of one event */

struct stream {
	struct exchange *exchange; /* owned */
	struct sse parser;
	struct bytes content; /* not yet parsed; a view into the exchange */
	struct bytes waiting; /* of one written event; a view into written */
	bool done; /* the event that says that nothing follows came */
	bool ended;
	enum proof_verdict receipt;
	bool failed;
	uint8_t event[2 * EVENT_MAX];
	uint8_t written[EVENT_MAX + 64];
};

struct stream *stream_open(struct exchange *exchange)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		exchange_close(exchange);
		return NULL;
	}
	stream->exchange = exchange;
	sse_init(&stream->parser, (struct writer)WRITER_OVER(stream->event));
	return stream;
}

void stream_close(struct stream *stream)
{
	exchange_close(stream->exchange);
	secret_wipe(stream, sizeof(*stream));
	free(stream);
}

static enum stream_kind fail(struct stream *stream, enum trouble why,
			     enum trouble *trouble)
{
	stream->failed = true;
	*trouble = why;
	return STREAM_FAILED;
}

/* A stream whose last event never came was cut, whoever sealed its end. */
static enum stream_kind on_end(struct stream *stream, enum trouble *trouble)
{
	if (!stream->done)
		return fail(stream, TROUBLE_CUT, trouble);
	stream->ended = true;
	return STREAM_END;
}

enum stream_kind stream_next(struct stream *stream, struct bytes *data,
			     enum trouble *trouble)
{
	for (;;) {
		struct sse_event event;
		struct exchange_event next;

		if (sse_next(&stream->parser, &stream->content, &event) !=
		    ERR_OK)
			return fail(stream, TROUBLE_NODE_FAILED, trouble);
		if (event.kind == SSE_EVENT_DATA) {
			stream->done = sse_is_done(event.data);
			*data = event.data;
			return STREAM_EVENT;
		}
		exchange_next(stream->exchange, &next);
		if (next.kind == EXCHANGE_FAILED)
			return fail(stream, next.trouble, trouble);
		if (next.kind == EXCHANGE_END) {
			stream->receipt = next.receipt;
			return on_end(stream, trouble);
		}
		stream->content = next.content;
	}
}

enum proof_verdict stream_receipt(const struct stream *stream)
{
	return stream->receipt;
}

/* The one event that is ours, in the form that OpenAI's own server uses. */
static enum err write_error(enum trouble trouble, struct writer *out)
{
	struct chat_refusal refusal = trouble_refusal(trouble);

	TRY(sse_put_data_begin(out));
	TRY(completion_put_error(out, &refusal));
	return sse_put_data_end(out);
}

/* Have something waiting, unless there is nothing more. */
static void refill(struct stream *stream)
{
	struct writer out = WRITER_OVER(stream->written);
	struct bytes data;
	enum trouble trouble = TROUBLE_NODE_FAILED;
	enum stream_kind kind = stream_next(stream, &data, &trouble);

	if (kind == STREAM_END)
		return;
	if (kind == STREAM_EVENT && sse_put_data(&out, data) != ERR_OK)
		kind = fail(stream, TROUBLE_NODE_FAILED, &trouble);
	if (kind == STREAM_FAILED) {
		out.len = 0;
		invariant(write_error(trouble, &out) == ERR_OK);
	}
	stream->waiting = bytes_written(&out);
}

ptrdiff_t stream_read(struct stream *stream, uint8_t *out, size_t max)
{
	struct bytes piece;
	size_t len;

	if (stream->waiting.len == 0 && !stream->ended && !stream->failed)
		refill(stream);
	len = stream->waiting.len < max ? stream->waiting.len : max;
	if (len == 0)
		return stream->failed ? -1 : 0;
	invariant(bytes_take(&stream->waiting, len, &piece) == ERR_OK);
	memcpy(out, piece.data, len);
	return (ptrdiff_t)len;
}
