/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/secret.h"

#define SECURITY_LEVEL 2 /* 112 bits: RSA 2048, no SHA-1 */

enum err certificate_parse(struct bytes der, struct certificate *out)
{
	const unsigned char *at = der.data;
	X509 *x509;

	if (der.len == 0)
		return ERR_MALFORMED;
	if (der.len > CERTIFICATE_BYTES_MAX)
		return ERR_TOO_LARGE;
	x509 = d2i_X509(NULL, &at, (long)der.len);
	if (x509 == NULL || at != der.data + der.len) {
		X509_free(x509);
		return ERR_MALFORMED;
	}
	out->x509 = x509;
	return ERR_OK;
}

void certificate_close(struct certificate *certificate)
{
	X509_free(certificate->x509);
	certificate->x509 = NULL;
}

enum err certificate_chain_add(struct certificate_chain *chain,
			       struct bytes der)
{
	if (chain->count == CERTIFICATE_CHAIN_MAX)
		return ERR_TOO_LARGE;
	TRY(certificate_parse(der, &chain->list[chain->count]));
	chain->count++;
	return ERR_OK;
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

static bool is_padding(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != 0 && text.data[i] != '\n' &&
		    text.data[i] != '\r' && text.data[i] != ' ')
			return false;
	return true;
}

static enum err add_next_pem(BIO *in, struct certificate_chain *chain)
{
	unsigned char *data = NULL;
	char *name = NULL;
	char *header = NULL;
	long len = 0;
	enum err err = ERR_MALFORMED;

	if (PEM_read_bio(in, &name, &header, &data, &len) == 1 &&
	    strcmp(name, PEM_STRING_X509) == 0)
		err = certificate_chain_add(
			chain, (struct bytes){ data, (size_t)len });
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	return err;
}

/* What is left between the last certificate and the end has to be nothing. */
enum err certificate_chain_add_pem(struct certificate_chain *chain,
				   struct bytes pem)
{
	SCOPED_WIPE(free_bio) BIO *in = NULL;

	if (pem.len > CERTIFICATE_CHAIN_MAX * CERTIFICATE_BYTES_MAX)
		return ERR_TOO_LARGE;
	if (is_padding(pem))
		return ERR_MALFORMED;
	in = BIO_new_mem_buf(pem.data, (int)pem.len);
	invariant(in != NULL);
	for (;;) {
		char *rest = NULL;
		long left = BIO_get_mem_data(in, &rest);

		if (is_padding((struct bytes){ (const uint8_t *)rest,
					       (size_t)left }))
			return ERR_OK;
		TRY(add_next_pem(in, chain));
	}
}

void certificate_chain_close(struct certificate_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		certificate_close(&chain->list[i]);
	chain->count = 0;
}

enum err certificate_key(const struct certificate *certificate,
			 struct signature_key *out)
{
	EVP_PKEY *key = X509_get_pubkey(certificate->x509);

	if (key == NULL)
		return ERR_UNSUPPORTED;
	out->key = key;
	return ERR_OK;
}

void certificate_root_of(const struct certificate *certificate,
			 struct certificate_root *out)
{
	unsigned char *der = NULL;
	int len =
		i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->x509), &der);

	invariant(len > 0);
	hash_sha256((struct bytes){ der, (size_t)len }, out->digest);
	OPENSSL_free(der);
}

static bool is_trusted(const struct certificate *certificate,
		       const struct certificate_trust *trust)
{
	struct certificate_root root;

	certificate_root_of(certificate, &root);
	for (size_t i = 0; i < trust->root_count; i++)
		if (memcmp(root.digest, trust->roots[i].digest,
			   sizeof(root.digest)) == 0)
			return true;
	return false;
}

/* What OpenSSL needs for one question, and its answers. */
struct question {
	X509_STORE *store;
	X509_STORE_CTX *context;
	STACK_OF(X509) * others; /* borrows the chain's */
	bool is_out_of_time;
};

