/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_receipt.h"

#include <string.h>

#include "crypto/cose.h"
#include "wire/cbor.h"
#include "wire/cbor_item.h"

#define LABEL_STRUCTURE 395 /* vds: in the protected header alone */
#define LABEL_PROOFS 396    /* vdp */
#define RFC9162_SHA256 1
#define INCLUSION (-1)
#define CONSISTENCY (-2)
#define PROOF_ITEMS 3
#define PROOF_BYTES_MAX (MERKLE_PROOF_MAX * (2 + MERKLE_HASH_BYTES) + 64)

/* The two numbers and the path of either kind of proof. */
struct proof {
	uint64_t first, second;
	struct merkle_proof path;
};

static enum err put_proof(struct writer *out, const struct proof *proof)
{
	TRY(cbor_put_array(out, PROOF_ITEMS));
	TRY(cbor_put_unsigned(out, proof->first));
	TRY(cbor_put_unsigned(out, proof->second));
	TRY(cbor_put_array(out, proof->path.count));
	for (size_t i = 0; i < proof->path.count; i++)
		TRY(cbor_put_bytes(out,
				   BYTES_ARRAY(proof->path.hashes[i].bytes)));
	return ERR_OK;
}

static enum err put_headers(struct writer *out, int64_t kind,
			    const struct proof *proof)
{
	uint8_t memory[PROOF_BYTES_MAX];
	struct writer inner = WRITER_OVER(memory);

	TRY(put_proof(&inner, proof));
	TRY(cbor_put_map(out, 1));
	TRY(cbor_put_unsigned(out, LABEL_PROOFS));
	TRY(cbor_put_map(out, 1));
	TRY(cbor_put_integer(out, kind));
	TRY(cbor_put_array(out, 1));
	return cbor_put_bytes(out, bytes_written(&inner));
}

static enum err put_protected(struct writer *out)
{
	TRY(cbor_put_map(out, 2));
	TRY(cbor_put_unsigned(out, COSE_LABEL_ALGORITHM));
	TRY(cbor_put_integer(out, COSE_EDDSA));
	TRY(cbor_put_unsigned(out, LABEL_STRUCTURE));
	return cbor_put_unsigned(out, RFC9162_SHA256);
}

static enum err put(struct writer *out, int64_t kind, const struct proof *proof,
		    const struct merkle_hash *root,
		    const struct sign_private_key *key)
{
	uint8_t protected_memory[32];
	uint8_t headers_memory[PROOF_BYTES_MAX + 64];
	struct writer protected_headers = WRITER_OVER(protected_memory);
	struct writer headers = WRITER_OVER(headers_memory);

	TRY(put_protected(&protected_headers));
	TRY(put_headers(&headers, kind, proof));

	struct cose_draft draft = {
		.protected_headers = bytes_written(&protected_headers),
		.headers = bytes_written(&headers),
		.payload = BYTES_ARRAY(root->bytes),
		.kind = COSE_PAYLOAD_DETACHED,
	};

	return cose_sign1_write(&draft, key, out);
}

enum err tlog_receipt_put_inclusion(struct writer *out,
				    const struct merkle_head *head,
				    uint64_t index,
				    const struct merkle_proof *path,
				    const struct sign_private_key *key)
{
	struct proof proof = { head->size, index, *path };

	return put(out, INCLUSION, &proof, &head->root, key);
}

enum err tlog_receipt_put_consistency(struct writer *out,
				      const struct merkle_head *head,
				      uint64_t old_size,
				      const struct merkle_proof *path,
				      const struct sign_private_key *key)
{
	struct proof proof = { old_size, head->size, *path };

	return put(out, CONSISTENCY, &proof, &head->root, key);
}

static enum err take_unsigned(struct bytes *in, uint64_t *out)
{
	struct cbor_item item;

	TRY(cbor_item_take_kind(in, CBOR_ITEM_UNSIGNED, &item));
	*out = item.number;
	return ERR_OK;
}

static enum err parse_proof(struct bytes in, struct proof *out)
{
	struct cbor_item list, path, hash;

