/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/merkle.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hash.h"

void merkle_init(struct merkle *tree)
{
	tree->leaves = 0;
	tree->depth = 0;
}

void merkle_leaf_hash(struct bytes piece,
		      uint8_t hash[static MERKLE_HASH_BYTES])
{
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream;

	hash_stream_begin(&stream);
	hash_stream_add(&stream, BYTES_LITERAL("\x00"));
	hash_stream_add(&stream, piece);
	hash_stream_end(&stream, hash);
}

void merkle_node_hash(const uint8_t left[static MERKLE_HASH_BYTES],
		      const uint8_t right[static MERKLE_HASH_BYTES],
		      uint8_t node[static MERKLE_HASH_BYTES])
{
	uint8_t joined[1 + 2 * MERKLE_HASH_BYTES] = { 0x01 };

	memcpy(joined + 1, left, MERKLE_HASH_BYTES);
	memcpy(joined + 1 + MERKLE_HASH_BYTES, right, MERKLE_HASH_BYTES);
	hash_sha256(BYTES_ARRAY(joined), node);
}

void merkle_add_leaf(struct merkle *tree, struct bytes piece)
{
	uint8_t hash[MERKLE_HASH_BYTES];

	merkle_leaf_hash(piece, hash);
	merkle_add_leaf_hash(tree, hash);
}

void merkle_add_leaf_hash(struct merkle *tree,
			  const uint8_t hash[static MERKLE_HASH_BYTES])
{
	invariant(tree->depth < MERKLE_DEPTH_MAX && tree->leaves < UINT64_MAX);
	memcpy(tree->edge[tree->depth++], hash, MERKLE_HASH_BYTES);

	/* Two perfect trees of one size make one of the next, as in a carry. */
	for (uint64_t carry = tree->leaves++; carry & 1; carry >>= 1) {
		tree->depth--;
		merkle_node_hash(tree->edge[tree->depth - 1],
				 tree->edge[tree->depth],
				 tree->edge[tree->depth - 1]);
	}
}

void merkle_root(const struct merkle *tree,
		 uint8_t root[static MERKLE_HASH_BYTES])
{
	if (tree->depth == 0) {
		hash_sha256((struct bytes){ NULL, 0 }, root);
		return;
	}
	memcpy(root, tree->edge[tree->depth - 1], MERKLE_HASH_BYTES);
	for (size_t i = tree->depth - 1; i > 0; i--)
		merkle_node_hash(tree->edge[i - 1], root, root);
}
