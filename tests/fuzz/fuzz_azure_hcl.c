/* SPDX-License-Identifier: Apache-2.0 */
/* A paravisor's report that parses lies within its input and has a key. */
#include "attest/azure_hcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[64] = { 0 };
	struct azure_hcl hcl;

	if (azure_hcl_parse((struct bytes){ data, size }, &hcl) != ERR_OK)
		return 0;
	invariant(hcl.report.data == data + 0x20);
	invariant(hcl.claims.data + hcl.claims.len <= data + size);
	invariant(hcl.exponent == 65537 && hcl.modulus[0] >= 0x80);
	invariant(azure_hcl_check(&hcl, BYTES_ARRAY(zeros)) == ERR_UNAUTHENTIC);
	return 0;
}
