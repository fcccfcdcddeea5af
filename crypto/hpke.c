/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hkdf.h"
#include "crypto/kem.h"

#define MODE_BASE 0x00
#define BIG_ENDIAN_16(value) (uint8_t)((value) >> 8), (uint8_t)(value)

void hpke_private_key_wipe(struct hpke_private_key *key)
{
	secret_wipe(key, sizeof(*key));
}

void hpke_context_wipe(struct hpke_context *context)
{
	secret_wipe(context, sizeof(*context));
}

enum err hpke_suite_supported(struct hpke_suite suite)
{
	if (kem_public_key_len(suite.kem) == 0 ||
	    suite.kdf != HPKE_HKDF_SHA256 || aead_key_len(suite.aead) == 0)
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

size_t hpke_public_key_len(uint16_t kem)
{
	return kem_public_key_len(kem);
}

size_t hpke_enc_len(uint16_t kem)
{
	return kem_public_key_len(kem); /* DHKEM sends a public key */
}

enum err hpke_key_generate(uint16_t kem, struct hpke_private_key *private_key,
			   struct hpke_public_key *public_key)
{
	return kem_generate(kem, private_key, public_key);
}

enum err hpke_key_derive(uint16_t kem, struct bytes ikm,
			 struct hpke_private_key *private_key,
			 struct hpke_public_key *public_key)
{
	return kem_derive(kem, ikm, private_key, public_key);
}

/* suite_id of the key schedule: "HPKE" | kem | kdf | aead. */
struct suite_id {
	uint8_t bytes[10];
};

static struct suite_id suite_id_of(struct hpke_suite suite)
{
	return (struct suite_id){
		{ 'H', 'P', 'K', 'E', BIG_ENDIAN_16(suite.kem),
		  BIG_ENDIAN_16(suite.kdf), BIG_ENDIAN_16(suite.aead) }
	};
}

/* key_schedule_context of RFC 9180, 5.1: mode | psk_id_hash | info_hash. */
struct schedule_context {
	uint8_t mode;
	uint8_t psk_id_hash[HKDF_BYTES];
	uint8_t info_hash[HKDF_BYTES];
};

_Static_assert(sizeof(struct schedule_context) == 1 + 2 * HKDF_BYTES,
	       "hashed as it lies in memory");

enum err hpke_schedule(struct hpke_suite suite,
		       const uint8_t shared_secret[static HPKE_SECRET_BYTES],
		       struct bytes info, struct hpke_context *context)
{
	const struct bytes none = { NULL, 0 };
	struct suite_id id = suite_id_of(suite);
	struct hkdf_label label = { BYTES_ARRAY(id.bytes), NULL };
	struct schedule_context bound = { .mode = MODE_BASE };
	struct bytes bound_bytes = { (const uint8_t *)&bound, sizeof(bound) };
	SCOPED_SECRET32 secret;

	TRY(hpke_suite_supported(suite));
	label.label = "psk_id_hash";
	hkdf_labeled_extract(&label, none, none, bound.psk_id_hash);
	label.label = "info_hash";
	hkdf_labeled_extract(&label, none, info, bound.info_hash);
	/* The shared secret is the salt; what it salts is the absent PSK. */
	label.label = "secret";
	hkdf_labeled_extract(&label,
			     (struct bytes){ shared_secret, HPKE_SECRET_BYTES },
			     none, secret.bytes);

	*context = (struct hpke_context){ .suite = suite };
	label.label = "key";
	hkdf_labeled_expand(&label, secret.bytes, bound_bytes, context->key,
			    aead_key_len(suite.aead));
	label.label = "base_nonce";
	hkdf_labeled_expand(&label, secret.bytes, bound_bytes,
			    context->base_nonce, AEAD_NONCE_BYTES);
	label.label = "exp";
	hkdf_labeled_expand(&label, secret.bytes, bound_bytes,
			    context->exporter_secret, HPKE_SECRET_BYTES);
	return ERR_OK;
}

enum err hpke_setup_sender(struct hpke_suite suite,
			   const struct hpke_public_key *to, struct bytes info,
			   struct hpke_context *context, struct writer *enc)
{
	SCOPED_WIPE(hpke_private_key_wipe) struct hpke_private_key ephemeral;
	struct hpke_public_key unused;
	SCOPED_SECRET32 shared_secret;

	TRY(hpke_suite_supported(suite));
	if (suite.kem != to->kem)
		return ERR_UNSUPPORTED;
	TRY(kem_generate(suite.kem, &ephemeral, &unused));
	TRY(kem_encap(&ephemeral, to, shared_secret.bytes, enc));
	return hpke_schedule(suite, shared_secret.bytes, info, context);
}

enum err hpke_setup_receiver(const struct hpke_received *received,
			     const struct hpke_private_key *key,
			     const struct hpke_public_key *own,
			     struct hpke_context *context)
{
	SCOPED_SECRET32 shared_secret;

	TRY(hpke_suite_supported(received->suite));
	if (received->suite.kem != key->kem)
		return ERR_UNSUPPORTED;
	TRY(kem_decap(key, own, received->enc, shared_secret.bytes));
	return hpke_schedule(received->suite, shared_secret.bytes,
			     received->info, context);
}

/* What one message is sealed under; wiped when it has been. */
struct message_key {
	struct aead_key key;
	uint8_t nonce[AEAD_NONCE_BYTES];
};

static void wipe_message_key(struct message_key *message)
{
	secret_wipe(message, sizeof(*message));
}

/* ComputeNonce of RFC 9180, 5.2: base_nonce XOR I2OSP(sequence, Nn). */
static enum err next_message_key(const struct hpke_context *context,
				 struct message_key *out)
{
	if (context->sequence == UINT64_MAX)
		return ERR_EXPIRED;

	out->key.aead = context->suite.aead;
	memcpy(out->key.bytes, context->key, sizeof(out->key.bytes));
	memcpy(out->nonce, context->base_nonce, sizeof(out->nonce));
	for (size_t i = 0; i < sizeof(context->sequence); i++)
		out->nonce[AEAD_NONCE_BYTES - 1 - i] ^=
			(uint8_t)(context->sequence >> (8 * i));
	return ERR_OK;
}

enum err hpke_seal(struct hpke_context *context, struct bytes aad,
		   struct bytes plaintext, struct writer *sealed)
{
	SCOPED_WIPE(wipe_message_key) struct message_key message;

	TRY(next_message_key(context, &message));
	TRY(aead_seal(&message.key, message.nonce, aad, plaintext, sealed));
	context->sequence++;
	return ERR_OK;
}

enum err hpke_open(struct hpke_context *context, struct bytes aad,
		   struct bytes sealed, struct writer *plaintext)
{
	SCOPED_WIPE(wipe_message_key) struct message_key message;

	TRY(next_message_key(context, &message));
	TRY(aead_open(&message.key, message.nonce, aad, sealed, plaintext));
	context->sequence++;
	return ERR_OK;
}

void hpke_export(const struct hpke_context *context,
		 struct bytes exporter_context, uint8_t *out, size_t len)
{
	struct suite_id id = suite_id_of(context->suite);
	struct hkdf_label label = { BYTES_ARRAY(id.bytes), "sec" };

	hkdf_labeled_expand(&label, context->exporter_secret, exporter_context,
			    out, len);
}
