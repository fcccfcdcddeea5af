/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any split of a stream gives the same events; what is written as one event
 * reads back as it was, between any padding.
 *
 *     piece | padding | stream
 */
#include <stdlib.h>
#include <string.h>

#include "wire/sse.h"

#define MEMORY_BYTES 256
#define INPUT_MAX 4096

struct transcript {
	enum err err;
	size_t events;
	struct writer text;
	uint8_t buffer[16 * INPUT_MAX];
};

static void note(struct transcript *transcript, struct bytes text)
{
	invariant(bytes_put_u32(&transcript->text, (uint32_t)text.len) ==
		  ERR_OK);
	invariant(bytes_put(&transcript->text, text) == ERR_OK);
}

static void read_piece(struct transcript *transcript, struct sse *parser,
		       struct bytes in)
{
	struct sse_event event = { .kind = SSE_EVENT_DATA };

	while (transcript->err == ERR_OK && event.kind != SSE_EVENT_MORE) {
		transcript->err = sse_next(parser, &in, &event);
		if (transcript->err != ERR_OK || event.kind == SSE_EVENT_MORE)
			continue;
		transcript->events++;
		note(transcript, event.type);
		note(transcript, event.data);
	}
}

static void read_stream(struct transcript *transcript, struct bytes stream,
			size_t piece)
{
	uint8_t *memory = malloc(MEMORY_BYTES);
	struct sse parser;

	transcript->err = ERR_OK;
	transcript->events = 0;
	transcript->text = WRITER_OVER(transcript->buffer);
	sse_init(&parser, (struct writer){ memory, 0, MEMORY_BYTES });
	while (stream.len > 0 && transcript->err == ERR_OK) {
		struct bytes in = { stream.data,
				    piece < stream.len ? piece : stream.len };

		stream.data += in.len;
		stream.len -= in.len;
		read_piece(transcript, &parser, in);
	}
	free(memory);
}

/* data as an event of its own, if it may be one. */
static void check_round_trip(struct transcript *transcript, struct bytes data,
			     size_t padding)
{
	static uint8_t buffer[8 * INPUT_MAX];
	struct writer out = WRITER_OVER(buffer);
	struct bytes read;

	invariant(sse_put_padding(&out, padding) == ERR_OK);
	if (data.len > MEMORY_BYTES - 8 || sse_put_data(&out, data) != ERR_OK)
		return;
	invariant(sse_put_padding(&out, padding) == ERR_OK);
	read_stream(transcript, bytes_written(&out), 7);
	if (transcript->err == ERR_TOO_LARGE)
		return; /* many short lines */
	invariant(transcript->err == ERR_OK && transcript->events == 1);
	read = bytes_written(&transcript->text);
	read.data += 4 + 7 + 4; /* "message" and two lengths */
	read.len -= 4 + 7 + 4;
	invariant(bytes_equal(read, data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct transcript whole;
	static struct transcript split;
	struct bytes stream;

	if (len < 2 || len > INPUT_MAX)
		return 0;
	stream = (struct bytes){ data + 2, len - 2 };
	read_stream(&whole, stream, len);
	read_stream(&split, stream, 1 + data[0] % 16);
	invariant(whole.err == split.err && whole.events == split.events);
	invariant(bytes_equal(bytes_written(&whole.text),
			      bytes_written(&split.text)));
	check_round_trip(&split, stream, data[1]);
	return 0;
}
