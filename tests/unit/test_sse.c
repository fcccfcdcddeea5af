/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES 256

/* "type|data\n" for each event of a stream, fed in pieces of this size. */
struct reading {
	enum err err;
	size_t len;
	char text[1024];
};

static void note(struct reading *reading, struct bytes text, char end)
{
	memcpy(reading->text + reading->len, text.data, text.len);
	reading->len += text.len;
	reading->text[reading->len++] = end;
}

static struct reading read_stream(struct bytes stream, size_t piece)
{
	uint8_t memory[MEMORY_BYTES];
	struct reading reading = { .err = ERR_OK };
	struct sse_event event;
	struct sse parser;

	sse_init(&parser, WRITER_OVER(memory));
	while (stream.len > 0 && reading.err == ERR_OK) {
		struct bytes in = { stream.data,
				    piece < stream.len ? piece : stream.len };

		stream.data += in.len;
		stream.len -= in.len;
		for (;;) {
			reading.err = sse_next(&parser, &in, &event);
			if (reading.err != ERR_OK ||
			    event.kind == SSE_EVENT_MORE)
				break;
			note(&reading, event.type, '|');
			note(&reading, event.data, '\n');
		}
	}
	reading.text[reading.len] = '\0';
	return reading;
}

static void expect_events(struct bytes stream, const char *events)
{
	for (size_t piece = 1; piece <= stream.len; piece++) {
		struct reading reading = read_stream(stream, piece);

		cr_assert_eq(reading.err, ERR_OK);
		cr_assert_str_eq(reading.text, events, "in pieces of %zu",
				 piece);
	}
}

/* The examples of WHATWG HTML, section 9.2.6. */
Test(sse, the_examples_of_the_standard_are_read)
{
	expect_events(BYTES_LITERAL("data: YHOO\ndata: +2\ndata: 10\n\n"),
		      "message|YHOO\n+2\n10\n");
	expect_events(BYTES_LITERAL(": test stream\n\ndata: first event\nid: 1"
				    "\n\ndata:second event\nid\n\ndata:  third"
				    " event\n"),
		      "message|first event\nmessage|second event\n");
	expect_events(BYTES_LITERAL("data\n\ndata\ndata\n\ndata:"),
		      "message|\nmessage|\n\n");
	expect_events(BYTES_LITERAL("data:test\n\ndata: test\n\n"),
		      "message|test\nmessage|test\n");
	expect_events(
		BYTES_LITERAL("event: add\ndata: 73857293\n\nevent: remove"
			      "\ndata: 2153\n\nevent: add\ndata: 113411"
			      "\n\n"),
		"add|73857293\nremove|2153\nadd|113411\n");
}

Test(sse, every_end_of_line_is_one)
{
	expect_events(BYTES_LITERAL("data: a\r\rdata: b\r\n\r\ndata: c\n\n"),
		      "message|a\nmessage|b\nmessage|c\n");
	expect_events(BYTES_LITERAL("data: a\r\ndata: b\rdata: c\n\r\n"),
		      "message|a\nb\nc\n");
	expect_events(BYTES_LITERAL("data: a\rdata: b\n\n"), "message|a\nb\n");
	expect_events(BYTES_LITERAL("data: a\n\rdata: b\r\n\r"),
		      "message|a\nmessage|b\n");
}

Test(sse, a_byte_order_mark_is_passed_over_once)
{
	expect_events(BYTES_LITERAL("\xef\xbb\xbf"
				    "data: a\n\n"),
		      "message|a\n");
	expect_events(BYTES_LITERAL("\xef\xbb\xbf: comment\ndata: a\n\n"),
		      "message|a\n");
	expect_events(BYTES_LITERAL("data: a\n\n\xef\xbb\xbf"
				    "data: b\n\n"),
		      "message|a\n");
}

Test(sse, what_is_not_data_is_passed_over)
{
	expect_events(BYTES_LITERAL("retry: 5\nid: 3\nfoo: bar\nDATA: x\n\n"),
		      "");
	expect_events(BYTES_LITERAL("event: lost\n\ndata: a\n\n"),
		      "message|a\n");
	expect_events(BYTES_LITERAL("\n\n\n:\n\n"), "");
}

Test(sse, a_cut_event_is_none)
{
	struct bytes stream = BYTES_LITERAL("data: one\n\ndata: two\n\n");

	for (size_t len = 0; len < stream.len; len++) {
		struct reading reading =
			read_stream((struct bytes){ stream.data, len }, 64);

		cr_assert_str_eq(reading.text, len < 11 ? "" : "message|one\n");
	}
}

Test(sse, what_is_written_reads_back)
{
	static const char *const texts[] = { "",   "{\"a\":1}", "a\nb",
					     "\n", " leading",	"a\n\nb",
					     "a:b" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint8_t buffer[128];
		char expected[128];
		struct writer out = WRITER_OVER(buffer);

		cr_assert_eq(sse_put_data(&out, bytes_of_string(texts[i])),
			     ERR_OK);
		snprintf(expected, sizeof(expected), "message|%s\n", texts[i]);
		expect_events(bytes_written(&out), expected);
	}
}

