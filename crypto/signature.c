/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signature.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/sign.h"

#define POINT_MAX (1 + 2 * SIGNATURE_COORDINATE_MAX)
#define DER_MAX 160 /* of an ECDSA signature */
#define GROUP_NAME_MAX 32

/* OpenSSL's names. */
static const struct {
	const char *name;
	size_t coordinate_bytes;
} curves[SIGNATURE_CURVES] = {
	[SIGNATURE_P256] = { "prime256v1", 32 },
	[SIGNATURE_P384] = { "secp384r1", 48 },
	[SIGNATURE_P521] = { "secp521r1", 66 },
};

static void free_context(EVP_PKEY_CTX **context)
{
	EVP_PKEY_CTX_free(*context);
}

static void free_digest(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void free_parameters(OSSL_PARAM **parameters)
{
	OSSL_PARAM_free(*parameters);
}

static void free_number(BIGNUM **number)
{
	BN_free(*number);
}

static enum err make_key(const char *type, OSSL_PARAM *parameters,
			 struct signature_key *out)
{
	SCOPED_WIPE(free_context)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	invariant(context != NULL);
	if (EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) !=
		    1)
		return ERR_MALFORMED;
	out->key = key;
	return ERR_OK;
}

enum err signature_key_from_point(enum signature_curve curve, struct bytes x,
				  struct bytes y, struct signature_key *out)
{
	uint8_t memory[POINT_MAX];
	struct writer point = WRITER_OVER(memory);
	char *name = (char *)(uintptr_t)curves[curve].name;

	if (x.len != curves[curve].coordinate_bytes || y.len != x.len)
		return ERR_MALFORMED;
	invariant(bytes_put_u8(&point, POINT_CONVERSION_UNCOMPRESSED) ==
			  ERR_OK &&
		  bytes_put(&point, x) == ERR_OK &&
		  bytes_put(&point, y) == ERR_OK);

	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						  memory, point.len),
		OSSL_PARAM_construct_end(),
	};

	return make_key("EC", parameters, out);
}

static bool is_fit_for_rsa(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	return bits >= SIGNATURE_RSA_BITS_LEAST &&
	       bits <= SIGNATURE_RSA_BITS_MOST;
}

enum err signature_key_from_rsa(struct bytes modulus, uint32_t exponent,
				struct signature_key *out)
{
	SCOPED_WIPE(free_number) BIGNUM *n = NULL;
	SCOPED_WIPE(free_parameters) OSSL_PARAM *parameters = NULL;
	OSSL_PARAM_BLD *build;
	int done;

	if (modulus.len < SIGNATURE_RSA_BITS_LEAST / 8 ||
	    modulus.len > SIGNATURE_RSA_BITS_MOST / 8)
		return ERR_UNSUPPORTED;
	if (exponent < 3 || exponent % 2 == 0 ||
	    modulus.data[modulus.len - 1] % 2 == 0)
		return ERR_MALFORMED;
	n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
	build = OSSL_PARAM_BLD_new();
	invariant(n != NULL && build != NULL);
	done = OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	       OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E,
					  exponent) == 1;
	if (done)
		parameters = OSSL_PARAM_BLD_to_param(build);
	OSSL_PARAM_BLD_free(build);
	invariant(parameters != NULL);

	SCOPED_WIPE(signature_key_close) struct signature_key key = { NULL };

	TRY(make_key("RSA", parameters, &key));
	if (!is_fit_for_rsa(key.key))
		return ERR_UNSUPPORTED;
	*out = key;
	key.key = NULL;
	return ERR_OK;
}

enum err signature_key_from_spki(struct bytes der, struct signature_key *out)
{
	const unsigned char *at = der.data;
	EVP_PKEY *key;

	if (der.len == 0 || der.len > INT32_MAX)
		return ERR_MALFORMED;
	key = d2i_PUBKEY(NULL, &at, (long)der.len);
	if (key == NULL || at != der.data + der.len) {
		EVP_PKEY_free(key);
		return ERR_MALFORMED;
	}
	out->key = key;
	return ERR_OK;
}

enum err signature_key_from_ed25519(struct bytes point,
				    struct signature_key *out)
{
	EVP_PKEY *key;

	if (point.len != SIGN_PUBLIC_BYTES)
		return ERR_MALFORMED;
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.data,
					  point.len);
	invariant(key != NULL);
	out->key = key;
	return ERR_OK;
}

void signature_key_close(struct signature_key *key)
{
	EVP_PKEY_free(key->key);
	key->key = NULL;
}

bool signature_key_equal(const struct signature_key *a,
			 const struct signature_key *b)
{
	return a->key != NULL && b->key != NULL &&
	       EVP_PKEY_eq(a->key, b->key) == 1;
}

