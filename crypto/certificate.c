/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate.h"

#include <openssl/x509.h>
#include <string.h>

#include "wire/der.h"

#define EXTENSIONS_MAX 64
#define EXTENDED_KEY_USAGE "2.5.29.37"

/* RFC 5280, 4.2: one of each.  Two readers might look at different ones. */
static bool has_sound_extensions(const X509 *x509)
{
	int count = X509_get_ext_count(x509);

	if (count > EXTENSIONS_MAX)
		return false;
	for (int i = 0; i < count; i++) {
		const ASN1_OBJECT *name =
			X509_EXTENSION_get_object(X509_get_ext(x509, i));

		if (X509_get_ext_by_OBJ(x509, name, i) >= 0)
			return false;
	}
	return true;
}

enum err certificate_parse(struct bytes der, struct certificate *out)
{
	const unsigned char *at = der.data;
	X509 *x509;

	if (der.len == 0)
		return ERR_MALFORMED;
	if (der.len > CERTIFICATE_BYTES_MAX)
		return ERR_TOO_LARGE;
	x509 = d2i_X509(NULL, &at, (long)der.len);
	if (x509 == NULL || at != der.data + der.len ||
	    !has_sound_extensions(x509)) {
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

enum err certificate_extension(const struct certificate *certificate,
			       const char *oid, struct bytes *out)
{
	const X509 *x509 = certificate->x509;
	ASN1_OBJECT *wanted = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *value;
	int at;

	invariant(wanted != NULL);
	at = X509_get_ext_by_OBJ(x509, wanted, -1);
	ASN1_OBJECT_free(wanted);
	if (at < 0)
		return ERR_UNSUPPORTED;
	value = X509_EXTENSION_get_data(X509_get_ext(x509, at));
	*out = (struct bytes){ ASN1_STRING_get0_data(value),
			       (size_t)ASN1_STRING_length(value) };
	return ERR_OK;
}

bool certificate_is_for(const struct certificate *certificate,
			struct bytes purpose)
{
	struct bytes value;
	struct bytes list;
	struct bytes one;

	if (certificate_extension(certificate, EXTENDED_KEY_USAGE, &value) !=
		    ERR_OK ||
	    der_take(&value, DER_SEQUENCE, &list) != ERR_OK)
		return false;
	while (der_take(&list, DER_OID, &one) == ERR_OK)
		if (bytes_equal(one, purpose))
			return true;
	return false;
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
