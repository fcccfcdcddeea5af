/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp_chain: finds, in the host's table and in a policy's list, the
 * certificates that belong to a report.
 *
 *     VCEK <- ASK  (CN=SEV-Milan)       <- ARK (CN=ARK-Milan), its own
 *     VLEK <- ASVK (CN=SEV-VLEK-Milan)  <- ARK
 *
 * Names decide what is tried; whether it holds is for certificate.h to say.
 */
#ifndef ATTEST_SNP_CHAIN_H
#define ATTEST_SNP_CHAIN_H

#include "attest/snp_report.h"
#include "attest/snp_table.h"

/* Where certificates may be; all borrowed. */
struct snp_chain_sources {
	const struct snp_table *table;
	const struct appraisal_policy *policy;
};

/*
 * Append to an empty chain the key's certificate and all that are named as its
 * issuers.  Of several keys of the kind that the report names it is the one
 * that signed the report, or the first if none did.
 *
 * ERR_MALFORMED: a certificate of the table that is none.  ERR_UNAVAILABLE:
 * there is no key of that kind.
 */
MUST_CHECK enum err snp_chain_find(const struct snp_chain_sources *sources,
				   const struct snp_report *report,
				   struct certificate_chain *out);

/* Whether this certificate's key signed the report. */
MUST_CHECK enum err
snp_chain_check_signature(const struct certificate *certificate,
			  const struct snp_report *report);

#endif
