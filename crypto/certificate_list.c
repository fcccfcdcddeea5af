/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_list.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/secret.h"

static void free_list(X509_CRL **list)
{
	X509_CRL_free(*list);
}

static enum err parse(struct bytes der, X509_CRL **out)
{
	const unsigned char *at = der.data;

	if (der.len > CERTIFICATE_LIST_BYTES_MAX)
		return ERR_TOO_LARGE;
	if (der.len == 0)
		return ERR_MALFORMED;
	*out = d2i_X509_CRL(NULL, &at, (long)der.len);
	return *out != NULL && at == der.data + der.len ? ERR_OK
							: ERR_MALFORMED;
}

static bool is_strong(int hash)
{
	return hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512;
}

/* The hash of RSA-PSS is a parameter; what is left out there means SHA-1. */
static int hash_of_pss(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *name;
	const void *value;
	RSA_PSS_PARAMS *parameters;
	int type;
	int hash = NID_sha1;

	X509_ALGOR_get0(&name, &type, &value, algorithm);
	if (type != V_ASN1_SEQUENCE)
		return NID_undef;
	parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	if (parameters == NULL)
		return NID_undef;
	if (parameters->hashAlgorithm != NULL) {
		X509_ALGOR_get0(&name, NULL, NULL, parameters->hashAlgorithm);
		hash = OBJ_obj2nid(name);
	}
	RSA_PSS_PARAMS_free(parameters);
	return hash;
}

/* OpenSSL asks for strength in certificates, and not in lists. */
static bool is_signed_strongly(const X509_CRL *list)
{
	const X509_ALGOR *algorithm;
	int hash;
	int key;

	X509_CRL_get0_signature(list, NULL, &algorithm);
	if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(list), &hash,
				&key) != 1)
		return false;
	if (key == NID_rsassaPss)
		return is_strong(hash_of_pss(algorithm));
	return is_strong(hash) || key == NID_ED25519;
}

/*
 * What is critical narrows what the list is of (RFC 5280, 5.2.4 and 5.2.5):
 * changes since another list, or certificates of one kind alone.
 */
static bool is_whole(const X509_CRL *list)
{
	for (int i = 0; i < X509_CRL_get_ext_count(list); i++)
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)))
			return false;
	return true;
}

static bool may_sign_lists(X509 *issuer)
{
	/* All bits where the certificate does not say. */
	return (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;
}

/* `now` is not between the two, or there is no second. */
static bool is_stale(const X509_CRL *list, uint64_t now)
{
	time_t at = (time_t)now;
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);

	return next == NULL || X509_cmp_time(next, &at) <= 0 ||
	       X509_cmp_time(X509_CRL_get0_lastUpdate(list), &at) >= 0;
}

/* A list that bears the issuer's name. */
static enum err read(X509_CRL *list, X509 *issued, X509 *issuer, uint64_t now)
{
	X509_REVOKED *entry = NULL;

	if (!may_sign_lists(issuer) || !is_signed_strongly(list) ||
	    X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
		return ERR_UNAUTHENTIC;
	if (!is_whole(list))
		return ERR_UNSUPPORTED;
	if (X509_CRL_get0_by_cert(list, &entry, issued) != 0)
		return ERR_DENIED;
	return is_stale(list, now) ? ERR_EXPIRED : ERR_OK;
}

enum err certificate_list_check(const struct certificate *issued,
				const struct certificate *issuer,
				const struct certificate_trust *trust)
{
	bool is_fresh = false;
	bool is_there = false;

	for (size_t i = 0; i < trust->crl_count; i++) {
		SCOPED_WIPE(free_list) X509_CRL *list = NULL;
		enum err err;

		TRY(parse(trust->crls[i], &list));
		if (X509_NAME_cmp(X509_CRL_get_issuer(list),
				  X509_get_subject_name(issuer->x509)) != 0)
			continue;
		err = read(list, issued->x509, issuer->x509, trust->now);
		if (err != ERR_OK && err != ERR_EXPIRED)
			return err;
		is_there = true;
		is_fresh = is_fresh || err == ERR_OK;
	}
	if (is_there)
		return is_fresh ? ERR_OK : ERR_EXPIRED;
	return trust->revocation == CERTIFICATE_REVOCATION_GIVEN
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}
