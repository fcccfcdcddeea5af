/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merkle: the SHA-256 tree of RFC 6962, 2.1, over the pieces of a file.
 *
 *     leaf  = SHA-256(00 | piece)
 *     node  = SHA-256(01 | left | right)
 *     root of no leaf at all = SHA-256("")
 *
 * Leaves are added from left to right and only the right edge is kept: memory
 * does not grow with the file.
 */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include "base/bytes.h"

#define MERKLE_HASH_BYTES 32
#define MERKLE_DEPTH_MAX 64

/* Invariant: depth is the number of ones in the binary form of leaves. */
struct merkle {
	uint64_t leaves;
	size_t depth;
	uint8_t edge[MERKLE_DEPTH_MAX][MERKLE_HASH_BYTES]; /* big trees first */
};

void merkle_init(struct merkle *tree);

/* Add the next piece, which may be empty. */
void merkle_add_leaf(struct merkle *tree, struct bytes piece);

/* The same for a piece hashed elsewhere, say in another thread. */
void merkle_add_leaf_hash(struct merkle *tree,
			  const uint8_t hash[static MERKLE_HASH_BYTES]);

/* The root over the leaves so far; more may be added afterwards. */
void merkle_root(const struct merkle *tree,
		 uint8_t root[static MERKLE_HASH_BYTES]);

void merkle_leaf_hash(struct bytes piece,
		      uint8_t hash[static MERKLE_HASH_BYTES]);

/* `node` may be the same memory as `left` or `right`. */
void merkle_node_hash(const uint8_t left[static MERKLE_HASH_BYTES],
		      const uint8_t right[static MERKLE_HASH_BYTES],
		      uint8_t node[static MERKLE_HASH_BYTES]);

#endif