	TRY(cbor_item_parse(in, &list));
	if (list.kind != CBOR_ITEM_ARRAY || list.number != PROOF_ITEMS)
		return ERR_MALFORMED;
	TRY(take_unsigned(&list.content, &out->first));
	TRY(take_unsigned(&list.content, &out->second));
	TRY(cbor_item_take_kind(&list.content, CBOR_ITEM_ARRAY, &path));
	out->path.count = 0;
	while (path.content.len > 0) {
		if (out->path.count == MERKLE_PROOF_MAX)
			return ERR_TOO_LARGE;
		TRY(cbor_item_take_kind(&path.content, CBOR_ITEM_BYTES, &hash));
		if (hash.content.len != MERKLE_HASH_BYTES)
			return ERR_MALFORMED;
		memcpy(out->path.hashes[out->path.count++].bytes,
		       hash.content.data, MERKLE_HASH_BYTES);
	}
	return ERR_OK;
}

/* What the signature says of the tree comes from where the signature is. */
static enum err check_structure(const struct cose_sign1 *message)
{
	struct cbor_item structure;
	int64_t number;

	if (!cbor_item_find(&message->protected_headers, LABEL_STRUCTURE,
			    &structure))
		return ERR_MALFORMED;
	TRY(cbor_item_integer(&structure, &number));
	return number == RFC9162_SHA256 ? ERR_OK : ERR_UNSUPPORTED;
}

/* The one proof of this kind: of several, all would have to be judged. */
static enum err find_proof(const struct cose_sign1 *message, int64_t kind,
			   struct proof *out)
{
	struct cbor_item proofs, list, encoded;
	struct cbor_item_map map;

	if (!cbor_item_find(&message->headers, LABEL_PROOFS, &proofs))
		return ERR_MALFORMED;
	TRY(cbor_item_map(&proofs, &map));
	if (!cbor_item_find(&map, kind, &list) || list.kind != CBOR_ITEM_ARRAY)
		return ERR_MALFORMED;
	TRY(cbor_item_take_kind(&list.content, CBOR_ITEM_BYTES, &encoded));
	if (list.content.len != 0)
		return ERR_UNSUPPORTED;
	return parse_proof(encoded.content, out);
}

static enum err open_receipt(struct bytes receipt, int64_t kind,
			     struct cose_sign1 *message, struct proof *proof)
{
	if (receipt.len > TLOG_RECEIPT_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(cose_sign1_parse(receipt, COSE_TAG_NEEDED, message));
	TRY(check_structure(message));
	return find_proof(message, kind, proof);
}

static enum err check_root(struct cose_sign1 *message,
			   const struct signature_key *key,
			   const struct merkle_hash *root)
{
	TRY(cose_sign1_attach(message, BYTES_ARRAY(root->bytes)));
	return cose_sign1_check(message, key, (struct bytes){ NULL, 0 });
}

enum err tlog_receipt_check_inclusion(struct bytes receipt,
				      const struct signature_key *key,
				      const struct merkle_hash *leaf,
				      struct merkle_hash *root)
{
	struct cose_sign1 message;
	struct merkle_hash found;
	struct proof proof;

	TRY(open_receipt(receipt, INCLUSION, &message, &proof));
	TRY(merkle_proof_inclusion_root(proof.first, proof.second, leaf,
					&proof.path, &found));
	TRY(check_root(&message, key, &found));
	*root = found;
	return ERR_OK;
}

enum err tlog_receipt_check_consistency(struct bytes receipt,
					const struct signature_key *key,
					const struct merkle_head *older,
					struct merkle_hash *root)
{
	struct cose_sign1 message;
	struct merkle_hash found;
	struct proof proof;

	TRY(open_receipt(receipt, CONSISTENCY, &message, &proof));
	if (proof.first != older->size)
		return ERR_UNAUTHENTIC;
	TRY(merkle_proof_consistency_root(older, proof.second, &proof.path,
					  &found));
	TRY(check_root(&message, key, &found));
	*root = found;
	return ERR_OK;
}
