/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/authority.h"

#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/vector.h"

#define must(claim) cr_assert(claim, "OpenSSL: %s", #claim)

static EVP_PKEY *make_key(enum authority_key kind)
{
	switch (kind) {
	case AUTHORITY_P256:
		return EVP_EC_gen("P-256");
	case AUTHORITY_P384:
		return EVP_EC_gen("P-384");
	case AUTHORITY_P521:
		return EVP_EC_gen("P-521");
	case AUTHORITY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case AUTHORITY_RSA_1024:
		return EVP_RSA_gen(1024);
	case AUTHORITY_RSA_2048:
		break;
	}
	return EVP_RSA_gen(2048);
}

static const EVP_MD *hash_for(const EVP_PKEY *key, const char *name)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return NULL;
	return EVP_get_digestbyname(name == NULL ? "SHA256" : name);
}

static X509_EXTENSION *make_extension(const struct authority_extension *wish)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(wish->oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *out;

	must(ASN1_OCTET_STRING_set(value, wish->value.data,
				   (int)wish->value.len) == 1);
	out = X509_EXTENSION_create_by_OBJ(NULL, oid, wish->critical, value);
	must(out != NULL);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(value);
	return out;
}

static void add_standard(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(one != NULL && X509_add_ext(x509, one, -1) == 1);
	X509_EXTENSION_free(one);
}

static void add_role(X509 *x509, const struct authority_wish *wish)
{
	char constraints[64] = "critical,CA:TRUE";

	if (wish->path_most > 0)
		snprintf(constraints, sizeof(constraints),
			 "critical,CA:TRUE,pathlen:%d", wish->path_most - 1);
	switch (wish->role) {
	case AUTHORITY_CA:
		add_standard(x509, NID_basic_constraints, constraints);
		add_standard(x509, NID_key_usage,
			     "critical,keyCertSign,cRLSign");
		break;
	case AUTHORITY_CA_OF_NO_LISTS:
		add_standard(x509, NID_basic_constraints, constraints);
		add_standard(x509, NID_key_usage, "critical,keyCertSign");
		break;
	case AUTHORITY_CA_BY_USAGE:
		add_standard(x509, NID_key_usage, "critical,keyCertSign");
		break;
	case AUTHORITY_CA_WITHOUT_SIGN:
		add_standard(x509, NID_basic_constraints, constraints);
		add_standard(x509, NID_key_usage, "critical,cRLSign");
		break;
	case AUTHORITY_LEAF:
		add_standard(x509, NID_basic_constraints, "critical,CA:FALSE");
		add_standard(x509, NID_key_usage, "critical,digitalSignature");
		break;
	}
}

static void add_name(X509_NAME *name, const char *text)
{
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)text, -1, -1,
					0) == 1);
}

static uint64_t or_else(uint64_t wish, uint64_t usual)
{
	return wish != 0 ? wish : usual;
}

static void fill(X509 *x509, const struct authority_wish *wish)
{
	static long serial = 100;
	X509_NAME *name = X509_get_subject_name(x509);

	must(X509_set_version(x509, X509_VERSION_3) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++) == 1);
	add_name(name, wish->name);
	if (wish->second_name != NULL)
		add_name(name, wish->second_name);
	must(X509_set_issuer_name(
		     x509,
		     wish->issuer == NULL
			     ? name
			     : X509_get_subject_name(wish->issuer->x509)) == 1);
	must(ASN1_TIME_set(X509_getm_notBefore(x509),
			   (time_t)or_else(wish->not_before,
					   AUTHORITY_NOW - AUTHORITY_DAY)) !=
	     NULL);
	must(ASN1_TIME_set(X509_getm_notAfter(x509),
			   (time_t)or_else(wish->not_after,
					   AUTHORITY_NOW + AUTHORITY_DAY)) !=
	     NULL);
	add_role(x509, wish);
	for (size_t i = 0; i < AUTHORITY_EXTENSIONS_MAX; i++) {
		X509_EXTENSION *one;

		if (wish->extensions[i].oid == NULL)
			continue;
		one = make_extension(&wish->extensions[i]);
		must(X509_add_ext(x509, one, -1) == 1);
		X509_EXTENSION_free(one);
	}
}

/* Into the pool, what an i2d function gave. */
static struct bytes keep(unsigned char *der, int len)
{
	struct bytes out = { der, (size_t)len };

	must(len > 0);
	out.data = vector_copy(out);
	OPENSSL_free(der);
	return out;
}

