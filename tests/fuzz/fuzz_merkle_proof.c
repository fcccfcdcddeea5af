/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs about a tree of up to 255 leaves: what is made of it proves what it
 * should, and nothing else once a byte, a size or an index is another.  And any
 * bytes as a path lead to the one root that they prove.
 *
 *     u8 newer | u8 older | u8 index | u8 where | u8 change | u64 size |
 *     u64 index | hashes
 */
#include <string.h>

#include "crypto/merkle_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The perfect tree of 2^level leaves, leaf i being its own number. */
static enum err node(void *context, unsigned level, uint64_t index,
		     struct merkle_hash *out)
{
	struct merkle tree;

	(void)context;
	merkle_init(&tree);
	for (uint64_t i = index << level; i < (index + 1) << level; i++) {
		uint8_t leaf = (uint8_t)i;

		merkle_add_leaf(&tree, (struct bytes){ &leaf, 1 });
	}
	merkle_root(&tree, out->bytes);
	return ERR_OK;
}

static const struct merkle_source source = { node, NULL };

static struct merkle_head head_of(uint64_t size)
{
	struct merkle_head head = { .size = size };
	struct merkle edge;

	invariant(merkle_proof_edge(&source, size, &edge) == ERR_OK);
	merkle_root(&edge, head.root.bytes);
	return head;
}

/* The proof with one byte changed, or with one hash less where there is none. */
static void change(struct merkle_proof *proof, uint8_t where, uint8_t by)
{
	if (proof->count == 0)
		proof->count = 1;
	else if (by == 0)
		proof->count--;
	else
		proof->hashes[where % proof->count].bytes[by % 32] ^= by;
}

static void check_inclusion(uint8_t size, uint8_t index, uint8_t where,
			    uint8_t by)
{
	struct merkle_head head = head_of(size);
	struct merkle_proof proof;
	struct merkle_hash leaf;

	if (merkle_proof_make_inclusion(&source, index, size, &proof) !=
	    ERR_OK) {
		invariant(index >= size);
		return;
	}
	(void)node(NULL, 0, index, &leaf);
	invariant(merkle_proof_inclusion(&head, index, &leaf, &proof) ==
		  ERR_OK);
	invariant(merkle_proof_inclusion(&head, index ^ (1u << by % 8), &leaf,
					 &proof) != ERR_OK);
	change(&proof, where, by);
	invariant(merkle_proof_inclusion(&head, index, &leaf, &proof) !=
		  ERR_OK);
}

static void check_consistency(uint8_t older_size, uint8_t newer_size,
			      uint8_t where, uint8_t by)
{
	struct merkle_head newer = head_of(newer_size);
	struct merkle_head older = head_of(older_size);
	struct merkle_proof proof;
	struct merkle_hash root;

	if (merkle_proof_make_consistency(&source, older_size, newer_size,
					  &proof) != ERR_OK) {
		invariant(older_size == 0 || older_size > newer_size);
		return;
	}
	invariant(merkle_proof_consistency(&older, &newer, &proof) == ERR_OK);
	invariant(merkle_proof_consistency_root(&older, newer_size, &proof,
						&root) == ERR_OK);
	invariant(memcmp(&root, &newer.root, sizeof(root)) == 0);
	change(&proof, where, by);
	invariant(merkle_proof_consistency(&older, &newer, &proof) != ERR_OK);
}

static void check_raw(struct bytes in, uint64_t size, uint64_t index)
{
	struct merkle_proof proof = { 0 };
	struct merkle_hash leaf = { { 1 } };
	struct merkle_head head = { .size = size }, older = { .size = index };
	struct merkle_range range = { .start = index, .end = size };

	while (proof.count < MERKLE_PROOF_MAX &&
	       bytes_take_into(&in, proof.hashes[proof.count].bytes,
			       MERKLE_HASH_BYTES) == ERR_OK)
		proof.count++;
	if (merkle_proof_inclusion_root(size, index, &leaf, &proof,
					&head.root) == ERR_OK)
		invariant(merkle_proof_inclusion(&head, index, &leaf, &proof) ==
			  ERR_OK);
	if (merkle_proof_consistency_root(&older, size, &proof, &head.root) ==
	    ERR_OK)
		invariant(merkle_proof_consistency(&older, &head, &proof) ==
			  ERR_OK);
	range.end = index + in.len;
	(void)!merkle_proof_range(&range, &head, &proof);
	head.root.bytes[0] ^= 1;
	invariant(size == index ||
		  merkle_proof_consistency(&older, &head, &proof) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	uint64_t raw_size, raw_index;
	uint8_t script[5];

	if (bytes_take_into(&in, script, sizeof(script)) != ERR_OK ||
	    bytes_take_u64(&in, &raw_size) != ERR_OK ||
	    bytes_take_u64(&in, &raw_index) != ERR_OK)
		return 0;
	check_inclusion(script[0], script[2], script[3], script[4]);
	check_consistency(script[1], script[0], script[3], script[4]);
	check_raw(in, raw_size, raw_index);
	return 0;
}
