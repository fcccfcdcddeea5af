/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp_forge: SEV-SNP evidence under a root of the test's own, so that whatever
 * a test changes can be signed again.
 *
 *     root (ARK-X) -> issuer (SEV-X or SEV-VLEK-X) -> key (VCEK or VLEK)
 *
 * The certificates are as AMD makes them, but for keys of 2048 bits.  Every
 * failure here fails the running test.
 */
#ifndef TESTS_SUPPORT_SNP_FORGE_H
#define TESTS_SUPPORT_SNP_FORGE_H

#include "attest/snp.h"
#include "attest/snp_endorsement.h"
#include "attest/snp_report.h"

#define SNP_FORGE_NOW 1800000000u
#define SNP_FORGE_DER_MAX 2048
#define SNP_FORGE_EVIDENCE_MAX 8192

/* Where fields begin in a report. */
enum snp_forge_field {
	SNP_FORGE_VERSION = 0x000,
	SNP_FORGE_GUEST_SVN = 0x004,
	SNP_FORGE_POLICY = 0x008,
	SNP_FORGE_FAMILY_ID = 0x010,
	SNP_FORGE_VMPL = 0x030,
	SNP_FORGE_ALGORITHM = 0x034,
	SNP_FORGE_CURRENT_TCB = 0x038,
	SNP_FORGE_PLATFORM_INFO = 0x040,
	SNP_FORGE_FLAGS = 0x048,
	SNP_FORGE_REPORT_DATA = 0x050,
	SNP_FORGE_MEASUREMENT = 0x090,
	SNP_FORGE_HOST_DATA = 0x0c0,
	SNP_FORGE_ID_KEY = 0x0e0,
	SNP_FORGE_AUTHOR_KEY = 0x110,
	SNP_FORGE_REPORT_ID = 0x140,
	SNP_FORGE_REPORT_ID_MA = 0x160,
	SNP_FORGE_REPORTED_TCB = 0x180,
	SNP_FORGE_PROCESSOR = 0x188,
	SNP_FORGE_CHIP_ID = 0x1a0,
	SNP_FORGE_COMMITTED_TCB = 0x1e0,
	SNP_FORGE_FIRMWARE = 0x1e8,
	SNP_FORGE_LAUNCH_TCB = 0x1f0,
	SNP_FORGE_MITIGATIONS = 0x1f8,
	SNP_FORGE_R = 0x2a0,
	SNP_FORGE_S = 0x2e8,
	SNP_FORGE_SIGNATURE_END = 0x330,
};

/* What the certificate of a key says; extensions may be left out or doubled. */
struct snp_forge_key {
	enum snp_report_signer signer;
	enum snp_report_product product; /* of the issuer */
	const char *subject;		 /* NULL: as it has to be */
	const char *product_text;	 /* NULL: the product's name */
	struct appraisal_tcb tcb;
	uint8_t chip[64];
	size_t chip_len;
	const char *cloud;    /* NULL: none */
	const char *without;  /* an OID that is left out; NULL: none */
	const char *twice;    /* ... that is there twice */
	const char *with_oid; /* ... that is there besides */
	struct bytes with;    /* and its value */
	uint64_t not_before, not_after; /* 0: around SNP_FORGE_NOW */
};

/* Keys and certificates; the latter of one product at a time. */
struct snp_forge {
	void *root_key, *ask_key, *asvk_key, *key, *other_key; /* owned */
	uint8_t memory[3][SNP_FORGE_DER_MAX];
	struct bytes root, issuer, leaf; /* certificates, in DER */
	struct certificate_root trusted;
	enum snp_report_product product;
	enum snp_report_signer signer;
};

void snp_forge_open(struct snp_forge *forge);
void snp_forge_close(struct snp_forge *forge);

/* A key as AMD would certify it, of this product and kind. */
struct snp_forge_key snp_forge_ordinary(enum snp_report_product product,
					enum snp_report_signer signer);

/* Issue a certificate for the key, and those above it. */
void snp_forge_issue(struct snp_forge *forge, const struct snp_forge_key *key);

/* A report of version 2 to 5 that agrees with that certificate, not signed. */
void snp_forge_report(const struct snp_forge_key *key, uint32_t version,
		      uint8_t report[static SNP_REPORT_BYTES]);

/* The eight bytes of a TCB in the product's order. */
void snp_forge_put_tcb(uint8_t *out, enum snp_report_product product,
		       const struct appraisal_tcb *tcb);

/* Sign 0 to 29f anew, with the key that was certified or with another one. */
enum snp_forge_with {
	SNP_FORGE_KEY = 0,
	SNP_FORGE_OTHER_KEY,
};

void snp_forge_sign(const struct snp_forge *forge, enum snp_forge_with with,
		    uint8_t report[static SNP_REPORT_BYTES]);

/* Append the evidence: this report and the three certificates. */
void snp_forge_evidence(const struct snp_forge *forge, struct bytes report,
			struct writer *out);

/* What accepts it: the root, the time, and the key's firmware as the floor. */
struct appraisal_policy snp_forge_policy(const struct snp_forge *forge,
					 const struct snp_forge_key *key);

#endif
