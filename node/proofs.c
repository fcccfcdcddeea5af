/* SPDX-License-Identifier: Apache-2.0 */
#include "node/proofs.h"

#include <string.h>

struct proof *proofs_take(struct proofs *proofs)
{
	for (size_t i = 0; i < LIMIT_PROOFS; i++) {
		struct proof *proof = &proofs->list[i];

		if (proof->ticket != 0)
			continue;
		*proof = (struct proof){ .ticket = ++proofs->last_ticket };
		return proof;
	}
	return NULL;
}

struct proof *proofs_find(struct proofs *proofs, uint64_t ticket)
{
	for (size_t i = 0; ticket != 0 && i < LIMIT_PROOFS; i++) {
		if (proofs->list[i].ticket == ticket)
			return &proofs->list[i];
	}
	return NULL;
}

void proofs_release(struct proof *proof)
{
	proof->ticket = 0;
}

static struct evidence_claims claims_of(const struct proof *proof)
{
	return (struct evidence_claims){
		.statement = { proof->statement, proof->statement_len },
		.keys = { proof->keys, proof->keys_len },
	};
}

void proofs_bind(struct proof *proof, const uint8_t *nonce)
{
	struct evidence_claims claims = claims_of(proof);

	claims.nonce = nonce;
	evidence_bind(&claims, &proof->report_data);
}

static enum err take_piece(struct bytes *made, struct bytes *out)
{
	uint16_t high, low;

	TRY(bytes_take_u16(made, &high));
	TRY(bytes_take_u16(made, &low));
	return bytes_take(made, (size_t)high << 16 | low, out);
}

enum err proofs_bundle(const struct proof *proof, uint32_t kinds,
		       struct bytes release, struct bytes made,
		       struct writer *out)
{
	uint8_t memory[EVIDENCE_REPORT_DATA_BYTES];
	struct writer software = WRITER_OVER(memory);
	struct evidence_claims claims = claims_of(proof);
	struct bundle bundle = { .statement = claims.statement,
				 .keys = claims.keys,
				 .release = release };

	for (int kind = 0; kind < BUNDLE_EVIDENCE_COUNT; kind++) {
		struct bundle_evidence *piece =
			&bundle.evidence[bundle.evidence_count];

		if ((kinds & 1u << kind) == 0)
			continue;
		piece->type = (enum bundle_evidence_type)kind;
		if (kind == BUNDLE_EVIDENCE_SOFTWARE) {
			TRY(evidence_make(piece->type, &proof->report_data,
					  &software));
			piece->value = bytes_written(&software);
		} else {
			TRY(take_piece(&made, &piece->value));
		}
		bundle.evidence_count++;
	}
	TRY(bytes_expect_end(&made));
	return bundle_write(&bundle, out);
}

bool proofs_need_attester(uint32_t kinds)
{
	return (kinds & ~(1u << BUNDLE_EVIDENCE_SOFTWARE)) != 0;
}

enum statement_assurance proofs_assurance(uint32_t kinds)
{
	enum statement_assurance strongest = STATEMENT_SOFTWARE;

	_Static_assert((int)STATEMENT_TPM2 == (int)BUNDLE_EVIDENCE_TPM2 &&
			       (int)STATEMENT_TDX == (int)BUNDLE_EVIDENCE_TDX,
		       "both are in the order of their strength");
	for (int kind = 0; kind < BUNDLE_EVIDENCE_COUNT; kind++)
		if ((kinds & 1u << kind) != 0)
			strongest = (enum statement_assurance)kind;
	return strongest;
}
