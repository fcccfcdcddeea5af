/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says of a key is of one product and one kind. */
#include "attest/snp_endorsement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate certificate = { NULL };
	struct snp_endorsement found;

	if (certificate_parse((struct bytes){ data, size }, &certificate) !=
	    ERR_OK)
		return 0;
	if (snp_endorsement_read(&certificate, &found) == ERR_OK) {
		invariant(found.product > SNP_REPORT_UNSAID &&
			  found.product < SNP_REPORT_PRODUCTS);
		invariant(snp_endorsement_is(&certificate, found.signer));
		invariant((found.chip.len > 0) ==
			  (found.signer == SNP_REPORT_VCEK));
		invariant(found.tcb.fmc == 0 ||
			  found.product == SNP_REPORT_TURIN);
	}
	certificate_close(&certificate);
	return 0;
}
