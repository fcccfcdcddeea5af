/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tpm_quote.h"

#include <string.h>

#define GENERATED 0xff544347u /* TPM_GENERATED_VALUE: ff "TCG" */
#define NAME_MAX (2 + HASH_BYTES_MAX)
#define SELECT_BYTES 3 /* of 24 PCRs */

/* A name or qualified name: an algorithm and its digest, or a bare handle. */
static enum err take_name(struct bytes *in, struct bytes *out)
{
	TRY(tpm_public_take_sized(in, out));
	return out->len > NAME_MAX ? ERR_MALFORMED : ERR_OK;
}

static enum err take_clock(struct bytes *in, struct tpm_quote *out)
{
	TRY(bytes_take_u64(in, &out->clock_ms));
	TRY(bytes_take_u32(in, &out->reset_count));
	TRY(bytes_take_u32(in, &out->restart_count));
	TRY(bytes_take_u8(in, &out->safe));
	if (out->safe > 1)
		return ERR_MALFORMED;
	return bytes_take_u64(in, &out->firmware);
}

/* One bank is all that a digest can be told apart by. */
static enum err take_selection(struct bytes *in, struct tpm_quote *out)
{
	uint32_t count;
	uint16_t hash;
	uint8_t size;
	uint8_t bitmap[SELECT_BYTES];

	TRY(bytes_take_u32(in, &count));
	if (count != 1)
		return ERR_UNSUPPORTED;
	TRY(bytes_take_u16(in, &hash));
	TRY(tpm_public_hash(hash, &out->bank));
	TRY(bytes_take_u8(in, &size));
	if (size != sizeof(bitmap))
		return ERR_UNSUPPORTED;
	TRY(bytes_take_into(in, bitmap, sizeof(bitmap)));
	for (size_t i = 0; i < sizeof(bitmap); i++)
		out->selected |= (uint32_t)bitmap[i] << 8 * i;
	return ERR_OK;
}

static enum err take_attested(struct bytes *in, struct tpm_quote *out)
{
	if (out->type == TPM_QUOTE_CERTIFY) {
		TRY(take_name(in, &out->name));
		return take_name(in, &out->qualified_name);
	}
	TRY(take_selection(in, out));
	TRY(tpm_public_take_sized(in, &out->digest));
	return out->digest.len > HASH_BYTES_MAX ? ERR_MALFORMED : ERR_OK;
}

enum err tpm_quote_parse(struct bytes in, struct tpm_quote *out)
{
	struct tpm_quote found = { 0 };
	uint32_t magic;
	uint16_t type;

	TRY(bytes_take_u32(&in, &magic));
	if (magic != GENERATED)
		return ERR_UNAUTHENTIC;
	TRY(bytes_take_u16(&in, &type));
	if (type != TPM_QUOTE_QUOTE && type != TPM_QUOTE_CERTIFY)
		return ERR_UNSUPPORTED;
	found.type = (enum tpm_quote_type)type;
	TRY(take_name(&in, &found.signer));
	TRY(tpm_public_take_sized(&in, &found.data));
	if (found.data.len > TPM_QUOTE_DATA_MAX)
		return ERR_MALFORMED;
	TRY(take_clock(&in, &found));
	TRY(take_attested(&in, &found));
	TRY(bytes_expect_end(&in));
	*out = found;
	return ERR_OK;
}

enum err tpm_quote_check_values(const struct tpm_quote *quote,
				enum hash_algorithm hash,
				const struct tpm_quote_values *values)
{
	uint8_t memory[TPM_QUOTE_PCRS * HASH_BYTES_MAX];
	struct writer all = WRITER_OVER(memory);
	uint8_t digest[HASH_BYTES_MAX];
	uint32_t given = 0;

	for (size_t i = 0; i < TPM_QUOTE_PCRS; i++) {
		struct bytes one = { values->pcrs[i],
				     hash_bytes(values->bank) };

		if (one.data == NULL)
			continue;
		given |= 1u << i;
		TRY(bytes_put(&all, one));
	}
	if (quote->type != TPM_QUOTE_QUOTE || quote->bank != values->bank ||
	    given == 0 || quote->selected != given)
		return ERR_DENIED;
	hash_digest(hash, bytes_written(&all), digest);
	return bytes_equal(quote->digest,
			   (struct bytes){ digest, hash_bytes(hash) })
		       ? ERR_OK
		       : ERR_UNAUTHENTIC;
}

enum err tpm_quote_check(const struct tpm_quote_claim *claim,
			 struct tpm_quote *out)
{
	struct tpm_quote found;

	TRY(tpm_public_expect_ak(claim->key));
	TRY(tpm_quote_parse(claim->attest, &found));
	TRY(tpm_public_verify(claim->key, claim->attest, claim->signature));
	if (!bytes_equal(found.data, claim->data))
		return ERR_UNAUTHENTIC;
	TRY(tpm_quote_check_values(&found, claim->key->signing.hash,
				   &claim->values));
	*out = found;
	return ERR_OK;
}

/* TPM_RH_OWNER, _NULL, _ENDORSEMENT, _PLATFORM. */
static const uint32_t hierarchies[] = { 0x40000001, 0x40000007, 0x4000000b,
					0x4000000c };

bool tpm_quote_is_by_primary(const struct tpm_quote *quote,
			     const struct tpm_public_name *name)
{
	size_t digest_bytes = name->len - 2;
	enum hash_algorithm hash = digest_bytes == hash_bytes(HASH_SHA256)
					   ? HASH_SHA256
					   : HASH_SHA384;

	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies);
	     i++) {
		uint8_t memory[4 + TPM_PUBLIC_NAME_MAX];
		uint8_t qualified[TPM_PUBLIC_NAME_MAX];
		struct writer in = WRITER_OVER(memory);

		invariant(bytes_put_u32(&in, hierarchies[i]) == ERR_OK &&
			  bytes_put(&in,
				    (struct bytes){ name->bytes, name->len }) ==
				  ERR_OK);
		memcpy(qualified, name->bytes, 2);
		hash_digest(hash, bytes_written(&in), qualified + 2);
		if (bytes_equal(quote->signer,
				(struct bytes){ qualified, name->len }))
			return true;
	}
	return false;
}
