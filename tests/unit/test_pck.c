/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/pck.h"
#include "attest/tdx_quote.h"
#include "base/secret.h"
#include "tests/unit/tdx_extension.h"
#include "tests/vector.h"

static struct pck example(void)
{
	struct pck pck = { .pcesvn = 0x1234,
			   .fmspc = { 1, 2, 3, 4, 5, 6 },
			   .pceid = { 7, 8 },
			   .type = PCK_SCALABLE_WITH_INTEGRITY,
			   .has_instance = true,
			   .dynamic = PCK_YES,
			   .cached_keys = PCK_NO };

	for (int i = 0; i < 16; i++) {
		pck.ppid[i] = (uint8_t)(0x10 + i);
		pck.components[i] = (uint8_t)(17 * i);
		pck.cpusvn[i] = (uint8_t)(0x20 + i);
		pck.instance[i] = (uint8_t)(0x30 + i);
	}
	return pck;
}

/* The certificate in tests/vectors/tdx, as openssl asn1parse shows it. */
Test(pck, the_certificate_of_a_platform_says_what_it_is)
{
	SCOPED_WIPE(certificate_chain_close)
	struct certificate_chain chain = { 0 };
	struct tdx_quote quote;
	struct pck pck;

	cr_assert_eq(tdx_quote_parse(vector_own("tdx/quote.dat"), &quote),
		     ERR_OK);
	cr_assert_eq(pck_read_chain(quote.certificates, &chain), ERR_OK);
	cr_assert_eq(chain.count, 3);
	cr_assert_eq(pck_of(&chain.list[0], &pck), ERR_OK);
	vector_expect(BYTES_ARRAY(pck.fmspc), "b0c06f000000");
	vector_expect(BYTES_ARRAY(pck.pceid), "0000");
	vector_expect(BYTES_ARRAY(pck.components),
		      "03030202040100050000000000000000");
	vector_expect(BYTES_ARRAY(pck.cpusvn),
		      "03030202040100050000000000000000");
	cr_assert_eq(pck.pcesvn, 11);
	cr_assert_eq(pck.type, PCK_SCALABLE);
	cr_assert(pck.has_instance);
	cr_assert_eq(pck.dynamic, PCK_YES);
	cr_assert_eq(pck_of(&chain.list[1], &pck), ERR_UNSUPPORTED);
	vector_forget();
}

Test(pck, an_extension_gives_what_was_written)
{
	struct pck wanted = example();
	struct pck found;

	memset(&found, 0x55, sizeof(found));
	cr_assert_eq(pck_parse(tdx_extension(&wanted), &found), ERR_OK);
	cr_assert_eq(memcmp(found.ppid, wanted.ppid, 16), 0);
	cr_assert_eq(memcmp(found.components, wanted.components, 16), 0);
	cr_assert_eq(memcmp(found.cpusvn, wanted.cpusvn, 16), 0);
	cr_assert_eq(memcmp(found.instance, wanted.instance, 16), 0);
	cr_assert_eq(memcmp(found.fmspc, wanted.fmspc, 6), 0);
	cr_assert_eq(memcmp(found.pceid, wanted.pceid, 2), 0);
	cr_assert_eq(found.pcesvn, 0x1234);
	cr_assert_eq(found.type, PCK_SCALABLE_WITH_INTEGRITY);
	cr_assert_eq(found.dynamic, PCK_YES);
	cr_assert_eq(found.cached_keys, PCK_NO);
	cr_assert_eq(found.smt, PCK_UNSAID);
	wanted.has_instance = false;
	cr_assert_eq(pck_parse(tdx_extension(&wanted), &found), ERR_OK);
	cr_assert_not(found.has_instance);
	cr_assert(secret_is_zero(found.instance, sizeof(found.instance)));
	vector_forget();
}

/* One encoding for each platform: what parses is written the same again. */
Test(pck, a_changed_byte_is_refused_or_says_something_else)
{
	struct pck wanted = example();
	struct bytes der = tdx_extension(&wanted);
	uint8_t *bytes = vector_copy(der);
	size_t refused = 0;
	size_t read = 0;

	for (size_t i = 0; i < der.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct bytes in = { bytes, der.len };
			struct pck found;

			bytes[i] ^= (uint8_t)(1 << bit);
			if (pck_parse(in, &found) == ERR_OK) {
				static uint8_t copy[2048];
				struct bytes again;

				memcpy(copy, bytes, der.len);
				again = tdx_extension(&found);
				cr_assert(bytes_equal(
					again,
					(struct bytes){ copy, der.len }));
				read++;
			} else {
				refused++;
			}
			bytes[i] ^= (uint8_t)(1 << bit);
			if (i % 16 == 0 && bit == 0) {
				vector_forget();
				der = tdx_extension(&wanted);
				bytes = vector_copy(der);
			}
		}
	/* 56 bytes are values of any kind, 18 of some; all else is structure. */
	cr_assert(read > 500 && read < 700, "%zu", read);
	cr_assert(refused > 3000, "%zu", refused);
	vector_forget();
}

Test(pck, an_extension_cut_anywhere_or_a_byte_longer_is_refused)
{
	struct pck wanted = example();
	struct bytes der = tdx_extension(&wanted);
	uint8_t *longer = vector_copy((struct bytes){ der.data, der.len });
	struct pck found;

	for (size_t len = 0; len < der.len; len++)
		cr_assert_eq(pck_parse((struct bytes){ der.data, len }, &found),
			     ERR_MALFORMED);
	/* The copy is the last of the pool, so a byte more is there. */
	cr_assert_eq(pck_parse((struct bytes){ longer, der.len }, &found),
		     ERR_OK);
	cr_assert_eq(pck_parse((struct bytes){ longer, der.len + 1 }, &found),
		     ERR_MALFORMED);
	vector_forget();
}

Test(pck, values_out_of_range_are_refused)
{
	struct pck wanted = example();
	struct pck found;

	wanted.type = (enum pck_type)3;
	cr_assert_eq(pck_parse(tdx_extension(&wanted), &found), ERR_MALFORMED);
	cr_assert_eq(pck_parse((struct bytes){ NULL, 0 }, &found),
		     ERR_MALFORMED);
	vector_forget();
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

Test(pck, a_text_that_is_not_three_certificates_is_no_chain)
{
	static const char *const texts[] = {
		"",
		"0",
		BEGIN END,
		BEGIN "MAA=\n" END,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		SCOPED_WIPE(certificate_chain_close)
		struct certificate_chain chain = { 0 };

		cr_assert_eq(pck_read_chain(bytes_of_string(texts[i]), &chain),
			     ERR_MALFORMED);
	}
}
