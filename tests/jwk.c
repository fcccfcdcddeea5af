/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/jwk.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <openssl/pem.h>
#include <string.h>

#include "tests/vector.h"
#include "wire/base64.h"

/* In front of an Ed448 key: SubjectPublicKeyInfo (RFC 8410, 4). */
#define ED448_SPKI "3043300506032b6571033a00"

struct bytes jwk_hex(const char *hex)
{
	char lower[8192];
	size_t len = strlen(hex);

	cr_assert_lt(len, sizeof(lower));
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)hex[i]);
	return vector_hex(lower);
}

/* A member, in base64url or, by another name, in hexadecimal. */
static struct bytes member(const json_t *jwk, const char *name)
{
	char other[16];
	uint8_t memory[1024];
	struct writer out = WRITER_OVER(memory);
	struct bytes found;

	snprintf(other, sizeof(other), "%s_hex", name);
	if (json_object_get(jwk, other) != NULL)
		return jwk_hex(vector_text(jwk, other));
	cr_assert_eq(
		base64_decode(bytes_of_string(vector_text(jwk, name)), &out),
		ERR_OK);
	found = bytes_written(&out);
	found.data = vector_copy(found);
	return found;
}

static void open_ec(const json_t *jwk, struct signature_key *out)
{
	static const char *const names[] = { "P-256", "P-384", "P-521" };
	size_t i = 0;

	while (i < 3 && strcmp(vector_text(jwk, "crv"), names[i]) != 0)
		i++;
	cr_assert_lt(i, 3);
	cr_assert_eq(signature_key_from_point((enum signature_curve)i,
					      member(jwk, "x"),
					      member(jwk, "y"), out),
		     ERR_OK);
}

static void open_ed448(struct bytes point, struct signature_key *out)
{
	uint8_t memory[128];
	struct writer spki = WRITER_OVER(memory);

	cr_assert_eq(bytes_put(&spki, vector_hex(ED448_SPKI)), ERR_OK);
	cr_assert_eq(bytes_put(&spki, point), ERR_OK);
	cr_assert_eq(signature_key_from_spki(bytes_written(&spki), out),
		     ERR_OK);
}

void jwk_open(const json_t *jwk, struct signature_key *out)
{
	const char *type = vector_text(jwk, "kty");

	if (strcmp(type, "EC") == 0) {
		open_ec(jwk, out);
	} else if (strcmp(type, "RSA") == 0) {
		cr_assert_str_eq(vector_text(jwk, "e"), "AQAB");
		cr_assert_eq(
			signature_key_from_rsa(member(jwk, "n"), 65537, out),
			ERR_OK);
	} else if (strcmp(vector_text(jwk, "crv"), "Ed448") == 0) {
		open_ed448(member(jwk, "x"), out);
	} else {
		cr_assert_eq(signature_key_from_ed25519(member(jwk, "x"), out),
			     ERR_OK);
	}
}

void jwk_open_pem(struct bytes text, struct signature_key *out)
{
	BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
	char *name = NULL;
	char *header = NULL;
	unsigned char *der = NULL;
	long len;

	cr_assert_eq(PEM_read_bio(in, &name, &header, &der, &len), 1);
	cr_assert_str_eq(name, "PUBLIC KEY");
	cr_assert_eq(signature_key_from_spki((struct bytes){ der, (size_t)len },
					     out),
		     ERR_OK);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(in);
}
