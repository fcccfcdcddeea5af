/* SPDX-License-Identifier: Apache-2.0 */
/* No machine of Azure is among the seeds under AMD's roots: nothing holds. */
#include "attest/azure.h"

#define AT_2025_06_01 1748736000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct appraisal_policy policy = { .now = AT_2025_06_01 };
	struct appraisal out;

	azure_appraise((struct bytes){ data, size }, &policy, &out);
	invariant(!appraisal_holds(&out, AZURE_NEEDED));
	return 0;
}
