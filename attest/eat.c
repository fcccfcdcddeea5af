/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/eat.h"

#define TAG_CWT 61
#define TAG_UCCS 601 /* unsigned */

enum label {
	LABEL_EXPIRES = 4,
	LABEL_NOT_BEFORE = 5,
	LABEL_ISSUED = 6,
	LABEL_KEY = 8,
	LABEL_NONCE = 10,
	LABEL_UEID = 256,
	LABEL_OEMID = 258,
	LABEL_HWMODEL = 259,
	LABEL_DEBUG = 263,
	LABEL_PROFILE = 265,
	LABEL_SUBMODS = 266,
	LABEL_MEASUREMENTS = 273,
};

#define OEMID_IEEE_BYTES 3
#define OEMID_RANDOM_BYTES 16

/* How long a claim of bytes may be. */
struct range {
	size_t least, most;
};

static const struct range nonce_range = { 8, 64 };
static const struct range ueid_range = { 7, 33 };
static const struct range hwmodel_range = { 1, 32 };

static enum err read_bytes(const struct cbor_item *item, struct range range,
			   struct bytes *out)
{
	if (item->kind != CBOR_ITEM_BYTES || item->content.len < range.least ||
	    item->content.len > range.most)
		return ERR_MALFORMED;
	*out = item->content;
	return ERR_OK;
}

static enum err read_some_bytes(const struct cbor_item_map *claims,
				enum label label, struct range range,
				struct bytes *out)
{
	struct cbor_item item;

	if (!cbor_item_find(claims, label, &item))
		return ERR_OK;
	return read_bytes(&item, range, out);
}

/* One, or an array of at least two. */
static enum err read_nonces(struct eat *eat)
{
	struct cbor_item item;
	struct cbor_item one;

	if (!cbor_item_find(&eat->claims, LABEL_NONCE, &item))
		return ERR_OK;
	if (item.kind != CBOR_ITEM_ARRAY) {
		eat->nonce_count = 1;
		return read_bytes(&item, nonce_range, &eat->nonces[0]);
	}
	if (item.number < 2)
		return ERR_MALFORMED;
	if (item.number > EAT_NONCES_MAX)
		return ERR_TOO_LARGE;
	for (; item.content.len > 0; eat->nonce_count++) {
		TRY(cbor_item_take(&item.content, &one));
		TRY(read_bytes(&one, nonce_range,
			       &eat->nonces[eat->nonce_count]));
	}
	return ERR_OK;
}

/* A number of IANA's, an OUI of IEEE's, or bytes drawn at random. */
static enum err read_oemid(struct eat *eat)
{
	struct cbor_item item;

	if (!cbor_item_find(&eat->claims, LABEL_OEMID, &item))
		return ERR_OK;
	if (item.kind == CBOR_ITEM_UNSIGNED) {
		eat->oemid = item.encoding;
		return ERR_OK;
	}
	if (item.kind != CBOR_ITEM_BYTES || (item.number != OEMID_IEEE_BYTES &&
					     item.number != OEMID_RANDOM_BYTES))
		return ERR_MALFORMED;
	eat->oemid = item.content;
	return ERR_OK;
}

static enum err read_debug(struct eat *eat)
{
	struct cbor_item item;

	eat->debug = EAT_DEBUG_UNSAID;
	if (!cbor_item_find(&eat->claims, LABEL_DEBUG, &item))
		return ERR_OK;
	if (item.kind != CBOR_ITEM_UNSIGNED || item.number >= EAT_DEBUG_UNSAID)
		return ERR_MALFORMED;
	eat->debug = (enum eat_debug)item.number;
	return ERR_OK;
}

static enum err read_profile(struct eat *eat)
{
	struct cbor_item item;

	if (!cbor_item_find(&eat->claims, LABEL_PROFILE, &item))
		return ERR_OK;
	if ((item.kind != CBOR_ITEM_TEXT && item.kind != CBOR_ITEM_BYTES) ||
	    item.content.len == 0)
		return ERR_MALFORMED;
	eat->profile = item.content;
	return ERR_OK;
}

/* Each is claims of its own, a token in bytes or text, or a digest of one. */
static enum err read_submods(struct eat *eat)
{
	struct cbor_item item;
	struct bytes rest;

