/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_public.h"

#include <string.h>

#include "base/secret.h"
#include "wire/hex.h"

/* TPM_ALG_ID (TPM 2.0 Library, Part 2, 6.3). */
enum {
	ALG_SHA1 = 0x0004,
	ALG_AES = 0x0006,
	ALG_SHA256 = 0x000b,
	ALG_SHA384 = 0x000c,
	ALG_SHA512 = 0x000d,
	ALG_NULL = 0x0010,
	ALG_RSASSA = 0x0014,
	ALG_RSAPSS = 0x0016,
	ALG_ECDSA = 0x0018,
	ALG_CFB = 0x0043,
};

enum {
	CURVE_P256 = 0x0003,
	CURVE_P384 = 0x0004,
};

#define DEFAULT_EXPONENT 65537 /* what 0 stands for */

/* Bits of TPMA_OBJECT that have a meaning. */
#define ATTRIBUTES_KNOWN                                                \
	(TPM_PUBLIC_FIXED_TPM | TPM_PUBLIC_ST_CLEAR |                   \
	 TPM_PUBLIC_FIXED_PARENT | TPM_PUBLIC_SENSITIVE_DATA_ORIGIN |   \
	 TPM_PUBLIC_USER_WITH_AUTH | TPM_PUBLIC_ADMIN_WITH_POLICY |     \
	 TPM_PUBLIC_NO_DA | TPM_PUBLIC_ENCRYPTED_DUPLICATION |          \
	 TPM_PUBLIC_RESTRICTED | TPM_PUBLIC_DECRYPT | TPM_PUBLIC_SIGN | \
	 TPM_PUBLIC_X509_SIGN)

static const uint16_t hash_ids[HASH_ALGORITHMS] = {
	[HASH_SHA1] = ALG_SHA1,
	[HASH_SHA256] = ALG_SHA256,
	[HASH_SHA384] = ALG_SHA384,
	[HASH_SHA512] = ALG_SHA512,
};

static const size_t coordinate_bytes[] = {
	[SIGNATURE_P256] = 32,
	[SIGNATURE_P384] = 48,
};

uint16_t tpm_public_hash_id(enum hash_algorithm hash)
{
	return hash_ids[hash];
}

