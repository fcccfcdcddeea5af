/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"
#include "wire/pem.h"

/* 50 bytes, 0 to 49, as RFC 7468 writes them: a full line and a short one. */
#define HEAD "-----BEGIN THING-----\n"
#define LINE_1 \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n"
#define LINE_2 "MDE=\n"
#define TAIL "-----END THING-----\n"
#define WHOLE HEAD LINE_1 LINE_2 TAIL

static enum err take(struct bytes *in, struct bytes *out)
{
	static uint8_t memory[256];
	struct writer writer = WRITER_OVER(memory);
	enum err err = pem_take(in, "THING", &writer);

	*out = bytes_written(&writer);
	return err;
}

Test(pem, a_text_gives_its_bytes_and_leaves_what_follows)
{
	struct bytes in = BYTES_LITERAL(WHOLE WHOLE "x");
	struct bytes out;

	for (int round = 0; round < 2; round++) {
		cr_assert_eq(take(&in, &out), ERR_OK);
		cr_assert_eq(out.len, 50);
		for (size_t i = 0; i < out.len; i++)
			cr_assert_eq(out.data[i], i);
	}
	cr_assert(bytes_equal(in, BYTES_LITERAL("x")));
	cr_assert_eq(take(&in, &out), ERR_MALFORMED);
}

Test(pem, another_spelling_of_the_same_bytes_is_refused)
{
	static const char *const texts[] = {
		" " WHOLE,
		"\n" WHOLE,
		"-----BEGIN THING----- \n" LINE_1 LINE_2 TAIL,
		"-----BEGIN THING-----\r\n" LINE_1 LINE_2 TAIL,
		"-----BEGIN OTHER-----\n" LINE_1 LINE_2 TAIL,
		HEAD "\n" LINE_1 LINE_2 TAIL,
		HEAD LINE_1 "\n" LINE_2 TAIL,
		HEAD LINE_1 "MDE= \n" TAIL,
		HEAD LINE_1 "MDE\n" TAIL,
		HEAD LINE_1 "MDF=\n" TAIL, /* bits behind the last byte */
		HEAD LINE_1 "MD\nE=\n" TAIL,
		HEAD LINE_1 "MDE=\nAAAA\n" TAIL,
		HEAD "MDE=\n" LINE_1 TAIL,
		HEAD "AAEC\n" LINE_1 LINE_2 TAIL,
		HEAD "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygp"
		     "KissLS4vMDE=\n" TAIL,
		HEAD LINE_1 "MD-_\n" TAIL, /* the other alphabet */
		HEAD LINE_1 "M===\n" TAIL,
		HEAD LINE_1 "====\n" TAIL,
		HEAD LINE_1 LINE_2 "-----END THING-----",
		HEAD LINE_1 LINE_2 "-----END OTHER-----\n",
		HEAD LINE_1 LINE_2 "----END THING-----\n",
		"Key: value\n" WHOLE,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bytes in = bytes_of_string(texts[i]);
		struct bytes out;

		cr_assert_eq(take(&in, &out), ERR_MALFORMED, "%s", texts[i]);
		cr_assert_eq(in.len, strlen(texts[i]));
	}
}

Test(pem, no_cut_and_no_changed_byte_gives_the_same_bytes)
{
	uint8_t text[] = WHOLE;
	struct bytes out;

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct bytes in = { text, len };

		cr_assert_eq(take(&in, &out), ERR_MALFORMED);
	}
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		for (int value = 0; value < 256; value++) {
			uint8_t before = text[i];
			struct bytes in = { text, sizeof(text) - 1 };
			bool same = value == before;

			text[i] = (uint8_t)value;
			if (take(&in, &out) == ERR_OK) {
				bool equal = out.len == 50;

				for (size_t k = 0; equal && k < 50; k++)
					equal = out.data[k] == k;
				cr_assert_eq(equal, same, "%zu: %d", i, value);
			} else {
				cr_assert_not(same);
			}
			text[i] = before;
		}
}

Test(pem, bytes_without_room_are_too_large)
{
	struct bytes in = BYTES_LITERAL(WHOLE);
	uint8_t memory[49];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(pem_take(&in, "THING", &out), ERR_TOO_LARGE);
	cr_assert(bytes_equal(in, BYTES_LITERAL(WHOLE)));
}

#define LABEL "CERTIFICATE"

Test(pem, what_is_written_is_read_back_at_every_length)
{
	uint8_t bytes[200], text[600], back[200];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		struct writer out = WRITER_OVER(text);
		struct writer read = WRITER_OVER(back);
		struct bytes in = { bytes, len };
		struct bytes rest;

		cr_assert_eq(pem_put(in, LABEL, &out), ERR_OK);
		rest = bytes_written(&out);
		cr_assert_eq(pem_take(&rest, LABEL, &read), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&read), in));
		cr_assert_eq(rest.len, 0);
	}
}

/* printf 'hello, world, over and over again, until a second line' | openssl
 * base64 gives these letters. */
Test(pem, lines_are_those_of_others)
{
	uint8_t memory[256];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(pem_put(BYTES_LITERAL("hello, world, over and over again, "
					   "until a second line"),
			     LABEL, &out),
		     ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out),
			      BYTES_LITERAL("-----BEGIN CERTIFICATE-----\n"
					    "aGVsbG8sIHdvcmxkLCBvdmVyIGFuZCBvdm"
					    "VyIGFnYWluLCB1bnRpbCBhIHNlY29u\n"
					    "ZCBsaW5l\n"
					    "-----END CERTIFICATE-----\n")));
}

Test(pem, without_room_nothing_is_written)
{
	uint8_t memory[128];
	struct writer whole = WRITER_OVER(memory);

	cr_assert_eq(pem_put(BYTES_LITERAL("abc"), LABEL, &whole), ERR_OK);
	for (size_t room = 0; room < whole.len; room++) {
		struct writer out = { memory, 0, room };

		cr_assert_eq(pem_put(BYTES_LITERAL("abc"), LABEL, &out),
			     ERR_TOO_LARGE);
		cr_assert_eq(out.len, 0);
	}
}
