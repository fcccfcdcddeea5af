/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cose: statements that one party signed (COSE_Sign1, RFC 9052, section 4.2).
 *
 *     [18] [ protected: bytes of a map, unprotected: map, payload, signature ]
 *     signed: [ "Signature1", protected, external data, payload ]
 *
 * The algorithm is read from the protected header alone.  A label that stands
 * in both headers, or twice in one, makes the message malformed.  A "crit"
 * header names what a reader has to understand; as this one understands nothing
 * but its own labels, it refuses the message.  Signatures of several parties,
 * MACs and ciphertexts are other tags and are ERR_UNSUPPORTED.
 */
#ifndef CRYPTO_COSE_H
#define CRYPTO_COSE_H

#include "crypto/sign.h"
#include "crypto/signature.h"
#include "wire/cbor_item.h"

#define COSE_BYTES_MAX (32u << 10) /* of what is signed, encoded */

/* Labels of headers (RFC 9052, 3.1; RFC 9360; RFC 9597). */
enum cose_label {
	COSE_LABEL_ALGORITHM = 1,
	COSE_LABEL_CRITICAL = 2,
	COSE_LABEL_CONTENT_TYPE = 3,
	COSE_LABEL_KEY_ID = 4,
	COSE_LABEL_CWT_CLAIMS = 15,
	COSE_LABEL_CHAIN = 33,
};

/* Algorithms by their numbers (RFC 9053, 2; RFC 9864, 2; RFC 8230). */
enum cose_algorithm {
	COSE_NONE = 0, /* not in the protected header */
	COSE_ES256 = -7,
	COSE_EDDSA = -8,
	COSE_ESP256 = -9,
	COSE_ED25519 = -19,
	COSE_ES384 = -35,
	COSE_ES512 = -36,
	COSE_PS256 = -37,
	COSE_PS384 = -38,
	COSE_PS512 = -39,
	COSE_ESP384 = -51,
	COSE_ESP512 = -52,
};

/* The tag in front. */
enum cose_tagging {
	COSE_TAG_NEEDED = 0,
	COSE_TAG_OPTIONAL,
};

enum cose_payload {
	COSE_PAYLOAD_DETACHED = 0, /* nil: it comes by another way */
	COSE_PAYLOAD_ATTACHED,
};

/* A message; all views are borrowed from what was parsed. */
struct cose_sign1 {
	struct bytes protected_bytes; /* an encoded map, or nothing */
	struct cbor_item_map protected_headers;
	struct cbor_item_map headers; /* unprotected: nobody signed them */
	enum cose_payload kind;
	struct bytes payload;
	struct bytes signature;
	int64_t algorithm; /* enum cose_algorithm, or one not known */
};

/*
 * Read one that fills `in`.  ERR_UNSUPPORTED for another tag, a critical header
 * and an algorithm that is a text.  Nothing is verified.
 */
MUST_CHECK enum err cose_sign1_parse(struct bytes in, enum cose_tagging tagging,
				     struct cose_sign1 *out);

/* Give a detached payload.  ERR_MALFORMED where the message has its own. */
MUST_CHECK enum err cose_sign1_attach(struct cose_sign1 *message,
				      struct bytes payload);

/*
 * Whether this key signed this message and the external data.  ERR_UNAUTHENTIC
 * if not, or while its payload is detached; ERR_UNSUPPORTED for an algorithm
 * that is not offered; ERR_TOO_LARGE beyond COSE_BYTES_MAX.
 */
MUST_CHECK enum err cose_sign1_check(const struct cose_sign1 *message,
				     const struct signature_key *key,
				     struct bytes external);

/* Append what is signed (RFC 9052, 4.4). */
MUST_CHECK enum err cose_sign1_to_be_signed(const struct cose_sign1 *message,
					    struct bytes external,
					    struct writer *out);

/* The protected header { algorithm: EdDSA }. */
#define COSE_PROTECTED_EDDSA BYTES_LITERAL("\xa1\x01\x27")

/* What is to be signed with Ed25519. */
struct cose_draft {
	struct bytes protected_headers; /* an encoded map with its algorithm */
	struct bytes headers;		/* an encoded map, or nothing */
	struct bytes payload;
	struct bytes external;
	enum cose_payload kind; /* how the payload travels */
};

/*
 * Append a tagged message.  ERR_MALFORMED where a header is no map, or the
 * algorithm is not Ed25519; ERR_TOO_LARGE where it does not fit.
 */
MUST_CHECK enum err cose_sign1_write(const struct cose_draft *draft,
				     const struct sign_private_key *key,
				     struct writer *out);

#endif
