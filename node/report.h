/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: one quote of a confidential machine, by Linux's configfs-tsm
 * (Documentation/ABI/testing/configfs-tsm-report, Linux 6.7).
 *
 *     directory/provider     "sev_guest" or "tdx_guest"
 *              /inblob       written: the 64 bytes that are to be signed
 *              /outblob      read: the quote
 *              /auxblob      read: SEV-SNP's certificates, perhaps none
 *              /generation   goes up by one with each inblob
 *
 * The kernel takes an inblob when its file is closed, and tells nobody whether
 * it did; so the generation has to go up, by one, and to stay there until the
 * rest was read.  Another who writes meanwhile is noticed, and all begins
 * again, a bounded number of times.
 */
#ifndef NODE_REPORT_H
#define NODE_REPORT_H

#include "base/bytes.h"

#define REPORT_DATA_BYTES 64
#define REPORT_BLOB_MAX (32u << 10) /* as in the kernel */

enum report_provider {
	REPORT_SEV_GUEST,
	REPORT_TDX_GUEST,
	REPORT_PROVIDERS,
};

struct report {
	size_t out_len, aux_len;
	uint8_t out[REPORT_BLOB_MAX];
	uint8_t aux[REPORT_BLOB_MAX];
};

/*
 * Have these bytes signed.  `directory` is an open directory of one report.
 * ERR_UNSUPPORTED for another provider, ERR_TOO_LARGE where the kernel has no
 * room for the quote, ERR_UNAVAILABLE where it refuses, or others do not stop
 * to write.
 */
MUST_CHECK enum err report_make(int directory, enum report_provider provider,
				const uint8_t data[static REPORT_DATA_BYTES],
				struct report *out);

#endif
