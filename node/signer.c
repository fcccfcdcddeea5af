/* SPDX-License-Identifier: Apache-2.0 */
#include "node/signer.h"

#include <string.h>

#include "attest/signed_receipt.h"
#include "base/secret.h"
#include "sandbox/memory.h"

enum err signer_open(struct signer *out)
{
	struct signer signer = { 0 };
	void *page;

	TRY(memory_secret_open(sizeof(*signer.key), &page));
	signer.key = page;
	sign_key_generate(signer.key, &signer.public_key);
	*out = signer;
	return ERR_OK;
}

void signer_close(struct signer *signer)
{
	if (signer->key != NULL)
		memory_secret_close(signer->key, sizeof(*signer->key));
	*signer = (struct signer){ 0 };
}

void signer_note_offer(struct signer *signer, struct bytes bundle,
		       uint32_t evidence_kinds, uint8_t key_id)
{
	struct signer_offer *newest = &signer->offers[0];

	/* Ids come round: of two keys with one id the newer counts. */
	if (!newest->is_made || newest->key_id != key_id)
		memmove(newest + 1, newest,
			(KEYS_LIVE_MAX - 1) * sizeof(*newest));
	*newest = (struct signer_offer){ .evidence_kinds = evidence_kinds,
					 .key_id = key_id,
					 .is_made = true };
	hash_sha256(bundle, newest->digest);
}

static const struct signer_offer *find(const struct signer *signer,
				       uint8_t key_id)
{
	for (size_t i = 0; i < KEYS_LIVE_MAX; i++)
		if (signer->offers[i].is_made &&
		    signer->offers[i].key_id == key_id)
			return &signer->offers[i];
	return NULL;
}

static void receipt_wipe(struct receipt *receipt)
{
	secret_wipe(receipt, sizeof(*receipt));
}

enum err signer_sign(const struct signer *signer, struct bytes answer,
		     uint8_t key_id, uint64_t now_s, struct writer *out)
{
	SCOPED_WIPE(receipt_wipe)
	struct receipt receipt = { .node = signer->node };
	const struct signer_offer *offer = find(signer, key_id);

	if (offer == NULL)
		return ERR_EXPIRED;
	TRY(receipt_answer_parse(answer, &receipt.answer));
	receipt.node.key_id = key_id;
	receipt.node.evidence_kinds = offer->evidence_kinds;
	receipt.node.time = now_s - now_s % RECEIPT_TIME_STEP_S;
	memcpy(receipt.node.evidence_digest, offer->digest,
	       sizeof(offer->digest));
	return signed_receipt_write(&receipt, signer->key, out);
}
