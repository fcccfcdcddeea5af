/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snp_report: the attestation report of AMD SEV-SNP, as the firmware signs it
 * ("SEV Secure Nested Paging Firmware ABI", AMD 56860, ATTESTATION_REPORT).
 *
 *     000 version  004 guest svn    008 policy:8       010 family id:16
 *     020 image id:16               030 vmpl  034 signature algorithm
 *     038 current tcb:8             040 platform info:8  048 flags  04c zero
 *     050 report data:64            090 measurement:48
 *     0c0 host data:32              0e0 id key digest:48
 *     110 author key digest:48      140 report id:32   160 its migrator's:32
 *     180 reported tcb:8            188 family, model, stepping (from 3 on)
 *     18b zero                      1a0 chip id:64     1e0 committed tcb:8
 *     1e8 firmware: build, minor, major, zero          1ec committed, likewise
 *     1f0 launch tcb:8              1f8 mitigations at launch, now (from 5 on)
 *     208 zero                      2a0 R:72  2e8 S:72  330 zero       to 4a0
 *
 * Integers are little-endian, R and S too.  Whatever the version that is named
 * keeps zero has to be zero.
 */
#ifndef ATTEST_SNP_REPORT_H
#define ATTEST_SNP_REPORT_H

#include <stdio.h>

#include "attest/appraisal.h"

#define SNP_REPORT_BYTES 0x4a0
#define SNP_REPORT_SIGNED_BYTES 0x2a0
#define SNP_REPORT_SIGNATURE_BYTES 96
#define SNP_REPORT_TCB_BYTES 8

/* A line of processors, which has its own root and order of the TCB. */
enum snp_report_product {
	SNP_REPORT_UNSAID = 0, /* version 2 does not tell */
	SNP_REPORT_MILAN,
	SNP_REPORT_GENOA,
	SNP_REPORT_TURIN,
	SNP_REPORT_PRODUCTS,
};

enum snp_report_signer {
	SNP_REPORT_VCEK = 0, /* a chip's own key */
	SNP_REPORT_VLEK = 1, /* one that AMD leases to a cloud */
	SNP_REPORT_UNSIGNED = 7,
};

/* Bits of the guest's policy. */
#define SNP_REPORT_POLICY_SMT (1u << 16)
#define SNP_REPORT_POLICY_MIGRATE_MA (1u << 18)
#define SNP_REPORT_POLICY_DEBUG (1u << 19)

/* The versions of firmware that a report names, least first in honest ones. */
enum snp_report_tcb_name {
	SNP_REPORT_REPORTED = 0, /* that the key was derived for */
	SNP_REPORT_LAUNCHED,	 /* when the guest was started */
	SNP_REPORT_COMMITTED,	 /* no way back behind this */
	SNP_REPORT_CURRENT,
	SNP_REPORT_TCBS,
};

struct snp_report_firmware {
	uint8_t major, minor, build;
};

/* Views are borrowed. */
struct snp_report {
	uint32_t version, guest_svn, vmpl;
	uint64_t policy, platform_info;
	bool has_author_key, is_chip_key_masked;
	enum snp_report_signer signer;
	enum snp_report_product product;
	uint8_t family, model, stepping; /* 0 in version 2 */
	struct bytes family_id, image_id, report_data, measurement, host_data;
	struct bytes id_key_digest, author_key_digest, report_id, report_id_ma;
	struct bytes chip_id;
	struct bytes tcb[SNP_REPORT_TCBS]; /* see snp_report_tcb() */
	struct snp_report_firmware current, committed;
	uint64_t launch_mitigations, current_mitigations; /* 0 before 5 */
	struct bytes signed_part;
	uint8_t signature[SNP_REPORT_SIGNATURE_BYTES]; /* r | s, big-endian */
};

/*
 * Read one report, after which there may be nothing but zeros.
 * ERR_UNSUPPORTED: a version, a signature algorithm or a processor that this
 * build does not know.
 */
MUST_CHECK enum err snp_report_parse(struct bytes in, struct snp_report *out);

/*
 * The parts of a version of firmware, whose order is the product's.
 * ERR_MALFORMED where a byte without a meaning is not zero, ERR_UNSUPPORTED for
 * SNP_REPORT_UNSAID.
 */
MUST_CHECK enum err snp_report_tcb(struct bytes raw,
				   enum snp_report_product product,
				   struct appraisal_tcb *out);

/* "Milan", "Genoa", "Turin"; "" for SNP_REPORT_UNSAID. */
const char *snp_report_product_name(enum snp_report_product product);

/* Field by field, for people.  Nothing in it was checked. */
void snp_report_print(const struct snp_report *report, FILE *out);

#endif
