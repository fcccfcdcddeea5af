/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cose.h"

#include "wire/cbor.h"

#define TAG_SIGN1 18
#define PARTS 4
#define CONTEXT BYTES_LITERAL("Signature1")
#define NO_HEADERS BYTES_LITERAL("\xa0")

static const struct {
	enum cose_algorithm algorithm;
	struct signature_scheme scheme;
	enum signature_curve curve; /* SIGNATURE_CURVES: whichever the key is */
} algorithms[] = {
	{ COSE_ES256, { SIGNATURE_ECDSA, HASH_SHA256 }, SIGNATURE_CURVES },
	{ COSE_ES384, { SIGNATURE_ECDSA, HASH_SHA384 }, SIGNATURE_CURVES },
	{ COSE_ES512, { SIGNATURE_ECDSA, HASH_SHA512 }, SIGNATURE_CURVES },
	{ COSE_ESP256, { SIGNATURE_ECDSA, HASH_SHA256 }, SIGNATURE_P256 },
	{ COSE_ESP384, { SIGNATURE_ECDSA, HASH_SHA384 }, SIGNATURE_P384 },
	{ COSE_ESP512, { SIGNATURE_ECDSA, HASH_SHA512 }, SIGNATURE_P521 },
	{ COSE_PS256, { SIGNATURE_RSA_PSS, HASH_SHA256 }, SIGNATURE_CURVES },
	{ COSE_PS384, { SIGNATURE_RSA_PSS, HASH_SHA384 }, SIGNATURE_CURVES },
	{ COSE_PS512, { SIGNATURE_RSA_PSS, HASH_SHA512 }, SIGNATURE_CURVES },
	{ COSE_EDDSA, { SIGNATURE_ED25519, HASH_SHA512 }, SIGNATURE_CURVES },
	{ COSE_ED25519, { SIGNATURE_ED25519, HASH_SHA512 }, SIGNATURE_CURVES },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static enum err read_map(struct bytes in, struct cbor_item_map *out)
{
	struct cbor_item item;

	TRY(cbor_item_parse(in, &item));
	return cbor_item_map(&item, out);
}

/* An empty string of bytes is an empty map (RFC 9052, 3). */
static enum err read_protected(struct bytes in, struct cbor_item_map *out)
{
	if (in.len == 0) {
		*out = (struct cbor_item_map){ { NULL, 0 }, 0 };
		return ERR_OK;
	}
	return read_map(in, out);
}

/* Whether a label of `a` is one of `b`; both have each label once. */
static bool share_a_label(const struct cbor_item_map *a,
			  const struct cbor_item_map *b)
{
	struct bytes rest = a->pairs;
	struct cbor_item key;
	struct cbor_item value;

	while (rest.len > 0) {
		enum err err = cbor_item_take(&rest, &key);

		if (err == ERR_OK)
			err = cbor_item_take(&rest, &value);
		if (err != ERR_OK || cbor_item_find_key(b, &key, &value))
			return true;
	}
	return false;
}

static enum err read_headers(struct cose_sign1 *message)
{
	const struct cbor_item_map *headers = &message->protected_headers;
	struct cbor_item item;

	TRY(read_protected(message->protected_bytes,
			   &message->protected_headers));
	if (share_a_label(headers, &message->headers) ||
	    cbor_item_find(&message->headers, COSE_LABEL_CRITICAL, &item))
		return ERR_MALFORMED;
	if (cbor_item_find(headers, COSE_LABEL_CRITICAL, &item))
		return ERR_UNSUPPORTED;
	message->algorithm = COSE_NONE;
	if (!cbor_item_find(headers, COSE_LABEL_ALGORITHM, &item))
		return ERR_OK;
	if (item.kind == CBOR_ITEM_TEXT)
		return ERR_UNSUPPORTED;
	return cbor_item_integer(&item, &message->algorithm);
}

static enum err read_payload(const struct cbor_item *item,
			     struct cose_sign1 *message)
{
	message->payload = item->content;
	message->kind = COSE_PAYLOAD_ATTACHED;
	if (item->kind == CBOR_ITEM_BYTES)
		return ERR_OK;
	if (!cbor_item_is_null(item))
		return ERR_MALFORMED;
	message->payload = (struct bytes){ NULL, 0 };
	message->kind = COSE_PAYLOAD_DETACHED;
	return ERR_OK;
}

static enum err open_tag(enum cose_tagging tagging, struct cbor_item *item)
{
	if (item->kind == CBOR_ITEM_TAG) {
		if (item->number != TAG_SIGN1)
			return ERR_UNSUPPORTED;
		return cbor_item_parse(item->content, item);
	}
	return tagging == COSE_TAG_NEEDED ? ERR_MALFORMED : ERR_OK;
}

enum err cose_sign1_parse(struct bytes in, enum cose_tagging tagging,
			  struct cose_sign1 *out)
{
	struct cose_sign1 found;
	struct cbor_item item;
	struct bytes parts;

	TRY(cbor_item_parse(in, &item));
	TRY(open_tag(tagging, &item));
	if (item.kind != CBOR_ITEM_ARRAY || item.number != PARTS)
		return ERR_MALFORMED;
	parts = item.content;
	TRY(cbor_item_take_kind(&parts, CBOR_ITEM_BYTES, &item));
	found.protected_bytes = item.content;
	TRY(cbor_item_take(&parts, &item));
	TRY(cbor_item_map(&item, &found.headers));
	TRY(cbor_item_take(&parts, &item));
	TRY(read_payload(&item, &found));
	TRY(cbor_item_take_kind(&parts, CBOR_ITEM_BYTES, &item));
	found.signature = item.content;
	TRY(read_headers(&found));
	*out = found;
	return ERR_OK;
}

enum err cose_sign1_attach(struct cose_sign1 *message, struct bytes payload)
{
	if (message->kind != COSE_PAYLOAD_DETACHED)
		return ERR_MALFORMED;
	message->payload = payload;
	message->kind = COSE_PAYLOAD_ATTACHED;
	return ERR_OK;
}

enum err cose_sign1_to_be_signed(const struct cose_sign1 *message,
				 struct bytes external, struct writer *out)
{
	struct writer whole = *out;
	struct bytes headers = message->protected_bytes;

	/* Whichever way it was written, no header is signed as no bytes. */
	if (message->protected_headers.count == 0)
		headers.len = 0;
	TRY(cbor_put_array(&whole, PARTS));
	TRY(cbor_put_text(&whole, CONTEXT));
	TRY(cbor_put_bytes(&whole, headers));
	TRY(cbor_put_bytes(&whole, external));
	TRY(cbor_put_bytes(&whole, message->payload));
	*out = whole;
	return ERR_OK;
}

static enum err scheme_of(const struct cose_sign1 *message,
			  const struct signature_key *key,
			  struct signature_scheme *out)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		enum signature_curve curve;

		if (message->algorithm != (int64_t)algorithms[i].algorithm)
			continue;
		if (algorithms[i].curve != SIGNATURE_CURVES &&
		    (signature_key_curve(key, &curve) != ERR_OK ||
		     curve != algorithms[i].curve))
			return ERR_UNAUTHENTIC;
		*out = algorithms[i].scheme;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

enum err cose_sign1_check(const struct cose_sign1 *message,
			  const struct signature_key *key,
			  struct bytes external)
{
	uint8_t memory[COSE_BYTES_MAX];
	struct writer signed_bytes = WRITER_OVER(memory);
	struct signature_scheme scheme;

	if (message->kind == COSE_PAYLOAD_DETACHED)
		return ERR_UNAUTHENTIC;
	TRY(scheme_of(message, key, &scheme));
	TRY(cose_sign1_to_be_signed(message, external, &signed_bytes));
	return signature_check(key, scheme, bytes_written(&signed_bytes),
			       message->signature);
}

/* As a reader would see it, so that nothing is signed that it would refuse. */
static enum err read_draft(const struct cose_draft *draft,
			   struct cose_sign1 *out)
{
	*out = (struct cose_sign1){
		.protected_bytes = draft->protected_headers,
		.kind = COSE_PAYLOAD_ATTACHED,
		.payload = draft->payload,
	};
	TRY(read_map(draft->headers.len == 0 ? NO_HEADERS : draft->headers,
		     &out->headers));
	TRY(read_headers(out));
	return out->algorithm == COSE_EDDSA || out->algorithm == COSE_ED25519
		       ? ERR_OK
		       : ERR_MALFORMED;
}

enum err cose_sign1_write(const struct cose_draft *draft,
			  const struct sign_private_key *key,
			  struct writer *out)
{
	uint8_t memory[COSE_BYTES_MAX];
	struct writer signed_bytes = WRITER_OVER(memory);
	struct writer whole = *out;
	struct cose_sign1 message;
	uint8_t signature[SIGN_SIGNATURE_BYTES];

	TRY(read_draft(draft, &message));
	TRY(cose_sign1_to_be_signed(&message, draft->external, &signed_bytes));
	sign_message(key, bytes_written(&signed_bytes), signature);
	TRY(cbor_put_tag(&whole, TAG_SIGN1));
	TRY(cbor_put_array(&whole, PARTS));
	TRY(cbor_put_bytes(&whole, message.protected_bytes));
	TRY(bytes_put(&whole,
		      draft->headers.len == 0 ? NO_HEADERS : draft->headers));
	TRY(draft->kind == COSE_PAYLOAD_DETACHED
		    ? cbor_put_null(&whole)
		    : cbor_put_bytes(&whole, draft->payload));
	TRY(cbor_put_bytes(&whole, BYTES_ARRAY(signature)));
	*out = whole;
	return ERR_OK;
}
