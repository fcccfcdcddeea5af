/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_quote: an Intel TDX quote, version 4 or 5, taken apart (Intel TDX DCAP
 * Quote Generation Library and Quote Verification Library, appendix 3).
 *
 * Little-endian, but the signatures and keys: those are big-endian.
 *
 *     header 48    version:2 | key type:2 = 2 (ECDSA P-256) | TEE type:4 = 0x81
 *                  | zeros:4 | vendor of the quoting enclave:16 | user data:20
 *     version 5    body type:2 (2: TD 1.0, 3: TD 1.5) | body size:4
 *     body         584 bytes, or 648 with what TD 1.5 adds
 *     - all of the above is signed -
 *     size:4 | signature:64 | attestation key:64 | 6:2 | size:4 |
 *       QE report:384 | its signature:64 | size:2 | authentication data |
 *       5:2 | size:4 | certificates
 *
 * The sizes have to agree with each other to the byte.  What follows the
 * signature's data belongs to nobody: Linux and clouds hand quotes out in
 * buffers of theirs, and what is there is not looked at.
 */
#ifndef ATTEST_TDX_QUOTE_H
#define ATTEST_TDX_QUOTE_H

#include <stdio.h>

#include "attest/appraisal.h"

#define TDX_QUOTE_BYTES_MAX (32u << 10)
#define TDX_QUOTE_SVN_BYTES 16
#define TDX_QUOTE_REGISTER_BYTES 48

enum tdx_quote_body {
	TDX_QUOTE_TD10 = 2,
	TDX_QUOTE_TD15 = 3,
};

/* The report of the quoting enclave, an SGX enclave (Intel SDM 3D, 38.16). */
struct tdx_quote_qe {
	struct bytes cpusvn;		  /* 16 */
	struct bytes miscselect;	  /* 4 */
	struct bytes attributes;	  /* 16 */
	struct bytes mrenclave, mrsigner; /* 32 */
	uint16_t isvprodid, isvsvn;
	struct bytes report_data; /* 64 */
};

/* Every view is borrowed from the quote. */
struct tdx_quote {
	uint16_t version;
	enum tdx_quote_body body;
	struct bytes user_data;

	struct bytes tee_tcb_svn;	   /* 16 */
	struct bytes mrseam, mrsignerseam; /* 48 */
	struct bytes seam_attributes;	   /* 8 */
	uint64_t td_attributes, xfam;
	struct bytes mrtd; /* 48, as all registers */
	struct bytes mrconfigid, mrowner, mrownerconfig;
	struct bytes rtmr[APPRAISAL_RTMRS];
	struct bytes report_data;		/* 64 */
	struct bytes tee_tcb_svn2, mrservicetd; /* TD 1.5; else empty */

	struct bytes signed_part;
	struct bytes signature;	      /* r | s */
	struct bytes attestation_key; /* x | y */
	struct bytes qe_report;	      /* 384 */
	struct tdx_quote_qe qe;
	struct bytes qe_signature;
	struct bytes qe_authentication;
	struct bytes certificates; /* attest/pck.h reads them */
	size_t trailing;	   /* bytes behind the quote */
};

/*
 * ERR_UNSUPPORTED for a quote that is of SGX, of another version, signed by
 * another kind of key, of another vendor's enclave or with certificates of
 * another type; ERR_TRUNCATED where it ends early; ERR_MALFORMED where sizes
 * disagree or a reserved byte is set; ERR_TOO_LARGE beyond the limit above.
 */
MUST_CHECK enum err tdx_quote_parse(struct bytes in, struct tdx_quote *out);

/* Field by field, for people. */
void tdx_quote_print(const struct tdx_quote *quote, FILE *out);

#endif
