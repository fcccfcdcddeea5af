/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hkdf: HKDF-SHA256 (RFC 5869) and its labelled form (RFC 9180, 4).
 *
 * Inputs are lists of parts that are hashed as if joined, so that no caller
 * copies key material together.  Nothing here allocates or makes a system
 * call, and no input makes it fail.
 */
#ifndef CRYPTO_HKDF_H
#define CRYPTO_HKDF_H

#include "base/bytes.h"

#define HKDF_BYTES 32 /* Nh: a digest, a pseudorandom key */
#define HKDF_OUTPUT_MAX ((size_t)255 * HKDF_BYTES) /* RFC 5869, 2.3 */

/* Inputs that are hashed one after the other; borrowed. */
struct hkdf_parts {
	const struct bytes *part;
	size_t count;
};

/* The parts listed, for as long as the enclosing block lasts. */
#define HKDF_PARTS(...)                                                       \
	((struct hkdf_parts){ (const struct bytes[]){ __VA_ARGS__ },          \
			      sizeof((const struct bytes[]){ __VA_ARGS__ }) / \
				      sizeof(struct bytes) })

/* PRK = HMAC(salt, input).  An empty salt is 32 zeros (RFC 5869, 2.2). */
void hkdf_extract(struct bytes salt, struct hkdf_parts input,
		  uint8_t prk[static HKDF_BYTES]);

/* Fill out[len] from the PRK (RFC 5869, 2.3); len <= HKDF_OUTPUT_MAX. */
void hkdf_expand(const uint8_t prk[static HKDF_BYTES], struct hkdf_parts info,
		 uint8_t *out, size_t len);

/*
 * What binds a derivation to its place; "HPKE-v1" is hashed before it.  The
 * suite_id is "KEM" | kem, or "HPKE" | kem | kdf | aead.
 */
struct hkdf_label {
	struct bytes suite_id;
	const char *label;
};

/* LabeledExtract of RFC 9180, 4. */
void hkdf_labeled_extract(const struct hkdf_label *label, struct bytes salt,
			  struct bytes input, uint8_t prk[static HKDF_BYTES]);

/* LabeledExpand of RFC 9180, 4. */
void hkdf_labeled_expand(const struct hkdf_label *label,
			 const uint8_t prk[static HKDF_BYTES],
			 struct bytes info, uint8_t *out, size_t len);

#endif
