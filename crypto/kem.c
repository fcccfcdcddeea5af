/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kem.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hkdf.h"
#include "crypto/p256.h"
#include "crypto/random.h"
#include "crypto/x25519.h"

/* A group to do Diffie-Hellman in; private keys have 32 bytes in each. */
static const struct kem {
	uint16_t id;
	size_t public_len;
	const char *derive_label;  /* of DeriveKeyPair, RFC 9180, 7.1.3 */
	size_t derive_counter_len; /* 0: the first candidate is always a key */
	enum err (*public_key)(const uint8_t *private_key, uint8_t *out);
	enum err (*dh)(const uint8_t *private_key, const uint8_t *peer,
		       uint8_t *out);
} kems[] = {
	{ .id = HPKE_KEM_X25519,
	  .public_len = X25519_BYTES,
	  .derive_label = "sk",
	  .derive_counter_len = 0,
	  .public_key = x25519_public_key,
	  .dh = x25519_dh },
	{ .id = HPKE_KEM_P256,
	  .public_len = P256_POINT_BYTES,
	  .derive_label = "candidate",
	  .derive_counter_len = 1,
	  .public_key = p256_public_key,
	  .dh = p256_dh },
};

_Static_assert(HPKE_PUBLIC_KEY_MAX == P256_POINT_BYTES &&
		       HPKE_ENC_MAX == P256_POINT_BYTES,
	       "the largest of the table sizes the structs");

static const struct kem *find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(kems) / sizeof(kems[0]); i++)
		if (kems[i].id == id)
			return &kems[i];
	return NULL;
}

size_t kem_public_key_len(uint16_t kem)
{
	const struct kem *row = find(kem);

	return row == NULL ? 0 : row->public_len;
}

enum err kem_public_key(const struct hpke_private_key *private_key,
			struct hpke_public_key *out)
{
	const struct kem *row = find(private_key->kem);
	struct hpke_public_key made = { .kem = private_key->kem };

	if (row == NULL)
		return ERR_UNSUPPORTED;
	TRY(row->public_key(private_key->bytes, made.bytes));
	made.len = row->public_len;
	*out = made;
	return ERR_OK;
}

enum err kem_generate(uint16_t kem, struct hpke_private_key *private_key,
		      struct hpke_public_key *public_key)
{
	SCOPED_WIPE(hpke_private_key_wipe)
	struct hpke_private_key made = { .kem = kem };
	enum err err;

	/* About one candidate in 2^32 is out of the range of P-256. */
	do {
		random_bytes(made.bytes, sizeof(made.bytes));
		err = kem_public_key(&made, public_key);
	} while (err == ERR_MALFORMED);
	if (err == ERR_OK)
		*private_key = made;
	return err;
}

/* suite_id of a KEM's own derivations: "KEM" | I2OSP(kem, 2). */
struct suite_id {
	uint8_t bytes[5];
};

static struct suite_id suite_id_of(uint16_t kem)
{
	return (struct suite_id){ { 'K', 'E', 'M', (uint8_t)(kem >> 8),
				    (uint8_t)kem } };
}

enum err kem_derive(uint16_t kem, struct bytes ikm,
		    struct hpke_private_key *private_key,
		    struct hpke_public_key *public_key)
{
	const struct kem *row = find(kem);
	struct suite_id id = suite_id_of(kem);
	struct hkdf_label prk_label = { BYTES_ARRAY(id.bytes), "dkp_prk" };
	struct hkdf_label key_label = { BYTES_ARRAY(id.bytes), NULL };
	SCOPED_SECRET32 prk;
	SCOPED_WIPE(hpke_private_key_wipe)
	struct hpke_private_key made = { .kem = kem };
	uint8_t counter = 0;
	enum err err;

	if (row == NULL)
		return ERR_UNSUPPORTED;
	key_label.label = row->derive_label;
	hkdf_labeled_extract(&prk_label, (struct bytes){ NULL, 0 }, ikm,
			     prk.bytes);
	do {
		struct bytes info = { &counter, row->derive_counter_len };

		hkdf_labeled_expand(&key_label, prk.bytes, info, made.bytes,
				    sizeof(made.bytes));
		err = kem_public_key(&made, public_key);
	} while (err == ERR_MALFORMED && ++counter != 0);
	if (err == ERR_OK)
		*private_key = made;
	return err;
}

enum err kem_dh(const struct hpke_private_key *private_key, struct bytes peer,
		uint8_t dh[static KEM_DH_BYTES])
{
	const struct kem *row = find(private_key->kem);

	if (row == NULL)
		return ERR_UNSUPPORTED;
	if (peer.len != row->public_len)
		return ERR_MALFORMED;
	return row->dh(private_key->bytes, peer.data, dh);
}

void kem_shared_secret(const uint8_t dh[static KEM_DH_BYTES], struct bytes enc,
		       const struct hpke_public_key *own,
		       uint8_t shared_secret[static HPKE_SECRET_BYTES])
{
	struct suite_id id = suite_id_of(own->kem);
	struct hkdf_label prk_label = { BYTES_ARRAY(id.bytes), "eae_prk" };
	struct hkdf_label label = { BYTES_ARRAY(id.bytes), "shared_secret" };
	uint8_t kem_context[HPKE_ENC_MAX + HPKE_PUBLIC_KEY_MAX];
	SCOPED_SECRET32 prk;

	invariant(enc.len <= HPKE_ENC_MAX && own->len <= HPKE_PUBLIC_KEY_MAX);
	memcpy(kem_context, enc.data, enc.len);
	memcpy(kem_context + enc.len, own->bytes, own->len);

	hkdf_labeled_extract(&prk_label, (struct bytes){ NULL, 0 },
			     (struct bytes){ dh, KEM_DH_BYTES }, prk.bytes);
	hkdf_labeled_expand(&label, prk.bytes,
			    (struct bytes){ kem_context, enc.len + own->len },
			    shared_secret, HPKE_SECRET_BYTES);
}

enum err kem_encap(const struct hpke_private_key *ephemeral,
		   const struct hpke_public_key *to,
		   uint8_t shared_secret[static HPKE_SECRET_BYTES],
		   struct writer *enc)
{
	struct hpke_public_key sent;
	struct bytes sent_bytes;
	SCOPED_SECRET32 dh;

	if (ephemeral->kem != to->kem)
		return ERR_UNSUPPORTED;
	TRY(kem_dh(ephemeral, (struct bytes){ to->bytes, to->len }, dh.bytes));
	TRY(kem_public_key(ephemeral, &sent));
	sent_bytes = (struct bytes){ sent.bytes, sent.len };
	TRY(bytes_put(enc, sent_bytes));
	kem_shared_secret(dh.bytes, sent_bytes, to, shared_secret);
	return ERR_OK;
}

enum err kem_decap(const struct hpke_private_key *private_key,
		   const struct hpke_public_key *own, struct bytes enc,
		   uint8_t shared_secret[static HPKE_SECRET_BYTES])
{
	SCOPED_SECRET32 dh;

	if (private_key->kem != own->kem)
		return ERR_UNSUPPORTED;
	TRY(kem_dh(private_key, enc, dh.bytes));
	kem_shared_secret(dh.bytes, enc, own, shared_secret);
	return ERR_OK;
}
