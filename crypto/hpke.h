/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpke: Hybrid Public Key Encryption, RFC 9180, in base mode alone.
 *
 *     sender      enc, context = setup_sender(recipient's public key, info)
 *     recipient   context      = setup_receiver(private key, enc, info)
 *     both        seal and open in step, export secrets
 *
 * The pre-shared-key and authenticated modes do not exist here.  The one KDF is
 * HKDF-SHA256; the KEMs are the rows of a table in kem.c.
 */
#ifndef CRYPTO_HPKE_H
#define CRYPTO_HPKE_H

#include "crypto/aead.h"

#define HPKE_PUBLIC_KEY_MAX \
	65 /* Npk: P-256, uncompressed (RFC 9180, 7.1.1) \
	    */
#define HPKE_PRIVATE_KEY_BYTES 32 /* Nsk of both KEMs */
#define HPKE_ENC_MAX 65		  /* Nenc */
#define HPKE_SECRET_BYTES 32	  /* Nsecret and Nh */

enum hpke_kem {
	HPKE_KEM_P256 = 0x0010,
	HPKE_KEM_X25519 = 0x0020,
};

enum hpke_kdf {
	HPKE_HKDF_SHA256 = 0x0001,
};

/* Plain numbers, because a peer may name any: see hpke_suite_supported. */
struct hpke_suite {
	uint16_t kem;
	uint16_t kdf;
	uint16_t aead;
};

struct hpke_public_key {
	uint16_t kem;
	size_t len;
	uint8_t bytes[HPKE_PUBLIC_KEY_MAX];
};

/* A secret. */
struct hpke_private_key {
	uint16_t kem;
	uint8_t bytes[HPKE_PRIVATE_KEY_BYTES];
};

/* A secret.  Plain data: it may be sent to the process that will use it. */
struct hpke_context {
	struct hpke_suite suite;
	uint8_t key[AEAD_KEY_MAX]; /* what the AEAD does not use is zero */
	uint8_t base_nonce[AEAD_NONCE_BYTES];
	uint8_t exporter_secret[HPKE_SECRET_BYTES];
	uint64_t sequence; /* messages sealed or opened so far */
};

void hpke_private_key_wipe(struct hpke_private_key *key);
void hpke_context_wipe(struct hpke_context *context);

/* ERR_UNSUPPORTED unless this build has all three parts of the suite. */
MUST_CHECK enum err hpke_suite_supported(struct hpke_suite suite);

/* Lengths of a KEM's public key and encapsulation; 0 for an unknown KEM. */
size_t hpke_public_key_len(uint16_t kem);
size_t hpke_enc_len(uint16_t kem);

/* A new key pair.  ERR_UNSUPPORTED for an unknown KEM. */
MUST_CHECK enum err hpke_key_generate(uint16_t kem,
				      struct hpke_private_key *private_key,
				      struct hpke_public_key *public_key);

/*
 * DeriveKeyPair (RFC 9180, 7.1.3): the key pair of `ikm`, which must hold at
 * least 32 bytes of entropy.
 */
MUST_CHECK enum err hpke_key_derive(uint16_t kem, struct bytes ikm,
				    struct hpke_private_key *private_key,
				    struct hpke_public_key *public_key);

/*
 * SetupBaseS (RFC 9180, 5.1.1): append the encapsulation to `enc` and fill the
 * context.  ERR_UNSUPPORTED for a suite this build lacks or one of another KEM
 * than the key's; ERR_MALFORMED for a public key that is none.
 */
MUST_CHECK enum err hpke_setup_sender(struct hpke_suite suite,
				      const struct hpke_public_key *to,
				      struct bytes info,
				      struct hpke_context *context,
				      struct writer *enc);

/* What a recipient has of a message before it is opened; borrowed. */
struct hpke_received {
	struct hpke_suite suite;
	struct bytes enc;
	struct bytes info;
};

/*
 * SetupBaseR (RFC 9180, 5.1.1).  The public key is the private key's own.
 * ERR_MALFORMED for an encapsulation of the wrong length, off the curve, or
 * that leads to an all-zero secret.
 */
MUST_CHECK enum err hpke_setup_receiver(const struct hpke_received *received,
					const struct hpke_private_key *key,
					const struct hpke_public_key *own,
					struct hpke_context *context);

/*
 * KeySchedule (RFC 9180, 5.1) from a KEM's shared secret; what both setups
 * end with, and the way in for a KEM whose key lies elsewhere (see kem.h).
 */
MUST_CHECK enum err
hpke_schedule(struct hpke_suite suite,
	      const uint8_t shared_secret[static HPKE_SECRET_BYTES],
	      struct bytes info, struct hpke_context *context);

/*
 * ContextS.Seal and ContextR.Open (RFC 9180, 5.2): as aead_seal and aead_open
 * under the next nonce.  The sequence moves on only where they succeed, and
 * ERR_EXPIRED tells that it has come to its end.
 */
MUST_CHECK enum err hpke_seal(struct hpke_context *context, struct bytes aad,
			      struct bytes plaintext, struct writer *sealed);
MUST_CHECK enum err hpke_open(struct hpke_context *context, struct bytes aad,
			      struct bytes sealed, struct writer *plaintext);

/* Context.Export (RFC 9180, 5.3): a secret of len <= HKDF_OUTPUT_MAX bytes. */
void hpke_export(const struct hpke_context *context,
		 struct bytes exporter_context, uint8_t *out, size_t len);

#endif
