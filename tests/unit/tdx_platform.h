/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_platform: a platform under a root of the test's own, with collateral: all
 * that attest/tdx.h reads, signed by keys that the test has.
 *
 * Whatever a test changes in the fields below is signed as if Intel and the
 * platform had said it.  tdx_platform_open makes one on which every question
 * passes: a TD 1.5, version 5, up to date.  What is built lies in memory of
 * the platform, of which there is one a process.
 */
#ifndef TESTS_UNIT_TDX_PLATFORM_H
#define TESTS_UNIT_TDX_PLATFORM_H

#include "attest/pck.h"
#include "attest/tdx.h"
#include "tests/authority.h"

#define TDX_PLATFORM_LEVELS 3
#define TDX_PLATFORM_STEPS 2

enum tdx_platform_party {
	TDX_ROOT = 0,
	TDX_AUTHORITY, /* of PCKs */
	TDX_PCK,
	TDX_SIGNER,   /* of collateral */
	TDX_ATTESTER, /* has a certificate that nobody looks at */
	TDX_STRANGER_ROOT,
	TDX_STRANGER, /* under it, named as a PCK */
	TDX_PARTIES,
};

struct tdx_platform_level {
	unsigned sgx[16], tdx[16], pcesvn;
	const char *status;
};

struct tdx_platform_step {
	unsigned isvsvn;
	const char *status;
};

/* A statement's frame. */
struct tdx_platform_frame {
	const char *name, *id;
	unsigned version;
	const char *issued, *next;
	const char *more; /* members in front of the others, or "" */
};

struct tdx_platform {
	struct authority_wish wishes[TDX_PARTIES];
	struct authority parties[TDX_PARTIES];
	enum tdx_platform_party chain[4]; /* as the quote carries it */
	size_t chain_count;

	struct pck pck; /* what its extension says */

	/* The quote; sizes are those that are written. */
	uint8_t header[48];
	uint16_t body_type;
	uint32_t body_size;
	uint8_t body[648];
	size_t body_len;
	uint8_t report_data[64]; /* what a verifier asks for */
	uint8_t qe_report[384];
	uint8_t authentication[32];
	bool keeps_qe_data; /* else the report data names the key */
	enum tdx_platform_party quote_signer, qe_signer;

	struct tdx_platform_frame info, identity;
	char fmspc[16], pceid[8];
	uint8_t module_signer[48], module_attributes[8];
	const char *module_id;
	struct tdx_platform_step module_steps[TDX_PLATFORM_STEPS];
	struct tdx_platform_level levels[TDX_PLATFORM_LEVELS];
	uint8_t qe_miscselect[4], qe_miscselect_mask[4];
	uint8_t qe_attributes[16], qe_attributes_mask[16];
	uint8_t qe_mrsigner[32];
	unsigned qe_isvprodid;
	struct tdx_platform_step qe_steps[TDX_PLATFORM_STEPS];
	enum tdx_platform_party collateral_signer;

	/* What was built. */
	struct bytes certificates, quote, evidence;
	struct certificate_root root;
	struct bytes crls[2];
	struct appraisal_reference references[5];
	struct appraisal_chip chip;
	struct appraisal_policy policy;
};

#define TDX_PLATFORM_NOW AUTHORITY_NOW

/* Offsets in the body that tests change. */
#define TDX_BODY_TEE_TCB_SVN 0
#define TDX_BODY_MRSEAM 16
#define TDX_BODY_MRSIGNERSEAM 64
#define TDX_BODY_SEAM_ATTRIBUTES 112
#define TDX_BODY_TD_ATTRIBUTES 120
#define TDX_BODY_XFAM 128
#define TDX_BODY_MRTD 136
#define TDX_BODY_MRCONFIGID 184
#define TDX_BODY_RTMR 328
#define TDX_BODY_REPORT_DATA 520
#define TDX_BODY_TEE_TCB_SVN2 584
#define TDX_BODY_MRSERVICETD 600

/* Offsets in the report of the quoting enclave. */
#define TDX_QE_MISCSELECT 16
#define TDX_QE_ATTRIBUTES 48
#define TDX_QE_MRSIGNER 128
#define TDX_QE_ISVPRODID 256
#define TDX_QE_ISVSVN 258
#define TDX_QE_REPORT_DATA 320

void tdx_platform_open(struct tdx_platform *out);
void tdx_platform_close(struct tdx_platform *platform);

/* Build what depends on the fields, each from those before it. */
void tdx_platform_certify(struct tdx_platform *platform);
void tdx_platform_endorse(struct tdx_platform *platform);
void tdx_platform_sign(struct tdx_platform *platform);

/*
 * Whether evidence is accepted: every question of which the platform's policy
 * asks something passes, and the report data is what was asked for.
 */
bool tdx_platform_accepts(const struct tdx_platform *platform,
			  struct bytes evidence, struct appraisal *out);

#endif
