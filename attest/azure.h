/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure: judges evidence of an Azure confidential VM, where the hardware's
 * report is of a paravisor, and that one's virtual TPM vouches for the VM.
 *
 *     evidence = CBOR [ bytes report, bytes certificates, bytes quote ]
 *
 *     SEV-SNP report -> claims -> attestation key -> quote -> PCRs, event log
 *
 * report is attest/azure_hcl.h, certificates attest/snp_table.h, quote
 * attest/tpm_evidence.h without certificates of its own, since the claims vouch
 * for its key.  They name the key's modulus alone; that it is a restricted one
 * of this TPM shows in the qualified name which the TPM signs.
 *
 * A question that is put to both halves passes where both pass.  Registers are
 * the PCRs of the quote, and the launch measurement of the paravisor.
 */
#ifndef ATTEST_AZURE_H
#define ATTEST_AZURE_H

#include "attest/appraisal.h"

#define AZURE_NEEDED                                       \
	(1u << APPRAISAL_FORMAT | 1u << APPRAISAL_CHAIN |  \
	 1u << APPRAISAL_SIGNATURE | 1u << APPRAISAL_TCB | \
	 1u << APPRAISAL_GUEST)

/*
 * Answer every question.  report_data is what the quote was asked for with:
 * the SHA-256 of what is bound, as for any TPM.
 */
void azure_appraise(struct bytes evidence,
		    const struct appraisal_policy *policy,
		    struct appraisal *out);

/* The three parts; borrowed. */
struct azure_evidence {
	struct bytes report;
	struct bytes certificates;
	struct bytes quote;
};

MUST_CHECK enum err azure_parse(struct bytes evidence,
				struct azure_evidence *out);
MUST_CHECK enum err azure_write(const struct azure_evidence *evidence,
				struct writer *out);

#endif
