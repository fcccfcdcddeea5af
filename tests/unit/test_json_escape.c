/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_escape.h"

#include <criterion/criterion.h>
#include <string.h>

#include "wire/json.h"
#include "wire/utf8.h"

static _Alignas(JSON_ALIGNMENT) uint8_t memory[65536];

static void warm(void)
{
	json_warm(memory, sizeof(memory), 1);
}

TestSuite(json_escape, .init = warm);

static void expect_escaped(struct bytes text, struct bytes expected)
{
	uint8_t buffer[256];
	struct writer out = WRITER_OVER(buffer);
	struct bytes written;

	cr_assert_eq(json_escape_string(&out, text), ERR_OK);
	written = bytes_written(&out);
	cr_assert(
		bytes_equal((struct bytes){ written.data + 1, written.len - 2 },
			    expected),
		"%.*s", (int)written.len, (const char *)written.data);
	cr_assert_eq(json_escape_size(text), expected.len);
}

Test(json_escape, only_what_must_be_is_escaped)
{
	expect_escaped(BYTES_LITERAL("plain/ text <>&'\x7f"),
		       BYTES_LITERAL("plain/ text <>&'\x7f"));
	expect_escaped(BYTES_LITERAL("\"\\\b\f\n\r\t"),
		       BYTES_LITERAL("\\\"\\\\\\b\\f\\n\\r\\t"));
	expect_escaped(BYTES_LITERAL("\0\x01\x1f"),
		       BYTES_LITERAL("\\u0000\\u0001\\u001f"));
	expect_escaped(BYTES_LITERAL("\xc3\xa9\xf0\x9f\x98\x80"),
		       BYTES_LITERAL("\xc3\xa9\xf0\x9f\x98\x80"));
	expect_escaped(BYTES_LITERAL(""), BYTES_LITERAL(""));
}

Test(json_escape, what_is_not_utf_8_is_replaced)
{
	expect_escaped(BYTES_LITERAL("a\xff"), BYTES_LITERAL("a\xef\xbf\xbd"));
	expect_escaped(BYTES_LITERAL("\xf0\x9f\x98"),
		       BYTES_LITERAL("\xef\xbf\xbd"));
	expect_escaped(BYTES_LITERAL("\xf0\x9f\"\xc3\xa9"),
		       BYTES_LITERAL("\xef\xbf\xbd\\\"\xc3\xa9"));
	expect_escaped(BYTES_LITERAL("\xed\xa0\x80"),
		       BYTES_LITERAL("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"));
}

Test(json_escape, every_byte_but_nul_reads_back)
{
	for (int c = 1; c < 128; c++) {
		uint8_t text[] = { 'a', (uint8_t)c, 'b' };
		uint8_t buffer[32];
		struct writer out = WRITER_OVER(buffer);
		const struct json *value;
		struct bytes read;

		cr_assert_eq(json_escape_string(&out, BYTES_ARRAY(text)),
			     ERR_OK);
		cr_assert_eq(json_parse(bytes_written(&out), 0, &value),
			     ERR_OK);
		cr_assert_eq(json_as_string(value, &read), ERR_OK);
		cr_assert(bytes_equal(read, BYTES_ARRAY(text)));
		json_wipe();
	}
}

static const char mixed[] = "a\xc3\xa9\n\xf0\x9f\x98\x80\xff\xe2\x82x"
			    "\xed\xa0\x80\xf0\x9f\xf0\x9f\x98\x80\"\xe2\x82";

Test(json_escape, pieces_cut_anywhere_write_the_same)
{
	struct bytes text = BYTES_LITERAL("");
	uint8_t whole_buffer[256];
	struct writer whole = WRITER_OVER(whole_buffer);

	text = bytes_of_string(mixed);
	cr_assert_eq(json_escape_string(&whole, text), ERR_OK);
	for (size_t first = 0; first <= text.len; first++) {
		for (size_t second = first; second <= text.len; second++) {
			struct json_escape escape = { .pending_len = 0 };
			uint8_t buffer[256];
			struct writer out = WRITER_OVER(buffer);
			struct bytes pieces[] = {
				{ text.data, first },
				{ text.data + first, second - first },
				{ text.data + second, text.len - second },
			};

			for (size_t i = 0; i < 3; i++)
				cr_assert_eq(json_escape_put(&escape, pieces[i],
							     &out),
					     ERR_OK);
			cr_assert_eq(json_escape_end(&escape, &out), ERR_OK);
			cr_assert_eq(out.len, whole.len - 2);
			cr_assert_arr_eq(buffer, whole_buffer + 1, out.len);
		}
	}
}

Test(json_escape, an_end_writes_only_what_was_begun)
{
	struct json_escape escape = { .pending_len = 0 };
	uint8_t buffer[16];
	struct writer out = WRITER_OVER(buffer);

	cr_assert_eq(json_escape_put(&escape, BYTES_LITERAL("a"), &out),
		     ERR_OK);
	cr_assert_eq(json_escape_end(&escape, &out), ERR_OK);
	cr_assert_eq(out.len, 1);
	cr_assert_eq(json_escape_put(&escape, BYTES_LITERAL("\xe2"), &out),
		     ERR_OK);
	cr_assert_eq(out.len, 1);
	cr_assert_eq(json_escape_end(&escape, &out), ERR_OK);
	cr_assert_eq(out.len, 4);
	cr_assert_eq(json_escape_end(&escape, &out), ERR_OK);
	cr_assert_eq(out.len, 4);
}

Test(json_escape, a_full_writer_is_left_as_it_was)
{
	struct bytes text = bytes_of_string(mixed);
	size_t size = json_escape_size(text);
	uint8_t buffer[256];

	for (size_t max = 0; max < size + 2; max++) {
		struct writer out = { buffer, 0, max };
		struct json_escape escape = { .pending_len = 0 };

		cr_assert_eq(json_escape_string(&out, text), ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
		if (max + 3 >= size)
			continue; /* the last character is still pending */
		cr_assert_eq(json_escape_put(&escape, text, &out),
			     ERR_TOO_LARGE);
		cr_assert(out.len == 0 && escape.pending_len == 0);
	}
}

Test(json_escape, what_fits_is_the_longest_front_that_does)
{
	struct bytes text = bytes_of_string(mixed);

	for (size_t room = 0; room < 64; room++) {
		struct bytes front = json_escape_fit(text, room);
		struct bytes rest = { text.data + front.len,
				      text.len - front.len };

		cr_assert_leq(json_escape_size(front), room);
		if (rest.len > 0) {
			rest.len = utf8_front(rest).len;
			cr_assert_gt(json_escape_size(front) +
					     json_escape_size(rest),
				     room);
		}
	}
}
