/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "wire/pem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static enum err take(const char *text, struct writer *out)
{
	struct bytes rest = bytes_of_string(text);

	out->len = 0;
	return pem_take(&rest, out);
}

Test(pem, what_is_written_is_read_back_at_every_length)
{
	uint8_t der[200], text[600], back[200];

	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(i * 37 + 251);
	for (size_t len = 1; len <= sizeof(der); len++) {
		struct writer out = WRITER_OVER(text);
		struct writer read = WRITER_OVER(back);
		struct bytes rest;

		cr_assert_eq(pem_put((struct bytes){ der, len }, &out), ERR_OK);
		rest = bytes_written(&out);
		cr_assert_eq(pem_take(&rest, &read), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&read),
				      (struct bytes){ der, len }));
		cr_assert_eq(pem_take(&rest, &read), ERR_OK);
		cr_assert_eq(read.len, len, "there was a second one");
	}
}

Test(pem, certificates_come_one_by_one_and_words_between_are_passed_over)
{
	struct bytes text =
		BYTES_LITERAL("subject=CN = leaf\n" BEGIN "MAEC\n" END
			      "issuer\n" BEGIN "+/==\n" END "that was all\n");
	uint8_t memory[16];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(pem_take(&text, &out), ERR_OK);
	cr_assert(bytes_equal(bytes_written(&out),
			      BYTES_LITERAL("\x30\x01\x02")));
	out.len = 0;
	cr_assert_eq(pem_take(&text, &out), ERR_MALFORMED, "bits are left");
}

Test(pem, what_is_not_of_the_form_is_refused)
{
	uint8_t memory[16];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(take(BEGIN "MAEC\n" END, &out), ERR_OK);
	cr_assert_eq(out.len, 3);
	cr_assert_eq(take(BEGIN "MAEC\n", &out), ERR_TRUNCATED);
	cr_assert_eq(take(BEGIN END, &out), ERR_MALFORMED);
	cr_assert_eq(take(BEGIN "MAE\n" END, &out), ERR_MALFORMED);
	cr_assert_eq(take(BEGIN "MAEC====\n" END, &out), ERR_MALFORMED);
	cr_assert_eq(take(BEGIN "M=EC\n" END, &out), ERR_MALFORMED);
	cr_assert_eq(take(BEGIN "M-EC\n" END, &out), ERR_MALFORMED);
	cr_assert_eq(take(BEGIN "M EC\n" END, &out), ERR_MALFORMED);
	cr_assert_eq(take("no certificate", &out), ERR_OK);
	cr_assert_eq(out.len, 0);
	out.max = 2;
	cr_assert_eq(take(BEGIN "MAEC\n" END, &out), ERR_TOO_LARGE);
}