Test(sse, a_carriage_return_is_not_written)
{
	uint8_t buffer[64];
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(sse_put_data(&out, BYTES_LITERAL("a\rdata: b")),
		     ERR_MALFORMED);
	cr_assert_eq(out.len, 0);
}

Test(sse, data_between_begin_and_end_costs_the_overhead)
{
	uint8_t buffer[64];
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(sse_put_data_begin(&out), ERR_OK);
	cr_assert_eq(bytes_put(&out, BYTES_LITERAL("x")), ERR_OK);
	cr_assert_eq(sse_put_data_end(&out), ERR_OK);
	cr_assert_eq(out.len, 1 + SSE_DATA_OVERHEAD);
	expect_events(bytes_written(&out), "message|x\n");
}

Test(sse, padding_of_any_length_means_nothing)
{
	for (size_t len = 0; len < 600; len++) {
		uint8_t buffer[1024];
		struct writer out = WRITER_OVER(buffer);
		struct bytes stream;

		cr_assert_eq(sse_put_padding(&out, len), ERR_OK);
		cr_assert_eq(out.len, len);
		cr_assert(len < SSE_COMMENT_MIN || buffer[0] == ':');
		cr_assert_eq(sse_put_data(&out, BYTES_LITERAL("x")), ERR_OK);
		cr_assert_eq(sse_put_padding(&out, len % 7), ERR_OK);
		cr_assert_eq(sse_put_done(&out), ERR_OK);
		stream = bytes_written(&out);
		cr_assert_str_eq(read_stream(stream, 10).text,
				 "message|x\nmessage|[DONE]\n");
	}
}

Test(sse, a_full_writer_is_left_as_it_was)
{
	for (size_t max = 0; max < 12; max++) {
		uint8_t buffer[16];
		struct writer out = { buffer, 0, max };

		cr_assert_eq(sse_put_data(&out, BYTES_LITERAL("a\nb")),
			     ERR_TOO_LARGE);
		cr_assert_eq(sse_put_padding(&out, max + 1), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
		out.len = max;
		cr_assert_eq(sse_put_padding(&out, 1), ERR_TOO_LARGE);
		cr_assert_eq(out.len, max);
	}
}

/* A stream of `data: ` and so many bytes, and its result. */
static enum err read_long(size_t len, size_t piece)
{
	char *text = malloc(len + SSE_DATA_OVERHEAD);
	struct writer out = { (uint8_t *)text, 0, len + SSE_DATA_OVERHEAD };
	struct reading reading;

	cr_assert_eq(sse_put_data_begin(&out), ERR_OK);
	memset(text + out.len, 'x', len);
	out.len += len;
	cr_assert_eq(sse_put_data_end(&out), ERR_OK);
	reading = read_stream(bytes_written(&out), piece);
	free(text);
	return reading.err;
}

Test(sse, an_event_beyond_the_memory_is_refused)
{
	cr_assert_eq(read_long(MEMORY_BYTES - 6, 7), ERR_OK);
	cr_assert_eq(read_long(MEMORY_BYTES - 5, 7), ERR_TOO_LARGE);
	cr_assert_eq(read_long(MEMORY_BYTES - 5, 9999), ERR_TOO_LARGE);
}

Test(sse, a_comment_needs_no_memory)
{
	static uint8_t buffer[100000];
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(sse_put_padding(&out, sizeof(buffer)), ERR_OK);
	cr_assert_eq(read_stream(bytes_written(&out), 4096).err, ERR_OK);
}

/* The end of an event whose type has so many letters. */
static enum err read_type(struct sse *parser, size_t len)
{
	static char text[SSE_TYPE_MAX + 32];
	struct sse_event event;
	struct bytes in;

	memset(text, 'x', sizeof(text));
	memcpy(text, "event:", 6);
	memcpy(text + 6 + len, "\ndata\n\n", 8);
	in = bytes_of_string(text);
	TRY(sse_next(parser, &in, &event));
	cr_assert_eq(event.type.len, len);
	return ERR_OK;
}

Test(sse, a_type_beyond_its_room_is_refused_for_good)
{
	uint8_t memory[MEMORY_BYTES];
	struct sse parser;

	sse_init(&parser, WRITER_OVER(memory));
	cr_assert_eq(read_type(&parser, SSE_TYPE_MAX), ERR_OK);
	cr_assert_eq(read_type(&parser, SSE_TYPE_MAX + 1), ERR_TOO_LARGE);
	cr_assert_eq(read_type(&parser, 1), ERR_TOO_LARGE);
}

Test(sse, only_the_marker_says_done)
{
	cr_assert(sse_is_done(BYTES_LITERAL("[DONE]")));
	cr_assert_not(sse_is_done(BYTES_LITERAL("[DONE] ")));
	cr_assert_not(sse_is_done(BYTES_LITERAL("")));
}
