/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature: checks signatures that others made, with keys that others sent.
 *
 * Verification only; what this project signs itself is Ed25519 (crypto/sign.h).
 * Signatures are the raw bytes of the mathematics, big-endian, as COSE and
 * quotes carry them; formats that order them otherwise convert first.
 *
 *     ECDSA      r | s, each as long as the curve's order (RFC 9053, 2.1)
 *     RSA        one integer as long as the modulus
 *     Ed25519    R | S (RFC 8032), verified as sign_verify() does
 *
 * SHA-1, curves but those named here, and RSA of other sizes verify nothing.
 */
#ifndef CRYPTO_SIGNATURE_H
#define CRYPTO_SIGNATURE_H

#include "crypto/hash.h"

enum signature_kind {
	SIGNATURE_ECDSA = 0,
	SIGNATURE_RSA_PKCS1, /* RFC 8017, 8.2 */
	SIGNATURE_RSA_PSS,   /* RFC 8017, 8.1: MGF1 of the hash, salt as long */
	SIGNATURE_ED25519,   /* no hash of its own: `hash` is ignored */
};

struct signature_scheme {
	enum signature_kind kind;
	enum hash_algorithm hash;
};

enum signature_curve {
	SIGNATURE_P256 = 0,
	SIGNATURE_P384,
	SIGNATURE_P521,
	SIGNATURE_CURVES,
};

#define SIGNATURE_COORDINATE_MAX 66
#define SIGNATURE_RSA_BITS_LEAST 2048
#define SIGNATURE_RSA_BITS_MOST 4096

/* A public key.  Declare with SCOPED_WIPE(signature_key_close). */
struct signature_key {
	void *key; /* owned; NULL for none */
};

/*
 * A point of the curve, x and y each as long as its order.  ERR_MALFORMED for
 * one that is not on the curve, or of another length.
 */
MUST_CHECK enum err signature_key_from_point(enum signature_curve curve,
					     struct bytes x, struct bytes y,
					     struct signature_key *out);

/* ERR_UNSUPPORTED for a modulus of an odd size, ERR_MALFORMED for a wrong one.
 */
MUST_CHECK enum err signature_key_from_rsa(struct bytes modulus,
					   uint32_t exponent,
					   struct signature_key *out);

/* A SubjectPublicKeyInfo (RFC 5280, 4.1) that fills `der` exactly. */
MUST_CHECK enum err signature_key_from_spki(struct bytes der,
					    struct signature_key *out);

/* Ed25519; whether the bytes are a point is asked when something is checked. */
MUST_CHECK enum err signature_key_from_ed25519(struct bytes point,
					       struct signature_key *out);

void signature_key_close(struct signature_key *key);

/* Whether both are the same public key. */
bool signature_key_equal(const struct signature_key *a,
			 const struct signature_key *b);

/* ERR_UNSUPPORTED where it is no key of one of these curves. */
MUST_CHECK enum err signature_key_curve(const struct signature_key *key,
					enum signature_curve *out);

/*
 * Whether this key made this signature of this message.  ERR_UNAUTHENTIC if
 * not, for whatever reason: another kind of key, a signature of odd length, a
 * hash too weak.
 */
MUST_CHECK enum err signature_check(const struct signature_key *key,
				    struct signature_scheme scheme,
				    struct bytes message,
				    struct bytes signature);

#endif
