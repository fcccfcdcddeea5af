/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitment: what a receipt says of a request and its response instead of
 * their bytes.
 *
 *     salt        = Context.Export("pcc-node/v1 receipt salt", 32)
 *                   of the request's HPKE context (RFC 9180, 5.3)
 *     commitment  = SHA-256(salt | "request"  | 00 | request)
 *                   SHA-256(salt | "response" | 00 | response)
 *
 * The request is its Binary HTTP without the zeros it ends with, which are
 * padding (RFC 9292, 3.8); the response is its body without padding
 * (wire/unpad.h).  Both ends of an exchange have the salt and nobody else has,
 * and it is in no receipt: who sees a receipt cannot try prompts against it,
 * and who is told salt and bytes can check them.
 */
#ifndef CRYPTO_COMMITMENT_H
#define CRYPTO_COMMITMENT_H

#include "crypto/hash.h"
#include "crypto/hpke.h"

#define COMMITMENT_SALT_BYTES 32
#define COMMITMENT_BYTES HASH_SHA256_BYTES

enum commitment_of {
	COMMITMENT_REQUEST,
	COMMITMENT_RESPONSE,
};

/* A secret. */
struct commitment_salt {
	uint8_t bytes[COMMITMENT_SALT_BYTES];
};

void commitment_salt(const struct hpke_context *context,
		     struct commitment_salt *out);
void commitment_salt_wipe(struct commitment_salt *salt);

/* In pieces: begin, hash_stream_add() any number of times, hash_stream_end(). */
void commitment_begin(enum commitment_of of, const struct commitment_salt *salt,
		      struct hash_stream *stream);

/* A whole request or response at once. */
void commitment_make(enum commitment_of of, const struct commitment_salt *salt,
		     struct bytes data, uint8_t out[static COMMITMENT_BYTES]);

/* An opened request without its padding. */
struct bytes commitment_unpadded(struct bytes request);

#endif
