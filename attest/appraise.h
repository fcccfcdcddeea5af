/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraise: any kind of evidence, each by its own module, as one table.
 *
 * A kind without a row cannot be checked by this build and is refused.
 */
#ifndef ATTEST_APPRAISE_H
#define ATTEST_APPRAISE_H

#include "attest/appraisal.h"
#include "attest/evidence.h"
#include "wire/bundle.h"

/*
 * Answer every question about one piece.  A question that this kind needs and
 * that was not answered with RECORD_PASS is RECORD_FAIL afterwards.
 */
void appraise(const struct bundle_evidence *evidence,
	      const struct appraisal_policy *policy, struct appraisal *out);

/* The same for any kind, by its own function and what it needs. */
typedef void appraise_function(struct bytes evidence,
			       const struct appraisal_policy *policy,
			       struct appraisal *out);

void appraise_by(appraise_function *function, uint32_t needed,
		 struct bytes evidence, const struct appraisal_policy *policy,
		 struct appraisal *out);

/*
 * Whether what the evidence signed is this report data.  ERR_MALFORMED where
 * it signed none, ERR_UNAUTHENTIC where it is another's.
 */
MUST_CHECK enum err
appraise_binding(enum bundle_evidence_type type,
		 const struct appraisal *appraisal,
		 const struct evidence_report_data *report_data);

#endif
