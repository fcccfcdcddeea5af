/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: what somebody trusts, read from a file or from a command line.
 *
 *     FILE = { LINE "\n" }
 *     LINE = "" | "#" { %x20-7E } | KEY " " VALUE
 *
 *     evidence TYPE            software, tpm2, sev-snp or tdx
 *     root TYPE HEX            instead of the vendor's, which a TPM has not:
 *                              SHA-256 of its SubjectPublicKeyInfo
 *     chip TYPE HEX            SEV-SNP: chip id; TDX: platform instance id;
 *                              TPM: name of its attestation key
 *     measurement REGISTER HEX pcr4, launch, mrtd, rtmr1 (pcc-verify registers)
 *                              pcr14, 16, 23 and rtmr3 alone are not enough,
 *                              as anything that runs may fill those
 *     measurement any          whatever was booted: for development
 *     program HEX              likewise model, tokenizer, policy, jail, log,
 *                              command: digests of the node statement
 *     snp-tcb PART NUMBER      at least: fmc, bootloader, tee, snp, microcode
 *     snp-vmpl NUMBER          at most; 0 if not said
 *     tdx-status WORD          the worst: up-to-date, sw-hardening-needed, ...
 *     shape MODE               paced, sized or off: the worst that will do
 *     node HEX                 this node and no other
 *     release-log KEY          which log releases have to be in; KEY is a text
 *                              as of tlog/note.h, its name the log's origin
 *     release-witness KEY      who has to have seen that log
 *     release-quorum NUMBER    so many of them; all if not said
 *     release-age-s NUMBER     at most so long ago
 *     release-revoked HEX      leaf hash of an entry that was taken back
 *
 * What may stand twice is a list of which any one will do; anything else, and
 * any key that is not above, is refused: trust that is half read is no trust.
 */
#ifndef ATTEST_TRUST_H
#define ATTEST_TRUST_H

#include "attest/collateral.h"
#include "attest/verify.h"

#define TRUST_TEXT_MAX (64u << 10)
#define TRUST_LIST_MAX 16 /* of one kind */

/* `policy` points into the rest, so this is not to be copied.  All that it owns
   is collateral. */
struct trust {
	struct verify_policy policy;
	uint8_t digests[VERIFY_DIGESTS][TRUST_LIST_MAX][STATEMENT_DIGEST_BYTES];
	uint8_t node_id[STATEMENT_DIGEST_BYTES];
	struct certificate_root roots[BUNDLE_EVIDENCE_COUNT][TRUST_LIST_MAX];
	struct appraisal_chip chips[BUNDLE_EVIDENCE_COUNT][TRUST_LIST_MAX];
	struct appraisal_reference references[BUNDLE_EVIDENCE_COUNT]
					     [2 * TRUST_LIST_MAX];
	struct note_key release_log;
	struct note_key witnesses[TRUST_LIST_MAX];
	uint8_t revoked[TRUST_LIST_MAX][STATEMENT_DIGEST_BYTES];
	struct collateral collateral; /* owned; trust_close() */
	bool has_collateral;
	uint32_t said; /* bit of each key that may be said once and was */
};

/* Trusts nothing. */
void trust_begin(struct trust *out);

/*
 * Take one line, or one option of a command line with the same name and value.
 * ERR_UNSUPPORTED for an unknown key, ERR_MALFORMED for its value, ERR_DENIED
 * for what is said a second time, ERR_TOO_LARGE for a list that is full.
 */
MUST_CHECK enum err trust_take(struct trust *trust, struct bytes key,
			       struct bytes value);

/* Where a file was refused; from 1. */
MUST_CHECK enum err trust_parse(struct bytes text, struct trust *trust,
				size_t *line);

/*
 * The same for a file.  On an error it says on standard error, after `program`,
 * what is wrong and where.
 */
MUST_CHECK enum err trust_load(const char *program, const char *path,
			       struct trust *trust);

/*
 * Take a folder of collateral (attest/collateral.h) for every kind of evidence.
 * ERR_DENIED for a second one; else it says, after `program`, what is wrong.
 */
MUST_CHECK enum err trust_load_collateral(const char *program, const char *path,
					  struct trust *trust);
void trust_close(struct trust *trust);

#endif
