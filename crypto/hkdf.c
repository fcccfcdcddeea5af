/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hkdf.h"

#include <sodium.h>
#include <string.h>

#include "base/secret.h"

/* The running state of one HMAC-SHA-256, a secret on the stack. */
#define SCOPED_HMAC SCOPED_WIPE(wipe_hmac) crypto_auth_hmacsha256_state

static void wipe_hmac(crypto_auth_hmacsha256_state *state)
{
	secret_wipe(state, sizeof(*state));
}

/* libsodium takes no NULL, which an empty view may hold. */
static void begin(crypto_auth_hmacsha256_state *state, struct bytes key)
{
	const uint8_t none = 0;

	crypto_auth_hmacsha256_init(state, key.len == 0 ? &none : key.data,
				    key.len);
}

static void add(crypto_auth_hmacsha256_state *state, struct hkdf_parts parts)
{
	for (size_t i = 0; i < parts.count; i++) {
		struct bytes part = parts.part[i];

		if (part.len != 0)
			crypto_auth_hmacsha256_update(state, part.data,
						      part.len);
	}
}

void hkdf_extract(struct bytes salt, struct hkdf_parts input,
		  uint8_t prk[static HKDF_BYTES])
{
	SCOPED_HMAC state;

	begin(&state, salt);
	add(&state, input);
	crypto_auth_hmacsha256_final(&state, prk);
}

void hkdf_expand(const uint8_t prk[static HKDF_BYTES], struct hkdf_parts info,
		 uint8_t *out, size_t len)
{
	SCOPED_SECRET32 block = { { 0 } };
	size_t block_len = 0; /* T(0) is empty */

	invariant(len <= HKDF_OUTPUT_MAX);
	for (uint8_t counter = 1; len > 0; counter++) {
		SCOPED_HMAC state;
		size_t piece = len < HKDF_BYTES ? len : HKDF_BYTES;

		crypto_auth_hmacsha256_init(&state, prk, HKDF_BYTES);
		crypto_auth_hmacsha256_update(&state, block.bytes, block_len);
		add(&state, info);
		crypto_auth_hmacsha256_update(&state, &counter, 1);
		crypto_auth_hmacsha256_final(&state, block.bytes);
		block_len = HKDF_BYTES;

		memcpy(out, block.bytes, piece);
		out += piece;
		len -= piece;
	}
}

#define VERSION_LABEL BYTES_LITERAL("HPKE-v1")

void hkdf_labeled_extract(const struct hkdf_label *label, struct bytes salt,
			  struct bytes input, uint8_t prk[static HKDF_BYTES])
{
	hkdf_extract(salt,
		     HKDF_PARTS(VERSION_LABEL, label->suite_id,
				bytes_of_string(label->label), input),
		     prk);
}

void hkdf_labeled_expand(const struct hkdf_label *label,
			 const uint8_t prk[static HKDF_BYTES],
			 struct bytes info, uint8_t *out, size_t len)
{
	const uint8_t length[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	hkdf_expand(prk,
		    HKDF_PARTS(BYTES_ARRAY(length), VERSION_LABEL,
			       label->suite_id, bytes_of_string(label->label),
			       info),
		    out, len);
}
