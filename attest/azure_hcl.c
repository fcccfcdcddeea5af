/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/azure_hcl.h"

#include <jansson.h>
#include <string.h>

#include "attest/snp_report.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "wire/base64.h"

#define VERSION_MOST 2
#define TYPE_SNP 2
#define CLAIMS_VERSION 1
#define CLAIMS_HASH_SHA256 1
#define CLAIMS_HEADER_BYTES 20
#define CLAIMS_AT (0x20 + SNP_REPORT_BYTES + CLAIMS_HEADER_BYTES)
#define EXPONENT 65537
#define REPORT_DATA_BYTES 64

static enum err expect_u32(struct bytes *in, uint32_t value)
{
	uint32_t found;

	TRY(bytes_take_u32_le(in, &found));
	return found == value ? ERR_OK : ERR_MALFORMED;
}

static enum err expect_zeros(struct bytes *in, size_t len)
{
	struct bytes zeros;

	TRY(bytes_take(in, len, &zeros));
	return secret_is_zero(zeros.data, zeros.len) ? ERR_OK : ERR_MALFORMED;
}

/* 000 to 01f; the number has to agree with what follows. */
static enum err take_header(struct bytes *in, uint32_t *total)
{
	struct bytes magic;
	uint32_t version;
	uint32_t type;

	TRY(bytes_take(in, 4, &magic));
	if (!bytes_equal(magic, BYTES_LITERAL("HCLA")))
		return ERR_MALFORMED;
	TRY(bytes_take_u32_le(in, &version));
	if (version == 0 || version > VERSION_MOST)
		return ERR_UNSUPPORTED;
	TRY(bytes_take_u32_le(in, total));
	TRY(bytes_take_u32_le(in, &type));
	if (type != TYPE_SNP)
		return ERR_UNSUPPORTED;
	return expect_zeros(in, 16);
}

/* 4c0 to 4d3 */
static enum err take_claims_header(struct bytes *in, uint32_t *len)
{
	uint32_t total;
	uint32_t hash;

	TRY(bytes_take_u32_le(in, &total));
	TRY(expect_u32(in, CLAIMS_VERSION));
	TRY(expect_u32(in, TYPE_SNP));
	TRY(bytes_take_u32_le(in, &hash));
	if (hash != CLAIMS_HASH_SHA256)
		return ERR_UNSUPPORTED;
	TRY(bytes_take_u32_le(in, len));
	return *len <= AZURE_HCL_BYTES_MAX &&
			       total == *len + CLAIMS_HEADER_BYTES
		       ? ERR_OK
		       : ERR_MALFORMED;
}

static void drop(json_t **value)
{
	json_decref(*value);
}

static struct bytes text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct bytes){ (const uint8_t *)json_string_value(value),
			       json_string_length(value) };
}

/* The one key of this id; NULL for none or several. */
static const json_t *find_key(const json_t *claims)
{
	const json_t *keys = json_object_get(claims, "keys");
	const json_t *found = NULL;

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);

		if (!bytes_equal(text_of(key, "kid"),
				 BYTES_LITERAL("HCLAkPub")))
			continue;
		if (found != NULL)
			return NULL;
		found = key;
	}
	return found;
}

static enum err read_key(struct azure_hcl *out)
{
	SCOPED_WIPE(drop)
	json_t *claims =
		json_loadb((const char *)out->claims.data, out->claims.len,
			   JSON_REJECT_DUPLICATES, NULL);
	const json_t *key = find_key(claims);
	struct writer modulus = WRITER_OVER(out->modulus);

	if (key == NULL)
		return ERR_MALFORMED;
	if (!bytes_equal(text_of(key, "kty"), BYTES_LITERAL("RSA")) ||
	    !bytes_equal(text_of(key, "e"), BYTES_LITERAL("AQAB")))
		return ERR_UNSUPPORTED;
	TRY(base64_decode(text_of(key, "n"), &modulus));
	out->exponent = EXPONENT;
	return modulus.len == modulus.max && out->modulus[0] >= 0x80
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

enum err azure_hcl_parse(struct bytes in, struct azure_hcl *out)
{
	struct azure_hcl found;
	uint32_t total;
	uint32_t len;

	if (in.len > AZURE_HCL_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(take_header(&in, &total));
	TRY(bytes_take(&in, SNP_REPORT_BYTES, &found.report));
	TRY(take_claims_header(&in, &len));
	if (total != CLAIMS_AT + len)
		return ERR_MALFORMED;
	TRY(bytes_take(&in, len, &found.claims));
	TRY(expect_zeros(&in, in.len));
	TRY(read_key(&found));
	*out = found;
	return ERR_OK;
}

enum err azure_hcl_check(const struct azure_hcl *hcl, struct bytes report_data)
{
	uint8_t wanted[REPORT_DATA_BYTES] = { 0 };

	hash_sha256(hcl->claims, wanted);
	return bytes_equal(report_data, BYTES_ARRAY(wanted)) ? ERR_OK
							     : ERR_UNAUTHENTIC;
}
