/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quote that parses lies within its input, its parts fill what is signed and
 * what is not, and printing it reads no further.
 */
#include "attest/tdx_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, const uint8_t *data, size_t size)
{
	return part.len == 0 || (part.data >= data && part.len <= size &&
				 (size_t)(part.data - data) <= size - part.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct tdx_quote quote;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	if (tdx_quote_parse((struct bytes){ data, size }, &quote) != ERR_OK)
		return 0;
	invariant(quote.signed_part.data == data);
	invariant(lies_within(quote.signed_part, data, size));
	invariant(lies_within(quote.certificates, data, size));
	invariant(quote.certificates.data + quote.certificates.len +
			  quote.trailing ==
		  data + size);
	invariant(quote.qe_authentication.data + quote.qe_authentication.len +
			  6 ==
		  quote.certificates.data);
	invariant(quote.qe_report.len == 384 && quote.mrtd.len == 48 &&
		  quote.report_data.len == 64 &&
		  quote.attestation_key.len == 64);
	invariant((quote.mrservicetd.len == 48) ==
		  (quote.body == TDX_QUOTE_TD15));
	tdx_quote_print(&quote, nowhere);
	return 0;
}
