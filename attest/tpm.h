/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tpm: what a TPM 2.0 quote proves, question by question.
 *
 *   format       evidence, quote and key are such, each in its one encoding
 *   chain        the key's certificate leads to a root of the policy, is for
 *                attestation, and all of the key's properties are vouched for;
 *                or the policy names this very key in `chips`, by its name
 *   signature    an attestation key signed the quote, of these very values
 *   events       the log leads to the values; firmware handed over in order
 *   measurement  as for all evidence
 *
 * There is no vendor's root here: a TPM is trusted because somebody enrolled it
 * (attest/enrolment.h), or named it.
 *
 * What a quote does not cover, and so may be changed by whoever passes it on:
 * in an event log the data of events whose digest is not of them, their types,
 * and the digests of other banks than SHA-256; certificates that the chain does
 * not need.  Nothing here is decided by any of these.
 */
#ifndef ATTEST_TPM_H
#define ATTEST_TPM_H

#include "attest/appraisal.h"
#include "attest/tpm_evidence.h"

/* What has to pass; events are skipped where there is no log. */
#define TPM_NEEDED                                        \
	(1u << APPRAISAL_FORMAT | 1u << APPRAISAL_CHAIN | \
	 1u << APPRAISAL_SIGNATURE)

/*
 * Appraise one value as attest/tpm_evidence.h has it.  Where the signature
 * holds, report_data is the quote's extraData, which has to be the SHA-256 of
 * what is bound; registers are the quoted ones, chip is the key's name.
 */
void tpm_appraise(struct bytes evidence, const struct appraisal_policy *policy,
		  struct appraisal *out);

/*
 * Two of its parts, for quotes that come in another envelope: the values as
 * registers, and the answer to APPRAISAL_EVENTS.
 */
void tpm_take_registers(const struct tpm_evidence *evidence,
			struct appraisal *out);
void tpm_judge_events(const struct tpm_evidence *evidence,
		      struct appraisal *out);

#endif