static void close_question(struct question *question)
{
	X509_STORE_CTX_free(question->context);
	X509_STORE_free(question->store);
	sk_X509_free(question->others);
}

/* Time is told from forgery: the one is mended by asking again. */
static int on_finding(int good, X509_STORE_CTX *context)
{
	struct question *question = X509_STORE_CTX_get_app_data(context);
	int error = X509_STORE_CTX_get_error(context);

	if (good == 0 && (error == X509_V_ERR_CERT_HAS_EXPIRED ||
			  error == X509_V_ERR_CERT_NOT_YET_VALID)) {
		question->is_out_of_time = true;
		return 1;
	}
	return good;
}

static void prepare(struct question *question,
		    const struct certificate_chain *chain,
		    const struct certificate_trust *trust)
{
	X509_VERIFY_PARAM *parameters;
	int done;

	question->store = X509_STORE_new();
	question->context = X509_STORE_CTX_new();
	question->others = sk_X509_new_null();
	invariant(question->store != NULL && question->context != NULL &&
		  question->others != NULL);
	for (size_t i = 0; i < chain->count; i++) {
		X509 *one = chain->list[i].x509;

		done = is_trusted(&chain->list[i], trust)
			       ? X509_STORE_add_cert(question->store, one)
			       : sk_X509_push(question->others, one);
		invariant(done > 0);
	}
	done = X509_STORE_CTX_init(question->context, question->store,
				   chain->list[0].x509, question->others);
	invariant(done == 1);
	done = X509_STORE_CTX_set_app_data(question->context, question);
	invariant(done == 1);
	X509_STORE_CTX_set_verify_cb(question->context, on_finding);
	parameters = X509_STORE_CTX_get0_param(question->context);
	X509_VERIFY_PARAM_set_time(parameters, (time_t)trust->now);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_depth(parameters, CERTIFICATE_CHAIN_MAX);
	/* A root is trusted for its key; what else it says, it has to sign. */
	done = X509_VERIFY_PARAM_set_flags(parameters,
					   X509_V_FLAG_CHECK_SS_SIGNATURE);
	invariant(done == 1);
}

/* A list of revoked certificates, opened. */
static X509_CRL *parse_list(struct bytes der)
{
	const unsigned char *at = der.data;
	X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)der.len);

	if (list != NULL && at != der.data + der.len) {
		X509_CRL_free(list);
		return NULL;
	}
	return list;
}

/* The time given is not between the two, or there is no second. */
static bool is_stale(const X509_CRL *list, uint64_t now)
{
	time_t at = (time_t)now;
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);

	return next == NULL || X509_cmp_time(next, &at) <= 0 ||
	       X509_cmp_time(X509_CRL_get0_lastUpdate(list), &at) >= 0;
}

static enum err read_list(X509_CRL *list, X509 *issued, X509 *issuer,
			  uint64_t now)
{
	X509_REVOKED *entry = NULL;

	if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
		return ERR_UNAUTHENTIC;
	if (X509_CRL_get0_by_cert(list, &entry, issued) != 0)
		return ERR_DENIED;
	return is_stale(list, now) ? ERR_EXPIRED : ERR_OK;
}

/* One link of the chain against the lists of its issuer. */
static enum err check_link(X509 *issued, X509 *issuer,
			   const struct certificate_trust *trust)
{
	bool found = false;

	for (size_t i = 0; i < trust->crl_count; i++) {
		X509_CRL *list = parse_list(trust->crls[i]);
		enum err err = ERR_OK;

		if (list == NULL)
			return ERR_MALFORMED;
		if (X509_NAME_cmp(X509_CRL_get_issuer(list),
				  X509_get_subject_name(issuer)) == 0) {
			found = true;
			err = read_list(list, issued, issuer, trust->now);
		}
		X509_CRL_free(list);
		TRY(err);
	}
	return found || trust->revocation == CERTIFICATE_REVOCATION_GIVEN
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

/* Revoked is worse than stale, so every link is looked at. */
static enum err check_links(X509_STORE_CTX *context,
			    const struct certificate_trust *trust)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
	enum err worst = ERR_OK;

	for (int i = 0; i + 1 < sk_X509_num(path); i++) {
		enum err err = check_link(sk_X509_value(path, i),
					  sk_X509_value(path, i + 1), trust);

		if (err != ERR_OK && err != ERR_EXPIRED)
			return err;
		if (err != ERR_OK)
			worst = err;
	}
	return worst;
}

