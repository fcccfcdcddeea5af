/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/issuer.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/secret.h"

#define SERIAL_BYTES 16
#define YEAR_9999 253402300799u /* the last second that X.509 can say */

static void free_bio(BIO **bio)
{
	BIO_free_all(*bio);
}

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

/* A key that asks for a pass phrase is not one that we can open. */
static int no_phrase(char *buffer, int size, int is_writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)is_writing;
	(void)data;
	return -1;
}

static bool is_fit(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return bits >= SIGNATURE_RSA_BITS_LEAST &&
		       bits <= SIGNATURE_RSA_BITS_MOST;
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       (bits == 256 || bits == 384);
}

static enum err check(const struct issuer *issuer)
{
	if (issuer->key == NULL || issuer->certificate == NULL)
		return ERR_MALFORMED;
	if (!is_fit(issuer->key))
		return ERR_UNSUPPORTED;
	/* X509_check_ca() has more values than yes: of old and odd kinds. */
	return X509_check_private_key(issuer->certificate, issuer->key) == 1 &&
			       X509_check_ca(issuer->certificate) == 1
		       ? ERR_OK
		       : ERR_DENIED;
}

enum err issuer_open(struct bytes key_pem, struct bytes certificate_pem,
		     struct issuer *out)
{
	SCOPED_WIPE(issuer_close) struct issuer found = { NULL, NULL };
	SCOPED_WIPE(free_bio) BIO *key = NULL;
	SCOPED_WIPE(free_bio) BIO *certificate = NULL;

	if (key_pem.len == 0 || key_pem.len > CERTIFICATE_BYTES_MAX ||
	    certificate_pem.len == 0 ||
	    certificate_pem.len > CERTIFICATE_BYTES_MAX)
		return ERR_MALFORMED;
	key = BIO_new_mem_buf(key_pem.data, (int)key_pem.len);
	certificate =
		BIO_new_mem_buf(certificate_pem.data, (int)certificate_pem.len);
	invariant(key != NULL && certificate != NULL);
	found.key = PEM_read_bio_PrivateKey(key, NULL, no_phrase, NULL);
	found.certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	TRY(check(&found));
	*out = found;
	found = (struct issuer){ NULL, NULL };
	return ERR_OK;
}

void issuer_close(struct issuer *issuer)
{
	EVP_PKEY_free(issuer->key);
	X509_free(issuer->certificate);
	*issuer = (struct issuer){ NULL, NULL };
}

/* Whether no certificate of ours would outlive the authority's. */
static bool is_in_time(const struct issuer *issuer,
		       const struct issuer_order *order)
{
	struct certificate own = { issuer->certificate };
	uint64_t begin;
	uint64_t end;

	return certificate_validity(&own, &begin, &end) == ERR_OK &&
	       order->not_before >= begin &&
	       order->not_before < order->not_after &&
	       order->not_after <= end && order->not_after <= YEAR_9999;
}

static int set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	int done;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return 0;
	bytes[0] &= 0x7f; /* positive in as many bytes */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	done = number != NULL &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) !=
		       NULL;
	BN_free(number);
	return done;
}

static int set_names(X509 *certificate, X509 *issuer, const char *common_name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	return X509_set_issuer_name(certificate,
				    X509_get_subject_name(issuer)) == 1 &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
					  (const unsigned char *)common_name,
					  -1, -1, 0) == 1;
}

static int set_times(X509 *certificate, const struct issuer_order *order)
{
	return ASN1_TIME_set(X509_getm_notBefore(certificate),
			     (time_t)order->not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate),
			     (time_t)order->not_after) != NULL;
}

static int add_extension(X509 *certificate, X509 *issuer, int nid,
			 const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	int done;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	done = extension != NULL &&
	       X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

static int set_extensions(X509 *certificate, X509 *issuer, const char *usage)
{
	return add_extension(certificate, issuer, NID_basic_constraints,
			     "critical,CA:FALSE") &&
	       add_extension(certificate, issuer, NID_key_usage,
			     "critical,digitalSignature") &&
	       add_extension(certificate, issuer, NID_ext_key_usage, usage) &&
	       (X509_get0_subject_key_id(issuer) == NULL ||
		add_extension(certificate, issuer, NID_authority_key_identifier,
			      "keyid"));
}

static enum err put_der(X509 *certificate, struct writer *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	enum err err;

	invariant(len > 0);
	err = bytes_put(out, (struct bytes){ der, (size_t)len });
	OPENSSL_free(der);
	return err;
}

enum err issuer_sign(const struct issuer *issuer,
		     const struct issuer_order *order, struct writer *der)
{
	SCOPED_WIPE(free_certificate) X509 *certificate = X509_new();
	const EVP_MD *hash = EVP_PKEY_get_bits(issuer->key) == 384
				     ? EVP_sha384()
				     : EVP_sha256();
	int done;

	if (!is_in_time(issuer, order))
		return ERR_DENIED;
	invariant(strlen(order->common_name) < CERTIFICATE_NAME_MAX);
	invariant(certificate != NULL);
	done = X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       set_serial(certificate) &&
	       set_names(certificate, issuer->certificate,
			 order->common_name) &&
	       set_times(certificate, order) &&
	       X509_set_pubkey(certificate, order->key->key) == 1 &&
	       set_extensions(certificate, issuer->certificate, order->usage) &&
	       X509_sign(certificate, issuer->key, hash) > 0;
	invariant(done);
	return put_der(certificate, der);
}

enum err issuer_put_certificate(const struct issuer *issuer, struct writer *der)
{
	return put_der(issuer->certificate, der);
}
