/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer: the keeper's part of a receipt, and the key that signs it.
 *
 * A worker says what it was asked and what it answered; everything about the
 * node is said here, so a worker that was taken over can lie about its own
 * request only.  Of receipts nothing is kept.
 */
#ifndef NODE_SIGNER_H
#define NODE_SIGNER_H

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "policy/limits.h"
#include "wire/receipt.h"

/* The bundle, made without a nonce, that offered one key. */
struct signer_offer {
	uint8_t digest[HASH_SHA256_BYTES];
	uint32_t evidence_kinds;
	uint8_t key_id;
	bool is_made;
};

struct signer {
	struct sign_private_key *key; /* on a secret page (sandbox/memory.h) */
	struct sign_public_key public_key;
	struct receipt_node node; /* what is the same in every receipt */
	struct signer_offer offers[KEYS_LIVE_MAX]; /* the newest first */
};

/* A new key, for as long as this node is this node; node is yet to be filled.
 * ERR_UNAVAILABLE: there is no memory that nobody else can read. */
MUST_CHECK enum err signer_open(struct signer *out);

/* Wipe the key. */
void signer_close(struct signer *signer);

/* A bundle without a nonce went out, and offers this key from now on.  The last
 * one counts: a node gives one bundle a key, so that there is one to name. */
void signer_note_offer(struct signer *signer, struct bytes bundle,
		       uint32_t evidence_kinds, uint8_t key_id);

/*
 * Append the receipt of a request that this key opened, signed.  answer is the
 * worker's part as it came (receipt_answer_parse(), whose errors it has);
 * ERR_EXPIRED for a key that no bundle is known of.
 */
MUST_CHECK enum err signer_sign(const struct signer *signer,
				struct bytes answer, uint8_t key_id,
				uint64_t now_s, struct writer *out);

#endif
