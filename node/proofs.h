/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proofs: bundles whose evidence is still being made.
 *
 * A TPM takes its time, and meanwhile keys may change.  So what a bundle says
 * is fixed when it is asked for, under a ticket, and is taken up again when the
 * evidence for just that comes:
 *
 *     proofs_take ──▶ statement, keys, nonce ──▶ report data ──▶ attester
 *                                                                   │
 *     proofs_bundle ◀── proofs_find ◀── ticket, evidence ◀──────────┘
 */
#ifndef NODE_PROOFS_H
#define NODE_PROOFS_H

#include "attest/evidence.h"
#include "policy/limits.h"
#include "wire/bundle.h"
#include "wire/statement.h"

#define PROOFS_KEYS_MAX 256

/* One bundle to be. */
struct proof {
	uint64_t ticket;  /* ours, for the attester; 0: a free place */
	uint64_t asker;	  /* the front's; 0: nobody, it is for all */
	uint64_t refresh; /* what the front is told with it */
	uint64_t key_id;
	uint8_t statement[STATEMENT_BYTES_MAX];
	size_t statement_len;
	uint8_t keys[PROOFS_KEYS_MAX];
	size_t keys_len;
	struct evidence_report_data report_data;
};

struct proofs {
	uint64_t last_ticket;
	struct proof list[LIMIT_PROOFS];
};

/* An empty one with a ticket; NULL when too many are under way. */
struct proof *proofs_take(struct proofs *proofs);

/* The one with this ticket; NULL for none. */
struct proof *proofs_find(struct proofs *proofs, uint64_t ticket);

/* Forget it: its place is free. */
void proofs_release(struct proof *proof);

/* Fix the report data, once statement and keys are written; nonce or NULL. */
void proofs_bind(struct proof *proof, const uint8_t *nonce);

/*
 * Append the bundle.  `release` may be empty.  `kinds` are bits of enum bundle_evidence_type; `made` is
 * the body of MESSAGE_EVIDENCE, with a piece for each of them but software,
 * which is made here.  ERR_MALFORMED for other pieces.
 */
MUST_CHECK enum err proofs_bundle(const struct proof *proof, uint32_t kinds,
				  struct bytes release, struct bytes made,
				  struct writer *out);

/* Whether evidence of these kinds needs somebody else to make it. */
bool proofs_need_attester(uint32_t kinds);

/* The strongest of the kinds, which a statement may claim. */
enum statement_assurance proofs_assurance(uint32_t kinds);

#endif