enum err tpm_public_hash(uint16_t id, enum hash_algorithm *out)
{
	for (int i = 0; i < HASH_ALGORITHMS; i++)
		if (hash_ids[i] == id) {
			*out = (enum hash_algorithm)i;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

enum err tpm_public_take_sized(struct bytes *in, struct bytes *out)
{
	struct bytes rest = *in;
	uint16_t len;

	TRY(bytes_take_u16(&rest, &len));
	TRY(bytes_take(&rest, len, out));
	*in = rest;
	return ERR_OK;
}

/* A name over SHA-1 could be another key's, too. */
static enum err take_name_hash(struct bytes *in, enum hash_algorithm *out)
{
	uint16_t id;

	TRY(bytes_take_u16(in, &id));
	TRY(tpm_public_hash(id, out));
	return *out == HASH_SHA256 || *out == HASH_SHA384 ? ERR_OK
							  : ERR_UNSUPPORTED;
}

static enum err take_symmetric(struct bytes *in, struct tpm_public *out)
{
	uint16_t algorithm;
	uint16_t bits;
	uint16_t mode;

	TRY(bytes_take_u16(in, &algorithm));
	if (algorithm == ALG_NULL)
		return ERR_OK;
	TRY(bytes_take_u16(in, &bits));
	TRY(bytes_take_u16(in, &mode));
	if (algorithm != ALG_AES || mode != ALG_CFB ||
	    (bits != TPM_PUBLIC_AES_128_CFB && bits != TPM_PUBLIC_AES_256_CFB))
		return ERR_UNSUPPORTED;
	out->symmetric = (enum tpm_public_symmetric)bits;
	return ERR_OK;
}

/* What a signing scheme is called here; SHA-1 signs nothing. */
static enum err take_signing(struct bytes *in, uint16_t scheme,
			     struct signature_scheme *out)
{
	uint16_t hash;

	TRY(bytes_take_u16(in, &hash));
	TRY(tpm_public_hash(hash, &out->hash));
	if (out->hash == HASH_SHA1)
		return ERR_UNSUPPORTED;
	switch (scheme) {
	case ALG_RSASSA:
		out->kind = SIGNATURE_RSA_PKCS1;
		return ERR_OK;
	case ALG_RSAPSS:
		out->kind = SIGNATURE_RSA_PSS;
		return ERR_OK;
	case ALG_ECDSA:
		out->kind = SIGNATURE_ECDSA;
		return ERR_OK;
	default:
		return ERR_UNSUPPORTED;
	}
}

static enum err take_scheme(struct bytes *in, struct tpm_public *out)
{
	TRY(bytes_take_u16(in, &out->scheme));
	if (out->scheme == ALG_NULL)
		return ERR_OK;
	TRY(take_signing(in, out->scheme, &out->signing));
	if ((out->signing.kind == SIGNATURE_ECDSA) !=
	    (out->type == TPM_PUBLIC_ECC))
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err take_rsa(struct bytes *in, struct tpm_public *out)
{
	uint16_t bits;

	TRY(bytes_take_u16(in, &bits));
	TRY(bytes_take_u32(in, &out->exponent));
	if (out->exponent == 0)
		out->exponent = DEFAULT_EXPONENT;
	TRY(tpm_public_take_sized(in, &out->modulus));
	if (bits < SIGNATURE_RSA_BITS_LEAST || bits > SIGNATURE_RSA_BITS_MOST)
		return ERR_UNSUPPORTED;
	/* As long as it says: the first bit of it is one. */
	if (out->modulus.len * 8 != bits || out->modulus.data[0] < 0x80)
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err take_coordinate(struct bytes *in, enum signature_curve curve,
				struct bytes *out)
{
	TRY(tpm_public_take_sized(in, out));
	return out->len > 0 && out->len <= coordinate_bytes[curve]
		       ? ERR_OK
		       : ERR_MALFORMED;
}

static enum err take_ecc(struct bytes *in, struct tpm_public *out)
{
	uint16_t curve;
	uint16_t kdf;

	TRY(bytes_take_u16(in, &curve));
	TRY(bytes_take_u16(in, &kdf));
	if (kdf != ALG_NULL || (curve != CURVE_P256 && curve != CURVE_P384))
		return ERR_UNSUPPORTED;
	out->curve = curve == CURVE_P256 ? SIGNATURE_P256 : SIGNATURE_P384;
	TRY(take_coordinate(in, out->curve, &out->x));
	return take_coordinate(in, out->curve, &out->y);
}

enum err tpm_public_parse(struct bytes in, struct tpm_public *out)
{
	struct tpm_public found = { .encoded = in };
	uint16_t type;

	if (in.len > TPM_PUBLIC_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(bytes_take_u16(&in, &type));
	if (type != TPM_PUBLIC_RSA && type != TPM_PUBLIC_ECC)
		return ERR_UNSUPPORTED;
	found.type = (enum tpm_public_type)type;
	TRY(take_name_hash(&in, &found.name_hash));
	TRY(bytes_take_u32(&in, &found.attributes));
	if ((found.attributes & ~(uint32_t)ATTRIBUTES_KNOWN) != 0)
		return ERR_MALFORMED;
	TRY(tpm_public_take_sized(&in, &found.policy));
	if (found.policy.len != 0 &&
	    found.policy.len != hash_bytes(found.name_hash))
		return ERR_MALFORMED;
	TRY(take_symmetric(&in, &found));
	TRY(take_scheme(&in, &found));
	if (found.type == TPM_PUBLIC_RSA)
		TRY(take_rsa(&in, &found));
	else
		TRY(take_ecc(&in, &found));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

/* A TPM may leave out leading zeros of a number; its order may not. */
static struct bytes widen(struct bytes number, size_t len, uint8_t *memory)
{
	invariant(number.len <= len);
	memset(memory, 0, len - number.len);
	memcpy(memory + len - number.len, number.data, number.len);
	return (struct bytes){ memory, len };
}

enum err tpm_public_key(const struct tpm_public *key, struct signature_key *out)
{
	uint8_t x[SIGNATURE_COORDINATE_MAX];
	uint8_t y[SIGNATURE_COORDINATE_MAX];
	size_t len;

	if (key->type == TPM_PUBLIC_RSA)
		return signature_key_from_rsa(key->modulus, key->exponent, out);
	len = coordinate_bytes[key->curve];
	return signature_key_from_point(key->curve, widen(key->x, len, x),
					widen(key->y, len, y), out);
}

void tpm_public_name(const struct tpm_public *key, struct tpm_public_name *out)
{
	uint16_t id = hash_ids[key->name_hash];

	out->bytes[0] = (uint8_t)(id >> 8);
	out->bytes[1] = (uint8_t)id;
	hash_digest(key->name_hash, key->encoded, out->bytes + 2);
	out->len = 2 + hash_bytes(key->name_hash);
}

void tpm_public_name_text(const struct tpm_public_name *name,
			  char text[static TPM_PUBLIC_TEXT_MAX])
{
	struct writer out = { (uint8_t *)text, 0, TPM_PUBLIC_TEXT_MAX - 1 };

	invariant(bytes_put(&out, BYTES_LITERAL("ak-")) == ERR_OK &&
		  hex_put(&out, (struct bytes){ name->bytes + 2, 24 }) ==
			  ERR_OK);
	text[out.len] = '\0';
}

#define BORN_HERE_TO_STAY                                 \
	(TPM_PUBLIC_FIXED_TPM | TPM_PUBLIC_FIXED_PARENT | \
	 TPM_PUBLIC_SENSITIVE_DATA_ORIGIN | TPM_PUBLIC_RESTRICTED)

static enum err expect(const struct tpm_public *key, uint32_t set,
		       uint32_t clear)
{
	return (key->attributes & set) == set && (key->attributes & clear) == 0
		       ? ERR_OK
		       : ERR_DENIED;
}

enum err tpm_public_expect_ak(const struct tpm_public *key)
{
	TRY(expect(key, BORN_HERE_TO_STAY | TPM_PUBLIC_SIGN,
		   TPM_PUBLIC_DECRYPT));
	return key->scheme != ALG_NULL &&
			       key->symmetric == TPM_PUBLIC_NO_SYMMETRIC
		       ? ERR_OK
		       : ERR_DENIED;
}

enum err tpm_public_expect_ek(const struct tpm_public *key)
{
	TRY(expect(key, BORN_HERE_TO_STAY | TPM_PUBLIC_DECRYPT,
		   TPM_PUBLIC_SIGN));
	return key->scheme == ALG_NULL &&
			       key->symmetric != TPM_PUBLIC_NO_SYMMETRIC
		       ? ERR_OK
		       : ERR_DENIED;
}

static enum err take_pair(struct bytes *in, size_t len, uint8_t *pair,
			  struct bytes *out)
{
	for (size_t i = 0; i < 2; i++) {
		struct bytes number;

		TRY(tpm_public_take_sized(in, &number));
		if (number.len == 0 || number.len > len)
			return ERR_MALFORMED;
		(void)widen(number, len, pair + i * len);
	}
	*out = (struct bytes){ pair, 2 * len };
	return ERR_OK;
}

enum err tpm_public_verify(const struct tpm_public *key, struct bytes message,
			   struct bytes signature)
{
	SCOPED_WIPE(signature_key_close) struct signature_key opened = { NULL };
	uint8_t pair[2 * SIGNATURE_COORDINATE_MAX];
	struct signature_scheme scheme;
	struct bytes raw;
	uint16_t id;

	TRY(bytes_take_u16(&signature, &id));
	TRY(take_signing(&signature, id, &scheme));
	/* The AK's scheme is part of its name; another is not the AK's. */
	if (id != key->scheme || scheme.hash != key->signing.hash)
		return ERR_UNAUTHENTIC;
	if (scheme.kind == SIGNATURE_ECDSA)
		TRY(take_pair(&signature, coordinate_bytes[key->curve], pair,
			      &raw));
	else
		TRY(tpm_public_take_sized(&signature, &raw));
	TRY(bytes_expect_end(&signature));
	TRY(tpm_public_key(key, &opened));
	return signature_check(&opened, scheme, message, raw);
}
