/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/paper_tpm.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#define AK_ATTRIBUTES 0x00050072 /* as tpm2_createak makes them */
#define DAY_S 86400

struct bytes paper_tpm_bytes(const struct paper_tpm_part *part)
{
	return (struct bytes){ part->bytes, part->len };
}

static struct writer begin(struct paper_tpm_part *part)
{
	return (struct writer){ part->bytes, 0, sizeof(part->bytes) };
}

static void put(struct writer *out, struct bytes data)
{
	cr_assert_eq(bytes_put(out, data), ERR_OK);
}

static void put16(struct writer *out, size_t value)
{
	cr_assert_eq(bytes_put_u16(out, (uint16_t)value), ERR_OK);
}

static void put32(struct writer *out, uint32_t value)
{
	cr_assert_eq(bytes_put_u32(out, value), ERR_OK);
}

static void put_sized(struct writer *out, struct bytes data)
{
	put16(out, data.len);
	put(out, data);
}

static EVP_PKEY *make_key(enum paper_tpm_kind kind)
{
	EVP_PKEY *key;

	if (kind == PAPER_TPM_RSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
					kind == PAPER_TPM_P384 ? "P-384"
							       : "P-256");
	cr_assert_not_null(key);
	return key;
}

static void put_ec(const EVP_PKEY *key, enum paper_tpm_kind kind,
		   struct writer *out)
{
	uint8_t point[97];
	size_t len = 0;

	cr_assert_eq(
		EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
						point, sizeof(point), &len),
		1);
	len = (len - 1) / 2;
	put16(out, 0x0010);
	put16(out, 0x0018);
	put16(out, kind == PAPER_TPM_P384 ? 0x000c : 0x000b);
	put16(out, kind == PAPER_TPM_P384 ? 0x0004 : 0x0003);
	put16(out, 0x0010);
	put_sized(out, (struct bytes){ point + 1, len });
	put_sized(out, (struct bytes){ point + 1 + len, len });
}

static void put_rsa(const EVP_PKEY *key, struct writer *out)
{
	uint8_t modulus[256];
	BIGNUM *n = NULL;

	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	cr_assert_eq(BN_bn2binpad(n, modulus, sizeof(modulus)), 256);
	BN_free(n);
	put16(out, 0x0010);
	put16(out, 0x0014);
	put16(out, 0x000b);
	put16(out, 2048);
	put32(out, 0);
	put_sized(out, BYTES_ARRAY(modulus));
}

static void certify(struct paper_tpm *tpm)
{
	struct signature_key key = { tpm->ak };
	struct issuer_order order = {
		.key = &key,
		.common_name = "a TPM on paper",
		.usage = "2.23.133.8.3",
		.not_before = PAPER_TPM_NOW - DAY_S,
		.not_after = PAPER_TPM_NOW + (PAPER_TPM_DAYS - 1) * DAY_S,
	};
	struct writer der = begin(&tpm->ak_certificate);

	cr_assert_eq(issuer_sign(&tpm->issuer, &order, &der), ERR_OK);
	tpm->ak_certificate.len = der.len;
}

