/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aead: one message sealed or opened under one key and one nonce.
 *
 *     sealed = ciphertext (as long as the plaintext) | tag[16]
 *
 * The algorithms are numbered as in the HPKE AEAD registry (RFC 9180, 7.3).
 * Nothing here remembers a nonce: hpke.h is the one that counts.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/bytes.h"

#define AEAD_TAG_BYTES 16
#define AEAD_NONCE_BYTES 12 /* Nn, the same for all three */
#define AEAD_KEY_MAX 32

enum hpke_aead {
	HPKE_AES_128_GCM = 0x0001,
	HPKE_AES_256_GCM = 0x0002,
	HPKE_CHACHA20_POLY1305 = 0x0003,
};

/* A secret. */
struct aead_key {
	uint16_t aead; /* enum hpke_aead, or what a peer sent in its place */
	uint8_t bytes[AEAD_KEY_MAX]; /* the first aead_key_len() count */
};

/*
 * Fetch every algorithm and touch every path once.  Seal and open after that
 * make no system call but what malloc needs for less than a kilobyte.  Calling
 * it is never required, only early.  Stops the program where OpenSSL lacks an
 * algorithm.
 */
void aead_warm(void);

/* Nk of RFC 9180, 7.3: length of a key in bytes; 0 for an unknown aead. */
size_t aead_key_len(uint16_t aead);

/*
 * Append plaintext.len + AEAD_TAG_BYTES bytes to `sealed`, which may not
 * overlap the inputs.  The caller must never repeat a nonce under a key.
 * ERR_UNSUPPORTED for an unknown aead, ERR_TOO_LARGE where the writer is full
 * or the message beyond 1 GiB.
 */
MUST_CHECK enum err aead_seal(const struct aead_key *key,
			      const uint8_t nonce[static AEAD_NONCE_BYTES],
			      struct bytes aad, struct bytes plaintext,
			      struct writer *sealed);

/*
 * Append sealed.len - AEAD_TAG_BYTES bytes to `plaintext`, which may not
 * overlap the inputs.  ERR_UNAUTHENTIC when the tag is wrong or cannot be
 * there; no byte that was not authenticated is left in the writer's memory.
 */
MUST_CHECK enum err aead_open(const struct aead_key *key,
			      const uint8_t nonce[static AEAD_NONCE_BYTES],
			      struct bytes aad, struct bytes sealed,
			      struct writer *plaintext);

#endif