static int key_type(enum signature_kind kind)
{
	switch (kind) {
	case SIGNATURE_ECDSA:
		return EVP_PKEY_EC;
	case SIGNATURE_RSA_PKCS1:
	case SIGNATURE_RSA_PSS:
		return EVP_PKEY_RSA;
	case SIGNATURE_ED25519:
		break;
	}
	return EVP_PKEY_ED25519;
}

enum err signature_key_curve(const struct signature_key *key,
			     enum signature_curve *out)
{
	char name[GROUP_NAME_MAX];
	size_t len;

	if (key->key == NULL || EVP_PKEY_get_base_id(key->key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(key->key, name, sizeof(name), &len) != 1)
		return ERR_UNSUPPORTED;
	for (int i = 0; i < SIGNATURE_CURVES; i++)
		if (strcmp(name, curves[i].name) == 0) {
			*out = (enum signature_curve)i;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

/* OpenSSL takes ECDSA signatures as ASN.1 alone (RFC 3279, 2.2.3). */
static enum err ecdsa_to_der(const struct signature_key *key,
			     struct bytes signature,
			     uint8_t der[static DER_MAX], size_t *len)
{
	enum signature_curve curve;
	size_t half;
	ECDSA_SIG *pair = NULL;
	uint8_t *at = der;
	BIGNUM *r;
	BIGNUM *s;
	int written;

	if (signature_key_curve(key, &curve) != ERR_OK)
		return ERR_UNAUTHENTIC;
	half = curves[curve].coordinate_bytes;
	if (signature.len != 2 * half)
		return ERR_UNAUTHENTIC;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature.data, (int)half, NULL);
	s = BN_bin2bn(signature.data + half, (int)half, NULL);
	invariant(pair != NULL && r != NULL && s != NULL);
	invariant(ECDSA_SIG_set0(pair, r, s) == 1);
	written = i2d_ECDSA_SIG(pair, &at);
	ECDSA_SIG_free(pair);
	invariant(written > 0 && written <= DER_MAX);
	*len = (size_t)written;
	return ERR_OK;
}

/* Where one of the two is missing, the other does not verify. */
static bool set_up(EVP_PKEY_CTX *context, enum signature_kind kind)
{
	if (kind == SIGNATURE_RSA_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(
			       context, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(
			       context, RSA_PSS_SALTLEN_DIGEST) == 1;
	if (kind == SIGNATURE_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context,
						    RSA_PKCS1_PADDING) == 1;
	return true;
}

/* One Ed25519 in this project: libsodium's, which refuses weak points. */
static enum err check_ed25519(const EVP_PKEY *key, struct bytes message,
			      struct bytes signature)
{
	struct sign_public_key point;
	size_t len = sizeof(point.bytes);

	if (signature.len != SIGN_SIGNATURE_BYTES ||
	    EVP_PKEY_get_raw_public_key(key, point.bytes, &len) != 1 ||
	    len != sizeof(point.bytes))
		return ERR_UNAUTHENTIC;
	return sign_verify(&point, message, signature.data);
}

static bool is_fit(const EVP_PKEY *key, struct signature_scheme scheme)
{
	int type = EVP_PKEY_get_base_id(key);

	/* A key of type id-RSASSA-PSS is good for that scheme alone. */
	if (type != key_type(scheme.kind) &&
	    !(type == EVP_PKEY_RSA_PSS && scheme.kind == SIGNATURE_RSA_PSS))
		return false;
	if (key_type(scheme.kind) == EVP_PKEY_RSA && !is_fit_for_rsa(key))
		return false;
	return scheme.kind == SIGNATURE_ED25519 || scheme.hash != HASH_SHA1;
}

enum err signature_check(const struct signature_key *key,
			 struct signature_scheme scheme, struct bytes message,
			 struct bytes signature)
{
	SCOPED_WIPE(free_digest) EVP_MD_CTX *digest = NULL;
	EVP_PKEY_CTX *context = NULL; /* the digest's */
	uint8_t der[DER_MAX];

	if (key->key == NULL || !is_fit(key->key, scheme))
		return ERR_UNAUTHENTIC;
	if (scheme.kind == SIGNATURE_ED25519)
		return check_ed25519(key->key, message, signature);
	if (scheme.kind == SIGNATURE_ECDSA) {
		TRY(ecdsa_to_der(key, signature, der, &signature.len));
		signature.data = der;
	}
	digest = EVP_MD_CTX_new();
	invariant(digest != NULL);
	if (EVP_DigestVerifyInit_ex(digest, &context, hash_name(scheme.hash),
				    NULL, NULL, key->key, NULL) != 1 ||
	    !set_up(context, scheme.kind) ||
	    EVP_DigestVerify(digest, signature.data, signature.len,
			     message.data, message.len) != 1)
		return ERR_UNAUTHENTIC;
	return ERR_OK;
}
