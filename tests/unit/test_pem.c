/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/pem.h"

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