void authority_make(const struct authority_wish *wish, struct authority *out)
{
	X509 *x509 = X509_new();
	unsigned char *der = NULL;
	EVP_PKEY *signer;
	int len;

	out->key = wish->twin != NULL ? wish->twin->key : make_key(wish->key);
	if (wish->twin != NULL)
		must(EVP_PKEY_up_ref(out->key) == 1);
	must(x509 != NULL && out->key != NULL);
	fill(x509, wish);
	must(X509_set_pubkey(x509, out->key) == 1);
	signer = wish->issuer == NULL ? out->key : wish->issuer->key;
	must(X509_sign(x509, signer, hash_for(signer, wish->hash)) > 0);
	out->x509 = x509;
	len = i2d_X509(x509, &der);
	out->der = keep(der, len);
}

void authority_close(struct authority *authority)
{
	X509_free(authority->x509);
	EVP_PKEY_free(authority->key);
	authority->x509 = NULL;
	authority->key = NULL;
}

static void revoke(X509_CRL *list, const struct authority *revoked,
		   const ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	must(X509_REVOKED_set_serialNumber(
		     entry, X509_get_serialNumber(revoked->x509)) == 1);
	must(X509_REVOKED_set_revocationDate(
		     entry, (ASN1_TIME *)(uintptr_t)when) == 1);
	must(X509_CRL_add0_revoked(list, entry) == 1);
}

struct bytes authority_list(const struct authority_list_wish *wish)
{
	const struct authority *signer =
		wish->signer == NULL ? wish->issuer : wish->signer;
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *time =
		ASN1_TIME_set(NULL, AUTHORITY_NOW - 2 * AUTHORITY_DAY);
	unsigned char *der = NULL;
	int len;

	must(X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1);
	must(X509_CRL_set_issuer_name(
		     list, X509_get_subject_name(wish->issuer->x509)) == 1);
	must(X509_CRL_set1_lastUpdate(list, time) == 1);
	if (wish->revoked != NULL)
		revoke(list, wish->revoked, time);
	must(ASN1_TIME_set(
		time,
		(time_t)or_else(wish->next, AUTHORITY_NOW + AUTHORITY_DAY)));
	must(X509_CRL_set1_nextUpdate(list, time) == 1);
	ASN1_TIME_free(time);
	if (wish->extension.oid != NULL) {
		X509_EXTENSION *one = make_extension(&wish->extension);

		must(X509_CRL_add_ext(list, one, -1) == 1);
		X509_EXTENSION_free(one);
	}
	must(X509_CRL_sign(list, signer->key,
			   hash_for(signer->key, wish->hash)) > 0);
	len = i2d_X509_CRL(list, &der);
	X509_CRL_free(list);
	return keep(der, len);
}

struct bytes authority_pem(const struct authority *authority)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	struct bytes kept;

	must(PEM_write_bio_X509(out, authority->x509) == 1);
	kept.len = (size_t)BIO_get_mem_data(out, &text);
	kept.data = (const uint8_t *)text;
	kept.data = vector_copy(kept);
	BIO_free(out);
	return kept;
}

struct bytes authority_spki(const struct authority *authority)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(authority->key, &der);

	return keep(der, len);
}

struct certificate_root authority_root(const struct authority *authority)
{
	struct certificate_root root;

	hash_sha256(authority_spki(authority), root.digest);
	return root;
}

/* From OpenSSL's ASN.1 to r | s. */
static struct bytes flat(const EVP_PKEY *key, struct bytes der)
{
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;
	const unsigned char *at = der.data;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	uint8_t memory[2 * SIGNATURE_COORDINATE_MAX];
	struct bytes out = { memory, 2 * (size_t)half };

	must(pair != NULL);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(pair), memory, half) == half);
	must(BN_bn2binpad(ECDSA_SIG_get0_s(pair), memory + half, half) == half);
	ECDSA_SIG_free(pair);
	out.data = vector_copy(out);
	return out;
}

struct bytes authority_sign(const struct authority *authority,
			    struct signature_scheme scheme,
			    struct bytes message)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *padding = NULL;
	uint8_t memory[512];
	struct bytes out = { memory, sizeof(memory) };
	const char *hash = scheme.kind == SIGNATURE_ED25519
				   ? NULL
				   : hash_name(scheme.hash);

	must(EVP_DigestSignInit_ex(context, &padding, hash, NULL, NULL,
				   authority->key, NULL) == 1);
	if (scheme.kind == SIGNATURE_RSA_PSS) {
		must(EVP_PKEY_CTX_set_rsa_padding(padding,
						  RSA_PKCS1_PSS_PADDING) == 1);
		must(EVP_PKEY_CTX_set_rsa_pss_saltlen(
			     padding, RSA_PSS_SALTLEN_DIGEST) == 1);
	}
	must(EVP_DigestSign(context, memory, &out.len, message.data,
			    message.len) == 1);
	EVP_MD_CTX_free(context);
	if (scheme.kind == SIGNATURE_ECDSA)
		return flat(authority->key, out);
	out.data = vector_copy(out);
	return out;
}
