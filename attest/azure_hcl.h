/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_hcl: the report that the paravisor of an Azure confidential VM keeps in
 * its virtual TPM (NV index 0x01400001), which ties that TPM's attestation key
 * to the SEV-SNP report of the paravisor itself.
 *
 *     000 "HCLA"  004 version (1, 2)  008 bytes up to the claims' end
 *     00c 2: SEV-SNP  010 status, zero  014 zero:12
 *     020 SEV-SNP report (attest/snp_report.h)
 *     4c0 bytes from here on  4c4 1  4c8 2: SEV-SNP  4cc 1: SHA-256
 *     4d0 bytes of claims  4d4 claims, JSON; then zeros
 *
 * Numbers are little-endian.  report data = SHA-256(claims) | zeros:32, and the
 * claims hold the key as a JSON Web Key (RFC 7517) of the id "HCLAkPub".
 */
#ifndef ATTEST_AZURE_HCL_H
#define ATTEST_AZURE_HCL_H

#include "base/bytes.h"

#define AZURE_HCL_BYTES_MAX (16u << 10)
#define AZURE_HCL_MODULUS_BYTES 256

struct azure_hcl {
	struct bytes report; /* borrowed */
	struct bytes claims; /* borrowed; JSON, as it was hashed */
	uint8_t modulus[AZURE_HCL_MODULUS_BYTES]; /* of the key, RSA 2048 */
	uint32_t exponent;
};

/*
 * Read one that fills `in` exactly.  ERR_UNSUPPORTED for other hardware, hashes
 * and keys; ERR_MALFORMED where the claims have no such key, or two.
 */
MUST_CHECK enum err azure_hcl_parse(struct bytes in, struct azure_hcl *out);

/* ERR_UNAUTHENTIC unless the report data, 64 bytes, are those of the claims. */
MUST_CHECK enum err azure_hcl_check(const struct azure_hcl *hcl,
				    struct bytes report_data);

#endif
