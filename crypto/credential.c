/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/credential.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/secret.h"

#define LABEL "IDENTITY" /* with its terminating zero, wherever it is used */
#define AES_BLOCK 16
#define POINT_MAX (1 + 2 * SIGNATURE_COORDINATE_MAX)

/* A seed or a key that is derived from one. */
struct seed {
	uint8_t bytes[HASH_BYTES_MAX];
	size_t len;
};

static void wipe_seed(struct seed *seed)
{
	secret_wipe(seed, sizeof(*seed));
}

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_context(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
}

static OSSL_PARAM text(const char *key, const char *value)
{
	return OSSL_PARAM_construct_utf8_string(key, (char *)(uintptr_t)value,
						0);
}

static OSSL_PARAM octets(const char *key, struct bytes value)
{
	return OSSL_PARAM_construct_octet_string(
		key, (void *)(uintptr_t)value.data, value.len);
}

static void derive(const char *kdf, const OSSL_PARAM *parameters,
		   struct seed *out)
{
	EVP_KDF *algorithm = EVP_KDF_fetch(NULL, kdf, NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(algorithm);
	int done;

	invariant(context != NULL);
	done = EVP_KDF_derive(context, out->bytes, out->len, parameters);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(algorithm);
	invariant(done == 1);
}

/* Part 1, 11.4.10.2: SP 800-108 in counter mode with HMAC. */
static void kdfa(enum hash_algorithm hash, const struct seed *seed,
		 const char *label, struct bytes context, struct seed *out)
{
	const OSSL_PARAM parameters[] = {
		text(OSSL_KDF_PARAM_MODE, "counter"),
		text(OSSL_KDF_PARAM_MAC, "HMAC"),
		text(OSSL_KDF_PARAM_DIGEST, hash_name(hash)),
		octets(OSSL_KDF_PARAM_KEY,
		       (struct bytes){ seed->bytes, seed->len }),
		octets(OSSL_KDF_PARAM_SALT, bytes_of_string(label)),
		octets(OSSL_KDF_PARAM_INFO, context),
		OSSL_PARAM_construct_end(),
	};

	derive("KBKDF", parameters, out);
}

/* Part 1, 11.4.10.3: SP 800-56A in one step. */
static void kdfe(enum hash_algorithm hash, struct bytes z, struct bytes parties,
		 struct seed *out)
{
	uint8_t memory[sizeof(LABEL) + 2 * SIGNATURE_COORDINATE_MAX];
	struct writer info = WRITER_OVER(memory);

	invariant(bytes_put(&info, BYTES_ARRAY(LABEL)) == ERR_OK &&
		  bytes_put(&info, parties) == ERR_OK);

	const OSSL_PARAM parameters[] = {
		text(OSSL_KDF_PARAM_DIGEST, hash_name(hash)),
		octets(OSSL_KDF_PARAM_SECRET, z),
		octets(OSSL_KDF_PARAM_INFO, bytes_written(&info)),
		OSSL_PARAM_construct_end(),
	};

	derive("SSKDF", parameters, out);
}

static enum err put_sized(struct writer *out, struct bytes data)
{
	if (out->max - out->len < data.len + 2)
		return ERR_TOO_LARGE;
	TRY(bytes_put_u16(out, (uint16_t)data.len));
	return bytes_put(out, data);
}

static enum err seal_by_rsa(const struct credential_target *target,
			    struct seed *seed, struct writer *sealed)
{
	SCOPED_WIPE(free_context)
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(NULL, target->ek->key, NULL);
	const char *hash = hash_name(target->hash);
	uint8_t memory[SIGNATURE_RSA_BITS_MOST / 8];
	size_t len = sizeof(memory);
	void *label = OPENSSL_memdup(LABEL, sizeof(LABEL));
	int done;

	invariant(context != NULL && label != NULL);
	done = RAND_bytes(seed->bytes, (int)seed->len);
	invariant(done == 1);
	done = EVP_PKEY_encrypt_init(context) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) ==
		       1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, NULL) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, hash, NULL) == 1;
	invariant(done == 1);
	/* The label is the context's from here on. */
	done = EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, sizeof(LABEL));
	invariant(done == 1);
	if ((size_t)EVP_PKEY_get_size(target->ek->key) > sizeof(memory) ||
	    EVP_PKEY_encrypt(context, memory, &len, seed->bytes, seed->len) !=
		    1)
		return ERR_UNSUPPORTED;
	return put_sized(sealed, (struct bytes){ memory, len });
}

/* x | y of a public key, without the byte that says so. */
static enum err point_of(const EVP_PKEY *key, uint8_t point[static POINT_MAX],
			 struct bytes *x, struct bytes *y)
{
	size_t len = 0;

	if (EVP_PKEY_get_octet_string_param(key,
					    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, POINT_MAX, &len) != 1 ||
	    point[0] != POINT_CONVERSION_UNCOMPRESSED || len % 2 != 1)
		return ERR_UNSUPPORTED;
	*x = (struct bytes){ point + 1, len / 2 };
	*y = (struct bytes){ point + 1 + len / 2, len / 2 };
	return ERR_OK;
}

