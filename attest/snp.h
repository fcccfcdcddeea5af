/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp: judges evidence of AMD SEV-SNP: that this code was started in a guest
 * whose memory its host cannot read.
 *
 *     evidence = CBOR [ bytes report, bytes certificates ]
 *
 * as Linux gives outblob and auxblob in configfs-tsm: a report
 * (attest/snp_report.h), with zeros after it or none, and the host's table of
 * certificates (attest/snp_table.h), which may be empty.
 *
 * Whatever is missing in the table comes from the policy.  A guest that may be
 * debugged or migrated never passes.  A report names the firmware that its key
 * was derived for, and AMD's certificate of the key names it again: both have
 * to say the same, part by part.
 */
#ifndef ATTEST_SNP_H
#define ATTEST_SNP_H

#include "attest/appraisal.h"

#define SNP_NEEDED                                         \
	(1u << APPRAISAL_FORMAT | 1u << APPRAISAL_CHAIN |  \
	 1u << APPRAISAL_SIGNATURE | 1u << APPRAISAL_TCB | \
	 1u << APPRAISAL_GUEST)

/* Answer every question; never fails but in the records. */
void snp_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out);

/* The two parts, both borrowed. */
struct snp_evidence {
	struct bytes report;
	struct bytes certificates;
};

MUST_CHECK enum err snp_parse(struct bytes evidence, struct snp_evidence *out);
MUST_CHECK enum err snp_write(const struct snp_evidence *evidence,
			      struct writer *out);

/* The same as snp_appraise() for parts that came in another envelope. */
void snp_appraise_parts(const struct snp_evidence *evidence,
			const struct appraisal_policy *policy,
			struct appraisal *out);

#endif
