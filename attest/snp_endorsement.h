/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp_endorsement: what AMD says of the key that signs reports, in extensions
 * of its certificate ("VCEK Certificate and KDS Interface Specification", AMD
 * 57230; VLEKs likewise).
 *
 *     1.3.6.1.4.1.3704.1.1      version of this list, INTEGER 0 or 1
 *                       .2      product, IA5String such as "Milan-B0"
 *                       .3.1    bootloader   .3.2 tee   .3.3 snp
 *                       .3.4-7  INTEGER 0, if there
 *                       .3.8    microcode    .3.9 fmc, Turin alone
 *                       .4      chip: 64 bytes (Turin: 8), VCEK alone
 *                       .5      cloud, IA5String, VLEK alone
 *
 * It holds only if the certificate does: see snp.h.
 */
#ifndef ATTEST_SNP_ENDORSEMENT_H
#define ATTEST_SNP_ENDORSEMENT_H

#include "attest/snp_report.h"

struct snp_endorsement {
	enum snp_report_signer signer; /* VCEK or VLEK */
	enum snp_report_product product;
	struct appraisal_tcb tcb;
	struct appraisal_chip chip; /* as reports name it; VLEK: len 0 */
	struct bytes cloud;	    /* borrowed, printable ASCII; VCEK: empty */
};

/*
 * Read them.  Product and kind of key are what issuer and subject are named
 * for, and the extensions have to agree.  ERR_MALFORMED otherwise.
 */
MUST_CHECK enum err snp_endorsement_read(const struct certificate *certificate,
					 struct snp_endorsement *out);

/* Whether the subject is named as keys of this kind are. */
bool snp_endorsement_is(const struct certificate *certificate,
			enum snp_report_signer signer);

#endif
