/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "wire/base64.h"

/* RFC 4648, section 10, without padding, and two of the other letters. */
static const struct {
	struct bytes data;
	const char *letters;
} cases[] = {
	{ BYTES_LITERAL(""), "" },
	{ BYTES_LITERAL("f"), "Zg" },
	{ BYTES_LITERAL("fo"), "Zm8" },
	{ BYTES_LITERAL("foo"), "Zm9v" },
	{ BYTES_LITERAL("foob"), "Zm9vYg" },
	{ BYTES_LITERAL("fooba"), "Zm9vYmE" },
	{ BYTES_LITERAL("foobar"), "Zm9vYmFy" },
	{ BYTES_LITERAL("\xff\xef\xbe"), "_---" },
};

Test(base64, it_writes_and_reads_the_vectors_of_rfc_4648)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t memory[16], back_memory[16];
		struct writer out = WRITER_OVER(memory);
		struct writer back = WRITER_OVER(back_memory);
		struct bytes letters = bytes_of_string(cases[i].letters);

		cr_assert_eq(base64_put(&out, cases[i].data), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out), letters));
		cr_assert_eq(out.len, BASE64_LETTERS(cases[i].data.len));
		cr_assert_eq(base64_decode(letters, &back), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&back), cases[i].data));
	}
}

Test(base64, every_text_but_the_one_is_refused)
{
	static const char *const bad[] = { "Z",	   "Zg=",   "Zg==",  "Zm9=",
					   "Zh",   "Zm9",   "Zm9vY", "Zm+v",
					   "Zm/v", "Zm 9v", "Zm9v\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t memory[16];
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(base64_decode(bytes_of_string(bad[i]), &out),
			     ERR_MALFORMED, "%s", bad[i]);
		cr_assert_eq(out.len, 0);
	}
}

static const char *const standard[] = {
	"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy", "/+++"
};

Test(base64, the_standard_form_is_padded_to_fours)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t memory[16], back_memory[16];
		struct writer out = WRITER_OVER(memory);
		struct writer back = WRITER_OVER(back_memory);
		struct bytes letters = bytes_of_string(standard[i]);

		cr_assert_eq(base64_put_standard(&out, cases[i].data), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&out), letters));
		cr_assert_eq(out.len,
			     BASE64_STANDARD_LETTERS(cases[i].data.len));
		cr_assert_eq(base64_decode_standard(letters, &back), ERR_OK);
		cr_assert(bytes_equal(bytes_written(&back), cases[i].data));
	}
}

Test(base64, every_standard_text_but_the_one_is_refused)
{
	static const char *const bad[] = {
		"Z",	"Zg",	    "Zg=",	"Zg===", "Zm9=",
		"Zh==", "Zm9",	    "Z===",	"====",	 "Zm-v",
		"Zm_v", "Zg==Zg==", "Zm9v====", "=Zg=",	 "Zg=\n"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t memory[16];
		struct writer out = WRITER_OVER(memory);

		cr_assert_eq(
			base64_decode_standard(bytes_of_string(bad[i]), &out),
			ERR_MALFORMED, "%s", bad[i]);
		cr_assert_eq(out.len, 0);
	}
}

Test(base64, what_does_not_fit_is_not_written)
{
	uint8_t memory[4];
	struct writer out = { memory, 0, 3 };

	cr_assert_eq(base64_put(&out, BYTES_LITERAL("foo")), ERR_TOO_LARGE);
	cr_assert_eq(base64_decode(BYTES_LITERAL("Zm9vYg"), &out),
		     ERR_TOO_LARGE);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(base64_decode(BYTES_LITERAL("Zm9v"), &out), ERR_OK);
}