	if (!cbor_item_find(&eat->claims, LABEL_SUBMODS, &item))
		return ERR_OK;
	TRY(cbor_item_map(&item, &eat->submods));
	rest = eat->submods.pairs;
	while (rest.len > 0) {
		TRY(cbor_item_take_kind(&rest, CBOR_ITEM_TEXT, &item));
		TRY(cbor_item_take(&rest, &item));
		if (item.kind != CBOR_ITEM_MAP &&
		    item.kind != CBOR_ITEM_BYTES &&
		    item.kind != CBOR_ITEM_TEXT && item.kind != CBOR_ITEM_ARRAY)
			return ERR_MALFORMED;
	}
	return ERR_OK;
}

/* Pairs of a content format (RFC 7252, 12.3) and bytes of it. */
static enum err read_measurements(struct eat *eat)
{
	struct cbor_item item;
	struct cbor_item pair;
	struct cbor_item part;
	struct bytes rest;

	if (!cbor_item_find(&eat->claims, LABEL_MEASUREMENTS, &item))
		return ERR_OK;
	if (item.kind != CBOR_ITEM_ARRAY || item.number == 0)
		return ERR_MALFORMED;
	rest = item.content;
	while (rest.len > 0) {
		TRY(cbor_item_take_kind(&rest, CBOR_ITEM_ARRAY, &pair));
		if (pair.number != 2)
			return ERR_MALFORMED;
		TRY(cbor_item_take_kind(&pair.content, CBOR_ITEM_UNSIGNED,
					&part));
		TRY(cbor_item_take_kind(&pair.content, CBOR_ITEM_BYTES, &part));
	}
	eat->measurements = item.encoding;
	return ERR_OK;
}

static enum err read_key(struct eat *eat)
{
	struct cbor_item item;
	struct cbor_item_map map;

	if (!cbor_item_find(&eat->claims, LABEL_KEY, &item))
		return ERR_OK;
	TRY(cbor_item_map(&item, &map));
	eat->key = item.encoding;
	return ERR_OK;
}

/* Whole seconds; RFC 9711, 4.3.1, has no fractions. */
static enum err read_time(const struct cbor_item_map *claims, enum label label,
			  uint64_t *out)
{
	struct cbor_item item;

	if (!cbor_item_find(claims, label, &item))
		return ERR_OK;
	if (item.kind != CBOR_ITEM_UNSIGNED || item.number == 0)
		return ERR_MALFORMED;
	*out = item.number;
	return ERR_OK;
}

enum err eat_read(struct bytes in, struct eat *out)
{
	struct eat found = { 0 };
	struct cbor_item item;

	TRY(cbor_item_parse(in, &item));
	TRY(cbor_item_map(&item, &found.claims));
	TRY(read_time(&found.claims, LABEL_EXPIRES, &found.expires));
	TRY(read_time(&found.claims, LABEL_NOT_BEFORE, &found.not_before));
	TRY(read_time(&found.claims, LABEL_ISSUED, &found.issued));
	TRY(read_nonces(&found));
	TRY(read_some_bytes(&found.claims, LABEL_UEID, ueid_range,
			    &found.ueid));
	TRY(read_oemid(&found));
	TRY(read_some_bytes(&found.claims, LABEL_HWMODEL, hwmodel_range,
			    &found.hwmodel));
	TRY(read_debug(&found));
	TRY(read_profile(&found));
	TRY(read_submods(&found));
	TRY(read_measurements(&found));
	TRY(read_key(&found));
	*out = found;
	return ERR_OK;
}

/* The tag of a CWT may stand in front of that of COSE (RFC 8392, 6). */
static enum err open_tag(struct bytes token, struct bytes *out)
{
	struct cbor_item item;

	TRY(cbor_item_parse(token, &item));
	if (item.kind == CBOR_ITEM_TAG && item.number == TAG_UCCS)
		return ERR_UNSUPPORTED;
	*out = item.kind == CBOR_ITEM_TAG && item.number == TAG_CWT
		       ? item.content
		       : token;
	return ERR_OK;
}

enum err eat_open(struct bytes token, const struct signature_key *key,
		  uint64_t now, struct eat *out)
{
	struct cose_sign1 message;
	struct bytes inner;
	struct eat found;

	TRY(open_tag(token, &inner));
	TRY(cose_sign1_parse(inner, COSE_TAG_NEEDED, &message));
	TRY(cose_sign1_check(&message, key, (struct bytes){ NULL, 0 }));
	TRY(eat_read(message.payload, &found));
	if (found.issued > now || found.not_before > now ||
	    (found.expires != 0 && found.expires <= now))
		return ERR_EXPIRED;
	*out = found;
	return ERR_OK;
}

bool eat_has_nonce(const struct eat *eat, struct bytes nonce)
{
	for (size_t i = 0; i < eat->nonce_count; i++)
		if (bytes_equal(eat->nonces[i], nonce))
			return true;
	return false;
}
