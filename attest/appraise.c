/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/appraise.h"

#include <string.h>

#include "attest/snp.h"
#include "attest/tdx.h"
#include "attest/tpm.h"
#include "crypto/hash.h"

#define BIT(code) (UINT32_C(1) << (code))

/* The report data and nothing else: of one piece, and rooted nowhere. */
static void software_appraise(struct bytes evidence,
			      const struct appraisal_policy *policy,
			      struct appraisal *out)
{
	(void)policy;
	for (int i = 0; i < APPRAISAL_CODES; i++)
		appraisal_skip(out, i, "Software evidence has none.");
	if (evidence.len != EVIDENCE_REPORT_DATA_BYTES) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "It is not the %d bytes of report data.",
			       EVIDENCE_REPORT_DATA_BYTES);
		return;
	}
	out->report_data = evidence;
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "It is report data, signed by nobody.");
}

static const struct {
	appraise_function *appraise;
	uint32_t needed;
} kinds[BUNDLE_EVIDENCE_COUNT] = {
	[BUNDLE_EVIDENCE_SOFTWARE] = { software_appraise,
				       BIT(APPRAISAL_FORMAT) },
	[BUNDLE_EVIDENCE_TPM2] = { tpm_appraise, TPM_NEEDED },
	[BUNDLE_EVIDENCE_SEV_SNP] = { snp_appraise, SNP_NEEDED },
	[BUNDLE_EVIDENCE_TDX] = { tdx_appraise, TDX_NEEDED },
};

void appraise_by(appraise_function *function, uint32_t needed,
		 struct bytes evidence, const struct appraisal_policy *policy,
		 struct appraisal *out)
{
	appraisal_begin(out);
	function(evidence, policy, out);
	for (int i = 0; i < APPRAISAL_CODES; i++)
		if ((needed >> i & 1) != 0 &&
		    out->records[i].mark != RECORD_PASS)
			out->records[i].mark = RECORD_FAIL;
}

void appraise(const struct bundle_evidence *evidence,
	      const struct appraisal_policy *policy, struct appraisal *out)
{
	enum bundle_evidence_type type = evidence->type;

	appraisal_begin(out);
	if (type >= BUNDLE_EVIDENCE_COUNT || kinds[type].appraise == NULL) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "This build cannot check such evidence.");
		return;
	}
	appraise_by(kinds[type].appraise, kinds[type].needed, evidence->value,
		    policy, out);
}

enum err appraise_binding(enum bundle_evidence_type type,
			  const struct appraisal *appraisal,
			  const struct evidence_report_data *report_data)
{
	struct bytes wanted = BYTES_ARRAY(report_data->bytes);
	uint8_t digest[HASH_SHA256_BYTES];

	/* A TPM's field is too short for all of it. */
	if (type == BUNDLE_EVIDENCE_TPM2) {
		hash_sha256(wanted, digest);
		wanted = (struct bytes)BYTES_ARRAY(digest);
	}
	if (appraisal->report_data.len == 0)
		return ERR_MALFORMED;
	return bytes_equal(appraisal->report_data, wanted) ? ERR_OK
							   : ERR_UNAUTHENTIC;
}