static void agree(EVP_PKEY *mine, EVP_PKEY *theirs, struct seed *z)
{
	SCOPED_WIPE(free_context)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
	int done;

	z->len = sizeof(z->bytes);
	invariant(context != NULL);
	done = EVP_PKEY_derive_init(context) == 1 &&
	       EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
	       EVP_PKEY_derive(context, z->bytes, &z->len) == 1;
	invariant(done == 1);
}

static enum err seal_by_ec(const struct credential_target *target,
			   struct seed *seed, struct writer *sealed)
{
	SCOPED_WIPE(free_key) EVP_PKEY *mine = NULL;
	SCOPED_WIPE(wipe_seed) struct seed z;
	const char *curve =
		EVP_PKEY_get_bits(target->ek->key) == 256 ? "P-256" : "P-384";
	uint8_t my_point[POINT_MAX];
	uint8_t its_point[POINT_MAX];
	uint8_t memory[2 * (2 + SIGNATURE_COORDINATE_MAX)];
	struct writer out = WRITER_OVER(memory);
	struct bytes x[2];
	struct bytes y[2];

	TRY(point_of(target->ek->key, its_point, &x[1], &y[1]));
	mine = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
	invariant(mine != NULL);
	TRY(point_of(mine, my_point, &x[0], &y[0]));
	if (x[0].len != x[1].len)
		return ERR_UNSUPPORTED;
	agree(mine, target->ek->key, &z);
	TRY(put_sized(&out, x[0]));
	TRY(put_sized(&out, y[0]));
	TRY(put_sized(sealed, bytes_written(&out)));

	uint8_t both[2 * SIGNATURE_COORDINATE_MAX];
	struct writer parties = WRITER_OVER(both);

	TRY(bytes_put(&parties, x[0]));
	TRY(bytes_put(&parties, x[1]));
	kdfe(target->hash, (struct bytes){ z.bytes, z.len },
	     bytes_written(&parties), seed);
	return ERR_OK;
}

static void encrypt(const struct seed *key, struct bytes plain, uint8_t *out)
{
	static const uint8_t zeros[AES_BLOCK];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *cipher =
		key->len == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
	int len = 0;
	int done;

	invariant(context != NULL);
	done = EVP_EncryptInit_ex2(context, cipher, key->bytes, zeros, NULL) ==
		       1 &&
	       EVP_EncryptUpdate(context, out, &len, plain.data,
				 (int)plain.len) == 1;
	EVP_CIPHER_CTX_free(context);
	invariant(done == 1 && (size_t)len == plain.len);
}

static enum err put_blob(const struct credential_target *target,
			 const struct seed *seed, struct bytes secret,
			 struct writer *blob)
{
	SCOPED_WIPE(wipe_seed)
	struct seed key = { .len = target->aes_bits / 8 };
	SCOPED_WIPE(wipe_seed)
	struct seed mac_key = { .len = hash_bytes(target->hash) };
	struct bytes none = { NULL, 0 };
	uint8_t plain[2 + CREDENTIAL_SECRET_MAX];
	uint8_t covered[2 + CREDENTIAL_SECRET_MAX + HASH_BYTES_MAX + 2];
	uint8_t mac[HASH_BYTES_MAX];
	struct writer sized = WRITER_OVER(plain);
	struct writer all = WRITER_OVER(covered);
	size_t mac_len = 0;
	struct bytes encrypted;

	TRY(put_sized(&sized, secret));
	kdfa(target->hash, seed, "STORAGE", target->name, &key);
	encrypt(&key, bytes_written(&sized), covered);
	secret_wipe(plain, sizeof(plain));
	all.len = sized.len;
	encrypted = bytes_written(&all);
	TRY(bytes_put(&all, target->name));
	kdfa(target->hash, seed, "INTEGRITY", none, &mac_key);
	invariant(EVP_Q_mac(NULL, "HMAC", NULL, hash_name(target->hash), NULL,
			    mac_key.bytes, mac_key.len, all.data, all.len, mac,
			    sizeof(mac), &mac_len) != NULL);
	if (blob->max - blob->len < 2 + 2 + mac_len + encrypted.len)
		return ERR_TOO_LARGE;
	TRY(bytes_put_u16(blob, (uint16_t)(2 + mac_len + encrypted.len)));
	TRY(put_sized(blob, (struct bytes){ mac, mac_len }));
	return bytes_put(blob, encrypted);
}

enum err credential_make(const struct credential_target *target,
			 struct bytes secret, struct writer *blob,
			 struct writer *sealed)
{
	SCOPED_WIPE(wipe_seed)
	struct seed seed = { .len = hash_bytes(target->hash) };

	invariant(secret.len > 0 && secret.len <= CREDENTIAL_SECRET_MAX &&
		  secret.len <= hash_bytes(target->hash));
	invariant(target->aes_bits == 128 || target->aes_bits == 256);
	if (target->name.len > HASH_BYTES_MAX + 2)
		return ERR_UNSUPPORTED;
	switch (EVP_PKEY_get_base_id(target->ek->key)) {
	case EVP_PKEY_RSA:
		TRY(seal_by_rsa(target, &seed, sealed));
		break;
	case EVP_PKEY_EC:
		TRY(seal_by_ec(target, &seed, sealed));
		break;
	default:
		return ERR_UNSUPPORTED;
	}
	return put_blob(target, &seed, secret, blob);
}