void paper_tpm_set_attributes(struct paper_tpm *tpm, uint32_t attributes)
{
	struct writer out = begin(&tpm->ak_public);

	put16(&out, tpm->kind == PAPER_TPM_RSA ? 0x0001 : 0x0023);
	put16(&out, 0x000b);
	put32(&out, attributes);
	put16(&out, 0);
	if (tpm->kind == PAPER_TPM_RSA)
		put_rsa(tpm->ak, &out);
	else
		put_ec(tpm->ak, tpm->kind, &out);
	tpm->ak_public.len = out.len;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	cr_assert_not_null(extension);
	cr_assert_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *make_root(EVP_PKEY *key)
{
	X509 *root = X509_new();
	X509_NAME *name = X509_get_subject_name(root);

	X509_set_version(root, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(root), 1);
	X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
				   (const unsigned char *)"root of paper", -1,
				   -1, 0);
	X509_set_issuer_name(root, name);
	ASN1_TIME_set(X509_getm_notBefore(root), PAPER_TPM_NOW - DAY_S);
	ASN1_TIME_set(X509_getm_notAfter(root),
		      PAPER_TPM_NOW + (PAPER_TPM_DAYS - 1) * DAY_S);
	X509_set_pubkey(root, key);
	add_extension(root, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(root, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(root, NID_subject_key_identifier, "hash");
	cr_assert_gt(X509_sign(root, key, EVP_sha256()), 0);
	return root;
}

void paper_tpm_open(enum paper_tpm_kind kind, struct paper_tpm *out)
{
	struct certificate opened;
	struct writer der;

	memset(out, 0, sizeof(*out));
	out->kind = kind;
	out->ak = make_key(kind);
	out->issuer.key = make_key(PAPER_TPM_P256);
	out->issuer.certificate = make_root(out->issuer.key);
	opened.x509 = out->issuer.certificate;
	certificate_root_of(&opened, &out->root);
	der = begin(&out->root_certificate);
	cr_assert_eq(issuer_put_certificate(&out->issuer, &der), ERR_OK);
	out->root_certificate.len = der.len;
	paper_tpm_set_attributes(out, AK_ATTRIBUTES);
	certify(out);
}

void paper_tpm_close(struct paper_tpm *tpm)
{
	EVP_PKEY_free(tpm->ak);
	tpm->ak = NULL;
	issuer_close(&tpm->issuer);
}

void paper_tpm_begin(struct paper_tpm_quote *quote)
{
	*quote = (struct paper_tpm_quote){ .magic = 0xff544347,
					   .type = 0x8018,
					   .bank = 0x000b,
					   .selected = 0x40ff };
	memset(quote->data, 0xda, sizeof(quote->data));
	memset(quote->pcrs[14], 0x14, sizeof(quote->pcrs[14]));
}

/* Of a primary key of the endorsement hierarchy. */
static void put_qualified_name(const struct paper_tpm *tpm, struct writer *out)
{
	struct tpm_public opened;
	struct tpm_public_name name;
	uint8_t memory[4 + TPM_PUBLIC_NAME_MAX];
	uint8_t qualified[34] = { 0x00, 0x0b };
	struct writer all = WRITER_OVER(memory);

	cr_assert_eq(
		tpm_public_parse(paper_tpm_bytes(&tpm->ak_public), &opened),
		ERR_OK);
	tpm_public_name(&opened, &name);
	put32(&all, 0x4000000b);
	put(&all, (struct bytes){ name.bytes, name.len });
	hash_sha256(bytes_written(&all), qualified + 2);
	put_sized(out, BYTES_ARRAY(qualified));
}

static void put_quoted(const struct paper_tpm *tpm,
		       const struct paper_tpm_quote *quote, struct writer *out)
{
	enum hash_algorithm hash =
		tpm->kind == PAPER_TPM_P384 ? HASH_SHA384 : HASH_SHA256;
	uint8_t memory[TPM_EVIDENCE_PCRS * 32];
	uint8_t digest[HASH_BYTES_MAX];
	struct writer all = WRITER_OVER(memory);

	put32(out, 1);
	put16(out, quote->bank);
	cr_assert_eq(bytes_put_u8(out, 3), ERR_OK);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(
			bytes_put_u8(out, (uint8_t)(quote->selected >> 8 * i)),
			ERR_OK);
	for (int i = 0; i < TPM_EVIDENCE_PCRS; i++)
		if ((quote->selected >> i & 1) != 0)
			put(&all, BYTES_ARRAY(quote->pcrs[i]));
	hash_digest(hash, bytes_written(&all), digest);
	put_sized(out, (struct bytes){ digest, hash_bytes(hash) });
}

void paper_tpm_attest(const struct paper_tpm *tpm,
		      const struct paper_tpm_quote *quote,
		      struct paper_tpm_part *part)
{
	struct writer out = begin(part);

	put32(&out, quote->magic);
	put16(&out, quote->type);
	put_qualified_name(tpm, &out);
	put_sized(&out, BYTES_ARRAY(quote->data));
	put(&out, BYTES_LITERAL("\0\0\0\0\0\0\x30\x39")); /* clock 12345 */
	put32(&out, 7);					  /* resets */
	put32(&out, 0);
	put(&out, BYTES_LITERAL("\1\0\0\0\0\0\0\0\x2a"));
	if (quote->type == 0x8017) {
		put_qualified_name(tpm, &out);
		put_qualified_name(tpm, &out);
	} else {
		put_quoted(tpm, quote, &out);
	}
	part->len = out.len;
}

static void put_pair(const uint8_t *der, size_t len, size_t half,
		     struct writer *out)
{
	uint8_t number[48];
	const BIGNUM *r;
	const BIGNUM *s;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);

	cr_assert_not_null(pair);
	ECDSA_SIG_get0(pair, &r, &s);
	BN_bn2binpad(r, number, (int)half);
	put_sized(out, (struct bytes){ number, half });
	BN_bn2binpad(s, number, (int)half);
	put_sized(out, (struct bytes){ number, half });
	ECDSA_SIG_free(pair);
}

void paper_tpm_sign(const struct paper_tpm *tpm,
		    const struct paper_tpm_part *message,
		    struct paper_tpm_part *part)
{
	struct writer out = begin(part);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const char *hash = tpm->kind == PAPER_TPM_P384 ? "SHA384" : "SHA256";
	uint8_t raw[512];
	size_t len = sizeof(raw);

	cr_assert_eq(EVP_DigestSignInit_ex(context, NULL, hash, NULL, NULL,
					   tpm->ak, NULL),
		     1);
	cr_assert_eq(EVP_DigestSign(context, raw, &len, message->bytes,
				    message->len),
		     1);
	EVP_MD_CTX_free(context);
	put16(&out, tpm->kind == PAPER_TPM_RSA ? 0x0014 : 0x0018);
	put16(&out, tpm->kind == PAPER_TPM_P384 ? 0x000c : 0x000b);
	if (tpm->kind == PAPER_TPM_RSA)
		put_sized(&out, (struct bytes){ raw, len });
	else
		put_pair(raw, len, tpm->kind == PAPER_TPM_P384 ? 48 : 32, &out);
	part->len = out.len;
}

void paper_tpm_evidence(const struct paper_tpm *tpm,
			const struct paper_tpm_quote *quote,
			struct paper_tpm_parts *parts, struct tpm_evidence *out)
{
	paper_tpm_attest(tpm, quote, &parts->attest);
	paper_tpm_sign(tpm, &parts->attest, &parts->signature);
	*out = (struct tpm_evidence){
		.attest = paper_tpm_bytes(&parts->attest),
		.signature = paper_tpm_bytes(&parts->signature),
		.ak_public = paper_tpm_bytes(&tpm->ak_public),
		.certificates = { paper_tpm_bytes(&tpm->ak_certificate),
				  paper_tpm_bytes(&tpm->root_certificate) },
		.certificate_count = 2,
	};
	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i++)
		if ((quote->selected >> i & 1) != 0)
			out->pcrs[i] = quote->pcrs[i];
}