enum err certificate_chain_verify(const struct certificate_chain *chain,
				  const struct certificate_trust *trust)
{
	SCOPED_WIPE(close_question) struct question question = { 0 };

	if (chain->count == 0)
		return ERR_UNAUTHENTIC;
	if (trust->now > INT64_MAX)
		return ERR_EXPIRED;
	prepare(&question, chain, trust);
	if (X509_verify_cert(question.context) != 1)
		return ERR_UNAUTHENTIC;
	TRY(check_links(question.context, trust));
	return question.is_out_of_time ? ERR_EXPIRED : ERR_OK;
}

enum err certificate_extension(const struct certificate *certificate,
			       const char *oid, struct bytes *out)
{
	const X509 *x509 = certificate->x509;
	ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *value;
	int at;
	bool twice;

	invariant(wanted != NULL);
	at = X509_get_ext_by_OBJ(x509, wanted, -1);
	twice = at >= 0 && X509_get_ext_by_OBJ(x509, wanted, at) >= 0;
	ASN1_OBJECT_free(wanted);
	if (at < 0)
		return ERR_UNSUPPORTED;
	if (twice)
		return ERR_MALFORMED;
	value = X509_EXTENSION_get_data(X509_get_ext(x509, at));
	*out = (struct bytes){ ASN1_STRING_get0_data(value),
			       (size_t)ASN1_STRING_length(value) };
	return ERR_OK;
}

static bool is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return text.len > 0;
}

enum err certificate_common_name(const struct certificate *certificate,
				 enum certificate_party party,
				 char name[static CERTIFICATE_NAME_MAX])
{
	const X509_NAME *parts =
		party == CERTIFICATE_SUBJECT
			? X509_get_subject_name(certificate->x509)
			: X509_get_issuer_name(certificate->x509);
	int at = X509_NAME_get_index_by_NID(parts, NID_commonName, -1);
	const ASN1_STRING *value;
	struct bytes text;

	if (at < 0 ||
	    X509_NAME_get_index_by_NID(parts, NID_commonName, at) >= 0)
		return ERR_MALFORMED;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(parts, at));
	text = (struct bytes){ ASN1_STRING_get0_data(value),
			       (size_t)ASN1_STRING_length(value) };
	if (text.len >= CERTIFICATE_NAME_MAX || !is_plain(text))
		return ERR_MALFORMED;
	memcpy(name, text.data, text.len);
	name[text.len] = '\0';
	return ERR_OK;
}

static enum err unix_time(const ASN1_TIME *time, uint64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0;
	int seconds = 0;
	int done;

	invariant(epoch != NULL);
	done = ASN1_TIME_diff(&days, &seconds, epoch, time);
	ASN1_TIME_free(epoch);
	if (done != 1 || days < 0 || seconds < 0)
		return ERR_MALFORMED;
	*out = (uint64_t)days * 86400 + (uint64_t)seconds;
	return ERR_OK;
}

enum err certificate_validity(const struct certificate *certificate,
			      uint64_t *not_before, uint64_t *not_after)
{
	uint64_t begin;

	TRY(unix_time(X509_get0_notBefore(certificate->x509), &begin));
	TRY(unix_time(X509_get0_notAfter(certificate->x509), not_after));
	*not_before = begin;
	return ERR_OK;
}
