/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/stream.h"

#include <criterion/criterion.h>
#include <string.h>

#include "inference/unicode.h"

#define PIECE_MAX 8

static uint8_t memory[8192] __attribute__((aligned(64)));

/* Push a text in pieces of some size; what came out, and how it ended. */
struct run {
	uint8_t text[256];
	size_t len;
	enum stream_state state;
};

static void expect_utf8(struct bytes text)
{
	uint32_t code;

	while (text.len > 0)
		cr_assert_eq(unicode_take(&text, &code), ERR_OK);
}

static void collect(struct run *run, struct bytes text)
{
	expect_utf8(text);
	memcpy(run->text + run->len, text.data, text.len);
	run->len += text.len;
}

static struct run run_pieces(const char *const *stops, size_t stop_count,
			     struct bytes input, size_t piece)
{
	struct arena arena = { memory, sizeof(memory), 0 };
	struct bytes copies[4];
	struct stream_stops list = { copies, stop_count };
	struct stream stream;
	struct run run = { .state = STREAM_OPEN };
	struct bytes text;

	for (size_t i = 0; i < stop_count; i++)
		copies[i] = bytes_of_string(stops[i]);
	cr_assert_eq(stream_init(&stream, &list, PIECE_MAX, &arena), ERR_OK);
	while (input.len > 0 && run.state == STREAM_OPEN) {
		size_t len = input.len < piece ? input.len : piece;

		run.state =
			stream_push(&stream, (struct bytes){ input.data, len },
				    STREAM_MORE, &text);
		collect(&run, text);
		input.data += len;
		input.len -= len;
	}
	if (run.state == STREAM_OPEN) {
		run.state = stream_push(&stream, (struct bytes){ 0 },
					STREAM_LAST, &text);
		collect(&run, text);
	}
	return run;
}

/* Whatever the size of the pieces, the same text and the same end. */
static void expect(const char *const *stops, size_t stop_count,
		   const char *input, const char *output,
		   enum stream_state state)
{
	for (size_t piece = 1; piece <= PIECE_MAX; piece++) {
		struct run run = run_pieces(stops, stop_count,
					    bytes_of_string(input), piece);

		cr_assert(bytes_equal((struct bytes){ run.text, run.len },
				      bytes_of_string(output)),
			  "\"%s\" by %zu gave \"%.*s\"", input, piece,
			  (int)run.len, (const char *)run.text);
		cr_assert_eq(run.state, state);
	}
}

Test(stream, text_comes_through_whole)
{
	expect(NULL, 0, "", "", STREAM_OPEN);
	expect(NULL, 0, "plain text", "plain text", STREAM_OPEN);
	expect(NULL, 0, "\u00e9\u20ac\U0001f600.", "\u00e9\u20ac\U0001f600.",
	       STREAM_OPEN);
}

Test(stream, a_character_is_never_cut)
{
	struct arena arena = { memory, sizeof(memory), 0 };
	const struct stream_stops none = { 0 };
	struct stream stream;
	struct bytes text;

	cr_assert_eq(stream_init(&stream, &none, PIECE_MAX, &arena), ERR_OK);
	(void)stream_push(&stream, BYTES_LITERAL("a\xe2"), STREAM_MORE, &text);
	cr_assert(bytes_equal(text, BYTES_LITERAL("a")));
	(void)stream_push(&stream, BYTES_LITERAL("\x82"), STREAM_MORE, &text);
	cr_assert_eq(text.len, 0);
	(void)stream_push(&stream, BYTES_LITERAL("\xac!"), STREAM_MORE, &text);
	cr_assert(bytes_equal(text, BYTES_LITERAL("\u20ac!")));
}

Test(stream, bytes_that_are_no_character_are_replaced)
{
	expect(NULL, 0,
	       "a\xff"
	       "b",
	       "a\ufffd"
	       "b",
	       STREAM_OPEN);
	expect(NULL, 0, "\xe2\x82", "\ufffd", STREAM_OPEN);
	expect(NULL, 0,
	       "\xe2"
	       "a",
	       "\ufffd"
	       "a",
	       STREAM_OPEN);
	expect(NULL, 0, "\xed\xa0\x80", "\ufffd\ufffd\ufffd", STREAM_OPEN);
}

Test(stream, a_stop_string_ends_the_text_before_it)
{
	static const char *const stops[] = { "STOP", "\n\n" };

	expect(stops, 2, "go on STOP never", "go on ", STREAM_STOPPED);
	expect(stops, 2, "a\nb\n\nc", "a\nb", STREAM_STOPPED);
	expect(stops, 2, "STOP", "", STREAM_STOPPED);
}

Test(stream, what_only_looked_like_a_stop_string_is_given)
{
	static const char *const stops[] = { "STOP" };

	expect(stops, 1, "STO", "STO", STREAM_OPEN);
	expect(stops, 1, "SSTO STOR", "SSTO STOR", STREAM_OPEN);
	expect(stops, 1, "SSTOSTOP", "SSTO", STREAM_STOPPED);
}

Test(stream, the_stop_that_starts_first_wins)
{
	static const char *const stops[] = { "cd", "bcdx", "b" };

	expect(stops, 3, "abcd", "a", STREAM_STOPPED);
	expect(stops, 2, "abcd", "ab", STREAM_STOPPED);
}

Test(stream, a_stop_may_cut_within_a_run_of_itself)
{
	static const char *const stops[] = { "aab" };

	expect(stops, 1, "aaab", "a", STREAM_STOPPED);
	expect(stops, 1, "aaaa", "aaaa", STREAM_OPEN);
}

Test(stream, stops_that_are_no_text_are_refused)
{
	const struct bytes bad[] = { { 0 },
				     BYTES_LITERAL("a\xc3"),
				     BYTES_LITERAL("\xa9") };
	struct stream stream;

	for (size_t i = 0; i < 3; i++) {
		struct arena arena = { memory, sizeof(memory), 0 };
		const struct bytes stops[] = { BYTES_LITERAL("x"), bad[i] };
		const struct stream_stops list = { stops, 2 };

		cr_assert_eq(stream_init(&stream, &list, PIECE_MAX, &arena),
			     ERR_MALFORMED);
	}
}

Test(stream, it_takes_no_more_than_it_said)
{
	const struct bytes stops[] = { BYTES_LITERAL("x"),
				       BYTES_LITERAL("0123456789") };
	const struct stream_stops list = { stops, 2 };
	struct arena arena = { memory, stream_memory(2, 10, 100), 0 };
	struct stream stream;

	cr_assert_eq(stream_init(&stream, &list, 100, &arena), ERR_OK);
	arena = (struct arena){ memory, 64, 0 };
	cr_assert_eq(stream_init(&stream, &list, 100, &arena), ERR_TOO_LARGE);
}
