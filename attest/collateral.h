/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collateral: what vendors publish about their chips, kept in a folder.
 *
 *     *.crl.der            lists of revoked certificates
 *     *.cer.der            certificates that evidence came without
 *     tdx-tcb-info.json    as Intel's service answers it
 *     tdx-qe-identity.json
 *     tdx-signing-chain.pem
 *
 * All of it is signed by vendors and public, so a verifier without a network
 * works from such a folder, and says when it is out of date.  Other names are
 * refused: a file that nobody reads would look like one that is.
 */
#ifndef ATTEST_COLLATERAL_H
#define ATTEST_COLLATERAL_H

#include "attest/appraisal.h"

#define COLLATERAL_FILES_MAX 32
#define COLLATERAL_BYTES_MAX (1u << 20) /* one file */

/* Declare with SCOPED_WIPE(collateral_close); owns what it points to. */
struct collateral {
	struct bytes crls[COLLATERAL_FILES_MAX];
	size_t crl_count;
	struct bytes certificates[COLLATERAL_FILES_MAX];
	size_t certificate_count;
	struct bytes tcb_info, qe_identity, signing_chain;
};

/* Read a folder.  On an error it says on standard error what is wrong. */
MUST_CHECK enum err collateral_load(const char *program, const char *path,
				    struct collateral *out);
void collateral_close(struct collateral *collateral);

/* Let a policy use it, while it is open. */
void collateral_lend(const struct collateral *collateral,
		     struct appraisal_policy *policy);

#endif
