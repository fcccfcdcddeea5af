/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/psa.h"

#include <string.h>

enum label {
	LABEL_CLIENT = 2394,
	LABEL_LIFE = 2395,
	LABEL_IMPLEMENTATION = 2396,
	LABEL_BOOT_SEED = 2397,
	LABEL_PARTS = 2399,
};

enum part_label {
	PART_TYPE = 1,
	PART_VALUE = 2,
	PART_VERSION = 4,
	PART_SIGNER = 5,
};

#define IMPLEMENTATION_BYTES 32
#define INSTANCE_BYTES 33
#define INSTANCE_KIND 0x01
#define BOOT_SEED_LEAST 8
#define BOOT_SEED_MOST 32

/* RFC 9783, 4.5.2, and the draft that chips in the field still follow. */
static const char *const profiles[] = { "tag:psacertified.org,2023:psa#tfm",
					"http://arm.com/psa/2.0.0" };

static bool is_profile(struct bytes profile)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (bytes_equal(profile, bytes_of_string(profiles[i])))
			return true;
	return false;
}

static bool is_hash(size_t len)
{
	return len == 32 || len == 48 || len == 64;
}

static enum err read_kind(const struct cbor_item_map *map, int64_t label,
			  enum cbor_item_kind kind, struct bytes *out)
{
	struct cbor_item item;

	if (!cbor_item_find(map, label, &item))
		return ERR_OK;
	if (item.kind != kind)
		return ERR_MALFORMED;
	*out = item.content;
	return ERR_OK;
}

static enum err read_part(const struct cbor_item *item, struct psa_part *out)
{
	struct cbor_item_map map;

	TRY(cbor_item_map(item, &map));
	TRY(read_kind(&map, PART_TYPE, CBOR_ITEM_TEXT, &out->type));
	TRY(read_kind(&map, PART_VERSION, CBOR_ITEM_TEXT, &out->version));
	TRY(read_kind(&map, PART_VALUE, CBOR_ITEM_BYTES, &out->value));
	TRY(read_kind(&map, PART_SIGNER, CBOR_ITEM_BYTES, &out->signer));
	return is_hash(out->value.len) && is_hash(out->signer.len)
		       ? ERR_OK
		       : ERR_MALFORMED;
}

static enum err read_parts(struct psa_token *token)
{
	struct cbor_item list;
	struct cbor_item item;

	if (!cbor_item_find(&token->eat.claims, LABEL_PARTS, &list) ||
	    list.kind != CBOR_ITEM_ARRAY || list.number == 0)
		return ERR_MALFORMED;
	if (list.number > PSA_PARTS_MAX)
		return ERR_TOO_LARGE;
	for (; list.content.len > 0; token->part_count++) {
		TRY(cbor_item_take(&list.content, &item));
		TRY(read_part(&item, &token->parts[token->part_count]));
	}
	return ERR_OK;
}

static enum err read_numbers(struct psa_token *token)
{
	struct cbor_item item;

	if (!cbor_item_find(&token->eat.claims, LABEL_CLIENT, &item))
		return ERR_MALFORMED;
	TRY(cbor_item_integer(&item, &token->client));
	if (!cbor_item_find(&token->eat.claims, LABEL_LIFE, &item) ||
	    item.kind != CBOR_ITEM_UNSIGNED || item.number > UINT16_MAX)
		return ERR_MALFORMED;
	token->life = (uint16_t)item.number;
	return ERR_OK;
}

enum err psa_read(const struct eat *eat, struct psa_token *out)
{
	struct psa_token found = { .eat = *eat };

	if (!is_profile(eat->profile) || eat->nonce_count != 1 ||
	    !is_hash(eat->nonces[0].len) || eat->ueid.len != INSTANCE_BYTES ||
	    eat->ueid.data[0] != INSTANCE_KIND)
		return ERR_MALFORMED;
	TRY(read_numbers(&found));
	TRY(read_kind(&eat->claims, LABEL_IMPLEMENTATION, CBOR_ITEM_BYTES,
		      &found.implementation));
	TRY(read_kind(&eat->claims, LABEL_BOOT_SEED, CBOR_ITEM_BYTES,
		      &found.boot_seed));
	if (found.implementation.len != IMPLEMENTATION_BYTES ||
	    (found.boot_seed.len != 0 &&
	     (found.boot_seed.len < BOOT_SEED_LEAST ||
	      found.boot_seed.len > BOOT_SEED_MOST)))
		return ERR_MALFORMED;
	TRY(read_parts(&found));
	*out = found;
	return ERR_OK;
}

static void judge_life(const struct psa_token *token, struct appraisal *out)
{
	if (token->life >> 8 == PSA_LIFE_SECURED)
		appraisal_pass(out, APPRAISAL_GUEST,
			       "The root of trust says that it is secured.");
	else
		appraisal_fail(
			out, APPRAISAL_GUEST,
			"The root of trust is in state %04x of its life, "
			"not secured.",
			(unsigned)token->life);
}

static void judge_claims(const struct psa_token *token,
			 const struct appraisal_policy *policy,
			 struct appraisal *out)
{
	out->report_data = token->eat.nonces[0];
	out->chip.len = token->eat.ueid.len;
	memcpy(out->chip.id, token->eat.ueid.data, token->eat.ueid.len);
	out->valid_until = token->eat.expires;
	judge_life(token, out);
	appraisal_judge_chip(out, policy);
	appraisal_judge_registers(out, policy);
}

void psa_appraise(struct bytes token, const struct signature_key *key,
		  const struct appraisal_policy *policy, struct appraisal *out)
{
	struct psa_token found;
	struct eat eat;
	enum err err = eat_open(token, key, policy->now, &eat);

	appraisal_begin(out);
	if (err == ERR_UNAUTHENTIC) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The key given did not sign this token.");
		return;
	}
	if (err == ERR_EXPIRED) {
		appraisal_fail(out, APPRAISAL_SIGNATURE,
			       "The token is not valid at the time asked for.");
		return;
	}
	if (err == ERR_OK)
		err = psa_read(&eat, &found);
	if (err != ERR_OK) {
		appraisal_fail(out, APPRAISAL_FORMAT,
			       "These bytes are no token of a PSA root of "
			       "trust: %s.",
			       err_name(err));
		return;
	}
	appraisal_pass(out, APPRAISAL_FORMAT,
		       "A token of a PSA root of trust, of %zu parts.",
		       found.part_count);
	appraisal_pass(out, APPRAISAL_SIGNATURE,
		       "The key given signed this token.");
	judge_claims(&found, policy, out);
}
