/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sse.h"

#include <string.h>

#define DATA_BEGIN BYTES_LITERAL("data: ")
#define EVENT_END BYTES_LITERAL("\n\n")
#define BYTE_ORDER_MARK BYTES_LITERAL("\xef\xbb\xbf")

enum line {
	LINE_EMPTY,   /* nothing of it has come yet */
	LINE_COMMENT, /* passed over */
	LINE_FIELD,   /* collected in memory, behind the data */
};

enum err sse_put_data_begin(struct writer *out)
{
	return bytes_put(out, DATA_BEGIN);
}

enum err sse_put_data_end(struct writer *out)
{
	return bytes_put(out, EVENT_END);
}

/* The bytes before the first line feed. */
static struct bytes first_line(struct bytes data)
{
	const uint8_t *end = NULL;

	if (data.len > 0)
		end = memchr(data.data, '\n', data.len);
	if (end != NULL)
		data.len = (size_t)(end - data.data);
	return data;
}

enum err sse_put_data(struct writer *out, struct bytes data)
{
	struct writer trial = *out;

	if (data.len > 0 && memchr(data.data, '\r', data.len) != NULL)
		return ERR_MALFORMED;
	for (;;) {
		struct bytes line = first_line(data);

		TRY(sse_put_data_begin(&trial));
		TRY(bytes_put(&trial, line));
		if (line.len == data.len)
			break;
		TRY(bytes_put_u8(&trial, '\n'));
		data.data += line.len + 1;
		data.len -= line.len + 1;
	}
	TRY(sse_put_data_end(&trial));
	*out = trial;
	return ERR_OK;
}

enum err sse_put_done(struct writer *out)
{
	return bytes_put(out, BYTES_LITERAL("data: [DONE]\n\n"));
}

bool sse_is_done(struct bytes data)
{
	return bytes_equal(data, BYTES_LITERAL("[DONE]"));
}

enum err sse_put_padding(struct writer *out, size_t len)
{
	uint8_t *padding = out->data + out->len;

	if (len > out->max - out->len)
		return ERR_TOO_LARGE;
	if (len == 0)
		return ERR_OK;
	memset(padding, '\n', len);
	if (len >= SSE_COMMENT_MIN) {
		memset(padding, ' ', len - EVENT_END.len);
		padding[0] = ':';
	}
	out->len += len;
	return ERR_OK;
}

void sse_init(struct sse *parser, struct writer memory)
{
	memory.len = 0;
	*parser = (struct sse){ .memory = memory, .is_first_line = true };
}

static void forget_event(struct sse *parser)
{
	parser->memory.len = 0;
	parser->data_len = 0;
	parser->data_lines = 0;
	parser->type_len = 0;
	parser->given = false;
}

/* A blank line: the event is complete, if there is any data. */
static void end_event(struct sse *parser, struct sse_event *event)
{
	if (parser->data_lines == 0) {
		forget_event(parser);
		return;
	}
	event->kind = SSE_EVENT_DATA;
	event->data.data = parser->memory.data;
	event->data.len = parser->data_len - 1; /* not the last line feed */
	event->type = BYTES_LITERAL("message");
	if (parser->type_len > 0)
		event->type = (struct bytes){ (const uint8_t *)parser->type,
					      parser->type_len };
	parser->given = true;
}

static enum err add_data(struct sse *parser, struct bytes value)
{
	/* The value moves left over its name, which leaves room for the end. */
	memmove(parser->memory.data + parser->data_len, value.data, value.len);
	parser->memory.len = parser->data_len + value.len;
	TRY(bytes_put_u8(&parser->memory, '\n'));
	parser->data_len = parser->memory.len;
	parser->data_lines++;
	return ERR_OK;
}

/* The last one counts; an empty one is as none. */
static enum err set_type(struct sse *parser, struct bytes value)
{
	if (value.len > sizeof(parser->type))
		return ERR_TOO_LARGE;
	memcpy(parser->type, value.data, value.len);
	parser->type_len = value.len;
	return ERR_OK;
}

static void drop_front(struct bytes *text, struct bytes front)
{
	if (text->len < front.len ||
	    memcmp(text->data, front.data, front.len) != 0)
		return;
	text->data += front.len;
	text->len -= front.len;
}

/* "name", "name:value" or "name: value". */
static enum err end_field(struct sse *parser, struct bytes line)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	struct bytes name = line;
	struct bytes value = { line.data + line.len, 0 };
	enum err err = ERR_OK;

	if (colon != NULL) {
		name.len = (size_t)(colon - line.data);
		value.data = colon + 1;
		value.len = line.len - name.len - 1;
		drop_front(&value, BYTES_LITERAL(" "));
	}
	if (bytes_equal(name, BYTES_LITERAL("data")))
		err = add_data(parser, value);
	else if (bytes_equal(name, BYTES_LITERAL("event")))
		err = set_type(parser, value);
	parser->memory.len = parser->data_len;
	return err;
}

/* What the line was is known only now, except for comments. */
static enum err end_line(struct sse *parser, struct sse_event *event)
{
	struct bytes line = { parser->memory.data + parser->data_len,
			      parser->memory.len - parser->data_len };
	enum line kind = parser->line;

	if (parser->is_first_line)
		drop_front(&line, BYTE_ORDER_MARK);
	parser->is_first_line = false;
	parser->line = LINE_EMPTY;
	if (kind == LINE_COMMENT)
		return ERR_OK;
	if (line.len > 0)
		return end_field(parser, line);
	parser->memory.len = parser->data_len;
	end_event(parser, event);
	return ERR_OK;
}

static struct bytes take_run(struct bytes *in)
{
	struct bytes run = { in->data, 0 };

	while (run.len < in->len && in->data[run.len] != '\n' &&
	       in->data[run.len] != '\r')
		run.len++;
	in->data += run.len;
	in->len -= run.len;
	return run;
}

/* Take one end of line, or the bytes before one; in is not empty. */
static enum err advance(struct sse *parser, struct bytes *in,
			struct sse_event *event)
{
	struct bytes run = take_run(in);
	uint8_t end;

	if (run.len > 0) {
		parser->after_cr = false;
		if (parser->line == LINE_EMPTY)
			parser->line =
				run.data[0] == ':' ? LINE_COMMENT : LINE_FIELD;
		if (parser->line == LINE_COMMENT)
			return ERR_OK;
		return bytes_put(&parser->memory, run);
	}

	TRY(bytes_take_u8(in, &end));
	if (end == '\n' && parser->after_cr) {
		parser->after_cr = false;
		return ERR_OK;
	}
	parser->after_cr = end == '\r';
	return end_line(parser, event);
}

enum err sse_next(struct sse *parser, struct bytes *in, struct sse_event *event)
{
	struct sse_event found = { .kind = SSE_EVENT_MORE };

	TRY(parser->failed);
	if (parser->given)
		forget_event(parser);
	while (found.kind == SSE_EVENT_MORE && in->len > 0) {
		parser->failed = advance(parser, in, &found);
		TRY(parser->failed);
	}
	*event = found;
	return ERR_OK;
}
