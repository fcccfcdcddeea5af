/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/certificate_list.h"
#include "crypto/certificate_pem.h"

#define SECURITY_LEVEL 2 /* 112 bits: RSA 2048, no SHA-1 */

/* The last second that a certificate can name: 9999-12-31, 23:59:59. */
#define TIME_MAX 253402300799

enum err certificate_chain_add(struct certificate_chain *chain,
			       struct bytes der)
{
	if (chain->count == CERTIFICATE_CHAIN_MAX)
		return ERR_TOO_LARGE;
	TRY(certificate_parse(der, &chain->list[chain->count]));
	chain->count++;
	return ERR_OK;
}

enum err certificate_chain_add_pem(struct certificate_chain *chain,
				   struct bytes pem)
{
	uint8_t memory[CERTIFICATE_BYTES_MAX];

	if (certificate_pem_is_end(pem))
		return ERR_MALFORMED;
	do {
		struct writer der = WRITER_OVER(memory);

		TRY(certificate_pem_take(&pem, &der));
		TRY(certificate_chain_add(chain, bytes_written(&der)));
	} while (!certificate_pem_is_end(pem));
	return ERR_OK;
}

void certificate_chain_close(struct certificate_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		certificate_close(&chain->list[i]);
	chain->count = 0;
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
	/* Else OpenSSL believes whatever stands beside a root's key. */
	done = X509_VERIFY_PARAM_set_flags(parameters,
					   X509_V_FLAG_CHECK_SS_SIGNATURE);
	invariant(done == 1);
	X509_VERIFY_PARAM_set_time(parameters, (time_t)trust->now);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_depth(parameters, CERTIFICATE_CHAIN_MAX);
}

/* OpenSSL takes those for CAs, too, that are so by their key usage alone. */
static bool may_issue(X509 *issuer)
{
	return X509_check_ca(issuer) == 1 &&
	       (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0;
}

/* Revoked is worse than stale, so every link is looked at. */
static enum err check_links(X509_STORE_CTX *context,
			    const struct certificate_trust *trust)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
	enum err worst = ERR_OK;

	for (int i = 0; i + 1 < sk_X509_num(path); i++) {
		struct certificate issued = { sk_X509_value(path, i) };
		struct certificate issuer = { sk_X509_value(path, i + 1) };
		enum err err = may_issue(issuer.x509)
				       ? certificate_list_check(&issued,
								&issuer, trust)
				       : ERR_UNAUTHENTIC;

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
	struct certificate_trust sound = *trust;

	if (chain->count == 0)
		return ERR_UNAUTHENTIC;
	if (sound.now > TIME_MAX)
		sound.now = TIME_MAX;
	prepare(&question, chain, &sound);
	if (X509_verify_cert(question.context) != 1)
		return ERR_UNAUTHENTIC;
	TRY(check_links(question.context, &sound));
	return question.is_out_of_time ? ERR_EXPIRED : ERR_OK;
}

uint64_t certificate_chain_valid_until(const struct certificate_chain *chain)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < chain->count; i++) {
		uint64_t begin;
		uint64_t end;

		if (certificate_validity(&chain->list[i], &begin, &end) !=
		    ERR_OK)
			return 0;
		least = end < least ? end : least;
	}
	return least;
}
