/* SPDX-License-Identifier: Apache-2.0 */
/*
 * appraisal: what one piece of evidence proves, question by question.
 *
 * The words are those of RFC 9334: evidence is appraised under a policy,
 * against reference values, with the endorsements (certificates, collateral)
 * that came with it.  Each kind of evidence has a module that answers the same
 * questions in this order, so that a reader of a report learns them once.
 *
 * It fails closed.  A question that could not be reached stays RECORD_SKIP;
 * appraisal_holds() is true only where every question that this kind of
 * evidence needs passed and none failed.  Nothing here reads a clock.
 */
#ifndef ATTEST_APPRAISAL_H
#define ATTEST_APPRAISAL_H

#include "attest/record.h"
#include "base/bytes.h"
#include "crypto/certificate.h"

enum appraisal_code {
	APPRAISAL_FORMAT = 0,  /* the bytes are such evidence */
	APPRAISAL_CHAIN,       /* certificates lead to an accepted root */
	APPRAISAL_REVOCATION,  /* ... and none was revoked */
	APPRAISAL_SIGNATURE,   /* the certified key signed these bytes */
	APPRAISAL_TCB,	       /* firmware as new as it has to be */
	APPRAISAL_CHIP,	       /* one of the chips that are accepted */
	APPRAISAL_GUEST,       /* no debugger, no migration, right level */
	APPRAISAL_EVENTS,      /* the event log gives the signed registers */
	APPRAISAL_MEASUREMENT, /* registers have the values accepted */
	APPRAISAL_CODES,
};

/* What can be measured into.  PCRs are of the bank of SHA-256. */
enum appraisal_register {
	APPRAISAL_PCR0 = 0,    /* to APPRAISAL_PCR0 + 23 */
	APPRAISAL_LAUNCH = 24, /* SEV-SNP's launch measurement */
	APPRAISAL_MRTD,	       /* TDX */
	APPRAISAL_RTMR0,       /* to APPRAISAL_RTMR0 + 3 */
	APPRAISAL_REGISTERS = APPRAISAL_RTMR0 + 4,
};

#define APPRAISAL_PCRS 24
#define APPRAISAL_RTMRS 4
#define APPRAISAL_VALUE_MAX 48

/* A register's value; len 0: not signed by this evidence. */
struct appraisal_value {
	size_t len; /* 32 or 48 */
	uint8_t digest[APPRAISAL_VALUE_MAX];
};

/* One register has to have one value; several of one register: any will do. */
struct appraisal_reference {
	enum appraisal_register which;
	struct appraisal_value value;
};

/* Which firmware is new enough, part by part; a part that is absent is 0. */
struct appraisal_tcb {
	uint8_t fmc, bootloader, tee, snp, microcode;
};

/* The worst state of TDX firmware that is accepted; lower is better. */
enum appraisal_tdx_status {
	APPRAISAL_TDX_UP_TO_DATE = 0,
	APPRAISAL_TDX_SW_HARDENING_NEEDED,
	APPRAISAL_TDX_CONFIGURATION_NEEDED,
	APPRAISAL_TDX_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	APPRAISAL_TDX_OUT_OF_DATE,
	APPRAISAL_TDX_OUT_OF_DATE_CONFIGURATION_NEEDED,
	APPRAISAL_TDX_REVOKED, /* never accepted */
};

#define APPRAISAL_CHIP_MAX 64

/* SNP: chip id; TDX: platform instance id (16); TPM: name of the AK. */
struct appraisal_chip {
	size_t len;
	uint8_t id[APPRAISAL_CHIP_MAX];
};

/*
 * What is accepted.  All zero accepts the vendors' own roots, the newest
 * firmware state, any chip and any measurement, and never a debugger.  Every
 * list is borrowed.
 */
struct appraisal_policy {
	uint64_t now; /* Unix seconds */

	/* Instead of the vendors' roots (attest/roots.h); none: those. */
	const struct certificate_root *roots;
	size_t root_count;

	const struct appraisal_reference *references;
	size_t reference_count;
	const struct appraisal_chip *chips; /* none: any */
	size_t chip_count;

	struct appraisal_tcb snp_floor;	     /* besides the certificate's */
	uint32_t snp_vmpl_most;		     /* 0: the most privileged */
	enum appraisal_tdx_status tdx_worst; /* none but this or better */

	/* Endorsements that did not come with the evidence, in any order. */
	const struct bytes *certificates; /* DER */
	size_t certificate_count;

	/* Signed lists and statements of vendors, in any order. */
	const struct bytes *crls; /* DER */
	size_t crl_count;
	struct bytes tdx_tcb_info;	/* JSON as Intel signs it, or empty */
	struct bytes tdx_qe_identity;	/* the same */
	struct bytes tdx_signing_chain; /* PEM, of those two */
};

/* Everything that one piece of evidence said and proved. */
struct appraisal {
	struct record records[APPRAISAL_CODES];
	struct bytes
		report_data; /* borrowed from the evidence: what it binds */
	struct appraisal_value registers[APPRAISAL_REGISTERS];
	struct appraisal_chip chip;
	uint64_t valid_until; /* of certificates and collateral; 0: unknown */
	uint32_t expired;     /* bit 1 << code: failed for the time alone */
};

/* Empty, with no question answered. */
void appraisal_begin(struct appraisal *out);

/* Answer a question; `format` is a sentence. */
#define appraisal_pass(appraisal, code, ...) \
	record_set(&(appraisal)->records[code], RECORD_PASS, __VA_ARGS__)
#define appraisal_fail(appraisal, code, ...) \
	record_set(&(appraisal)->records[code], RECORD_FAIL, __VA_ARGS__)
/* The same for what was good once: renewing mends it, and nothing was forged. */
#define appraisal_expire(appraisal, code, ...)          \
	((appraisal)->expired |= UINT32_C(1) << (code), \
	 appraisal_fail(appraisal, code, __VA_ARGS__))
#define appraisal_skip(appraisal, code, ...) \
	record_set(&(appraisal)->records[code], RECORD_SKIP, __VA_ARGS__)

/* Answer APPRAISAL_CHIP and APPRAISAL_MEASUREMENT from what was filled in. */
void appraisal_judge_chip(struct appraisal *appraisal,
			  const struct appraisal_policy *policy);
void appraisal_judge_registers(struct appraisal *appraisal,
			       const struct appraisal_policy *policy);

/* Whether these all passed (bit 1 << enum appraisal_code) and none failed. */
bool appraisal_holds(const struct appraisal *appraisal, uint32_t needed);

#define APPRAISAL_NAME_MAX 16

/* Stable names, such as "evidence-chain" and "pcr4", "launch", "rtmr1". */
const char *appraisal_code_name(enum appraisal_code code);
const char *appraisal_register_name(enum appraisal_register which,
				    char name[static APPRAISAL_NAME_MAX]);
MUST_CHECK enum err appraisal_register_named(struct bytes name,
					     enum appraisal_register *out);

#endif
