/* SPDX-License-Identifier: Apache-2.0 */
/* A report that parses lies within its input, and can be printed. */
#include <stdio.h>

#include "attest/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.data >= whole.data &&
	       part.data + part.len <= whole.data + SNP_REPORT_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct bytes in = { data, size };
	struct appraisal_tcb tcb;
	struct snp_report report;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	if (snp_report_parse(in, &report) != ERR_OK)
		return 0;
	invariant(report.version >= 2 && report.version <= 5);
	invariant((report.product == SNP_REPORT_UNSAID) ==
		  (report.version == 2));
	invariant(lies_within(report.chip_id, in));
	invariant(lies_within(report.report_data, in));
	invariant(lies_within(report.signed_part, in));
	for (int i = 0; i < SNP_REPORT_TCBS; i++)
		if (snp_report_tcb(report.tcb[i], report.product, &tcb) ==
		    ERR_OK)
			invariant(report.product != SNP_REPORT_UNSAID);
	snp_report_print(&report, nowhere);
	return 0;
}
