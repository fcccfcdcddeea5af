/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx_quote.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vector.h"

/* As other tools print them of the same file. */
Test(tdx_quote, every_field_of_a_quote_of_production_is_found)
{
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(vector_own("tdx/quote.dat"), &quote),
		     ERR_OK);
	cr_assert_eq(quote.version, 4);
	cr_assert_eq(quote.body, TDX_QUOTE_TD10);
	cr_assert_eq(quote.signed_part.len, 48 + 584);
	cr_assert_eq(quote.td_attributes, UINT64_C(0x10000000));
	cr_assert_eq(quote.xfam, UINT64_C(0x602e7));
	vector_expect(quote.user_data,
		      "889b7d6ff9df2405b240a830e73faf3d00000000");
	vector_expect(quote.tee_tcb_svn, "06010300000000000000000000000000");
	vector_expect(quote.seam_attributes, "0000000000000000");
	vector_expect(quote.qe.miscselect, "00000000");
	vector_expect(quote.qe.cpusvn, "0303191b04ff00060000000000000000");
	vector_expect(quote.qe.attributes, "1500000000000000e700000000000000");
	vector_expect(quote.qe.mrsigner, "dc9e2a7c6f948f17474e34a7fc43ed03"
					 "0f7c1563f1babddf6340c82e0e54a8c5");
	cr_assert_eq(quote.qe.isvprodid, 2);
	cr_assert_eq(quote.qe.isvsvn, 6);
	cr_assert_eq(quote.qe_authentication.len, 32);
	cr_assert_eq(quote.certificates.len, 3678);
	cr_assert_eq(quote.tee_tcb_svn2.len, 0);
	cr_assert_eq(quote.mrservicetd.len, 0);
	cr_assert_eq(quote.trailing, 70);
	vector_forget();
}

/* What another verifier's authors expect to be read from their sample. */
Test(tdx_quote, the_claims_of_another_verifier_are_found)
{
	json_t *all = vector_load("tdx/trustee-expected-claims.json");
	const json_t *body =
		json_object_get(json_object_get(all, "quote"), "body");
	struct tdx_quote quote;
	const struct {
		const char *name;
		const struct bytes *found;
	} claims[] = {
		{ "tcb_svn", &quote.tee_tcb_svn },
		{ "mr_seam", &quote.mrseam },
		{ "mrsigner_seam", &quote.mrsignerseam },
		{ "seam_attributes", &quote.seam_attributes },
		{ "mr_td", &quote.mrtd },
		{ "mr_config_id", &quote.mrconfigid },
		{ "mr_owner", &quote.mrowner },
		{ "mr_owner_config", &quote.mrownerconfig },
		{ "rtmr_0", &quote.rtmr[0] },
		{ "rtmr_1", &quote.rtmr[1] },
		{ "rtmr_2", &quote.rtmr[2] },
		{ "rtmr_3", &quote.rtmr[3] },
		{ "report_data", &quote.report_data },
	};

	cr_assert_eq(
		tdx_quote_parse(vector_file("tdx/v4-trustee-debug/quote.dat"),
				&quote),
		ERR_OK);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		vector_expect(*claims[i].found,
			      vector_text(body, claims[i].name));
	json_decref(all);
	vector_forget();
}

Test(tdx_quote, what_td_1_5_adds_is_found)
{
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(vector_file("tdx/v5-trustee/quote.dat"),
				     &quote),
		     ERR_OK);
	cr_assert_eq(quote.body, TDX_QUOTE_TD15);
	cr_assert_eq(quote.signed_part.len, 48 + 6 + 648);
	vector_expect(quote.tee_tcb_svn2, "05010200000000000000000000000000");
	vector_expect(quote.mrservicetd,
		      "383c87d3bbb047b2d171eaca95312ede99f258088dc788f6"
		      "ae2ccf8b6dd848fe8d47629e08b3f6cbd4a00dd47a5a033d");
	vector_forget();
}

Test(tdx_quote, cut_before_its_end_a_quote_is_truncated)
{
	struct bytes file = vector_own("tdx/quote.dat");
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(file, &quote), ERR_OK);
	file.len -= quote.trailing;
	cr_assert_eq(tdx_quote_parse(file, &quote), ERR_OK);
	cr_assert_eq(quote.trailing, 0);
	while (file.len-- > 0)
		cr_assert_eq(tdx_quote_parse(file, &quote), ERR_TRUNCATED,
			     "%zu", file.len);
	vector_forget();
}

/* Sizes that disagree: one too small, one too big, all of them huge. */
Test(tdx_quote, sizes_that_disagree_are_malformed)
{
	static const struct {
		size_t at;
		enum err less, more;
	} sizes[] = {
		{ 632, ERR_MALFORMED, ERR_MALFORMED },	/* of the signature */
		{ 766, ERR_MALFORMED, ERR_MALFORMED },	/* of the QE's data */
		{ 1254, ERR_MALFORMED, ERR_MALFORMED }, /* of the chain */
	};
	struct bytes file = vector_own("tdx/quote.dat");
	uint8_t *bytes = vector_copy(file);
	struct bytes in = { bytes, file.len };
	struct tdx_quote quote;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *size = bytes + sizes[i].at;

		size[0]--;
		cr_assert_eq(tdx_quote_parse(in, &quote), sizes[i].less);
		size[0] += 2;
		cr_assert_eq(tdx_quote_parse(in, &quote), sizes[i].more);
		size[0]--;
		size[3] = 0xff;
		cr_assert_neq(tdx_quote_parse(in, &quote), ERR_OK);
		size[3] = 0;
		cr_assert_eq(tdx_quote_parse(in, &quote), ERR_OK);
	}
	vector_forget();
}

Test(tdx_quote, a_quote_of_sgx_is_none_of_a_td)
{
	struct bytes file = vector_own("tdx/quote.dat");
	uint8_t *bytes = vector_copy(file);
	struct bytes in = { bytes, file.len };
	struct tdx_quote quote;

	bytes[0] = 3;
	bytes[4] = 0;
	cr_assert_eq(tdx_quote_parse(in, &quote), ERR_UNSUPPORTED);
	bytes[0] = 4;
	cr_assert_eq(tdx_quote_parse(in, &quote), ERR_UNSUPPORTED);
	vector_forget();
}

Test(tdx_quote, more_than_the_limit_is_too_large)
{
	static uint8_t big[TDX_QUOTE_BYTES_MAX + 1];
	struct bytes file = vector_own("tdx/quote.dat");
	struct tdx_quote quote;

	memcpy(big, file.data, file.len);
	cr_assert_eq(
		tdx_quote_parse((struct bytes){ big, sizeof(big) - 1 }, &quote),
		ERR_OK);
	cr_assert_eq(tdx_quote_parse(BYTES_ARRAY(big), &quote), ERR_TOO_LARGE);
	vector_forget();
}

Test(tdx_quote, a_quote_is_printed_field_by_field)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct tdx_quote quote;

	cr_assert_eq(tdx_quote_parse(vector_own("tdx/quote.dat"), &quote),
		     ERR_OK);
	tdx_quote_print(&quote, out);
	fclose(out);
	cr_assert(strstr(text, "version 4, body of TD 1.0") != NULL);
	cr_assert(strstr(text, "06010300000000000000000000000000") != NULL);
	cr_assert(strstr(text, "rtmr3") != NULL);
	cr_assert(strstr(text, "mrservicetd          -") != NULL);
	cr_assert(strstr(text, "70 bytes") != NULL);
	free(text);
	vector_forget();
}
