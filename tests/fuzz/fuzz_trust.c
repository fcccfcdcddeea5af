/* SPDX-License-Identifier: Apache-2.0 */
/* What was trusted stays within its lists, whatever a file says. */
#include "attest/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust trust;
	size_t line;

	trust_begin(&trust);
	(void)trust_parse((struct bytes){ data, size }, &trust, &line);
	for (size_t i = 0; i < VERIFY_DIGESTS; i++)
		invariant(trust.policy.digests[i].count <= TRUST_LIST_MAX);
	for (size_t i = 0; i < BUNDLE_EVIDENCE_COUNT; i++) {
		const struct appraisal_policy *one = &trust.policy.appraisal[i];

		invariant(one->root_count <= TRUST_LIST_MAX);
		invariant(one->chip_count <= TRUST_LIST_MAX);
		invariant(one->reference_count <= 2 * TRUST_LIST_MAX);
		for (size_t j = 0; j < one->chip_count; j++)
			invariant(one->chips[j].len <= APPRAISAL_CHIP_MAX);
	}
	return 0;
}
