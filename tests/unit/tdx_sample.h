/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_sample: evidence and collateral as real platforms gave them, put together
 * for attest/tdx.h.
 *
 * Bytes lie in the pool of tests/vector.h.
 */
#ifndef TESTS_UNIT_TDX_SAMPLE_H
#define TESTS_UNIT_TDX_SAMPLE_H

#include "attest/tdx.h"

/* Evidence of a quote and an event log. */
struct bytes tdx_sample_evidence(struct bytes outblob, struct bytes ccel);

/* What a service keeps for one platform, as tests/vectors/tdx has it. */
struct tdx_sample_collateral {
	struct bytes tcb_info, qe_identity; /* as Intel sends them */
	struct bytes signing_chain;	    /* PEM */
	struct bytes crls[2];		    /* PCK CA's, root's */
};

void tdx_sample_load(struct tdx_sample_collateral *out);

/* A policy at this time that has all of it; `collateral` is borrowed. */
struct appraisal_policy
tdx_sample_policy(const struct tdx_sample_collateral *collateral, uint64_t now);

/* Fail the running test unless the record has this mark and these words. */
void tdx_sample_expect(const struct appraisal *appraisal,
		       enum appraisal_code code, enum record_mark mark,
		       const char *words);

#endif
