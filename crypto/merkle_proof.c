/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/merkle_proof.h"

#include <string.h>

static bool equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, MERKLE_HASH_BYTES) == 0;
}

/* left = node(left, right), or with the sides of a proof's hash changed. */
static void join_right(struct merkle_hash *node,
		       const struct merkle_hash *right)
{
	merkle_node_hash(node->bytes, right->bytes, node->bytes);
}

static void join_left(struct merkle_hash *node, const struct merkle_hash *left)
{
	merkle_node_hash(left->bytes, node->bytes, node->bytes);
}

/*
 * RFC 9162, 2.1.3.2: `at` is the node on the way up, `last` the rightmost of
 * its level.  Where `at` is the rightmost and has no sibling, it is its own
 * parent, for as many levels as that holds.
 */
enum err merkle_proof_inclusion_root(uint64_t size, uint64_t index,
				     const struct merkle_hash *leaf,
				     const struct merkle_proof *proof,
				     struct merkle_hash *root)
{
	struct merkle_hash node = *leaf;
	uint64_t at = index;
	uint64_t last = size - 1;

	if (index >= size || size > MERKLE_PROOF_SIZE_MAX ||
	    proof->count > MERKLE_PROOF_MAX)
		return ERR_UNAUTHENTIC;
	for (size_t i = 0; i < proof->count; i++) {
		if (last == 0)
			return ERR_UNAUTHENTIC;
		if ((at & 1) != 0 || at == last) {
			join_left(&node, &proof->hashes[i]);
			while (at != 0 && (at & 1) == 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			join_right(&node, &proof->hashes[i]);
		}
		at >>= 1;
		last >>= 1;
	}
	if (last != 0)
		return ERR_UNAUTHENTIC;
	*root = node;
	return ERR_OK;
}

enum err merkle_proof_inclusion(const struct merkle_head *head, uint64_t index,
				const struct merkle_hash *leaf,
				const struct merkle_proof *proof)
{
	struct merkle_hash root;

	TRY(merkle_proof_inclusion_root(head->size, index, leaf, proof, &root));
	return equal(&root, &head->root) ? ERR_OK : ERR_UNAUTHENTIC;
}

/* Whether such a range can be a node, or a part of the right edge, at all. */
static bool is_range(uint64_t start, uint64_t end, uint64_t size)
{
	uint64_t width = 1;

	if (start >= end || end > size || size > MERKLE_PROOF_SIZE_MAX)
		return false;
	while (width < end - start)
		width *= 2;
	return start % width == 0;
}

/* Three places of one level on the way up. */
struct climb {
	uint64_t first; /* node of the range's first leaf */
	uint64_t last;	/* node of its last leaf */
	uint64_t tip;	/* the rightmost node of the tree */
};

static void rise(struct climb *climb)
{
	climb->first >>= 1;
	climb->last >>= 1;
	climb->tip >>= 1;
}

/*
 * Perfect trees below the range's right edge are nodes of both trees, so no
 * hash is told of them; a range that ends with the tree is a node as it is.
 */
static void skip_shared(struct climb *climb)
{
	bool ends_with_tree = climb->last == climb->tip;

	while (climb->first != climb->last &&
	       (ends_with_tree || (climb->last & 1) != 0))
		rise(climb);
}

/* One hash of the proof goes into both roots, or into the tree's alone. */
static void take(struct climb *climb, const struct merkle_hash *hash,
		 struct merkle_hash *range, struct merkle_hash *tree)
{
	if ((climb->last & 1) != 0 || climb->last == climb->tip) {
		if (climb->first < climb->last)
			join_left(range, hash);
		join_left(tree, hash);
		while (climb->last != 0 && (climb->last & 1) == 0)
			rise(climb);
	} else {
		join_right(tree, hash);
	}
	rise(climb);
}

static enum err range_root(const struct merkle_range *range, uint64_t size,
			   const struct merkle_proof *proof,
			   struct merkle_hash *root)
{
	struct climb climb = { range->start, range->end - 1, size - 1 };
	struct merkle_hash in_range = range->root;
	size_t next = 0;

	if (!is_range(range->start, range->end, size) ||
	    proof->count > MERKLE_PROOF_MAX)
		return ERR_UNAUTHENTIC;
	skip_shared(&climb);
	if (climb.first != climb.last) {
		if (proof->count == 0)
			return ERR_UNAUTHENTIC;
		in_range = proof->hashes[next++];
	}

	struct merkle_hash in_tree = in_range;

	for (; next < proof->count; next++) {
		if (climb.tip == 0)
			return ERR_UNAUTHENTIC;
		take(&climb, &proof->hashes[next], &in_range, &in_tree);
	}
	if (climb.tip != 0 || !equal(&in_range, &range->root))
		return ERR_UNAUTHENTIC;
	*root = in_tree;
	return ERR_OK;
}

enum err merkle_proof_range(const struct merkle_range *range,
			    const struct merkle_head *head,
			    const struct merkle_proof *proof)
{
	struct merkle_hash root;

	TRY(range_root(range, head->size, proof, &root));
	return equal(&root, &head->root) ? ERR_OK : ERR_UNAUTHENTIC;
}

enum err merkle_proof_consistency(const struct merkle_head *older,
				  const struct merkle_head *newer,
				  const struct merkle_proof *proof)
{
	struct merkle_range range = { 0, older->size, older->root };

	return merkle_proof_range(&range, newer, proof);
}

enum err merkle_proof_consistency_root(const struct merkle_head *older,
				       uint64_t size,
				       const struct merkle_proof *proof,
				       struct merkle_hash *root)
{
	struct merkle_range range = { 0, older->size, older->root };

	return range_root(&range, size, proof, root);
}

/* The root of leaves start..end-1: its perfect parts, from left to right. */
static enum err root_of(const struct merkle_source *source, uint64_t start,
			uint64_t end, struct merkle_hash *out)
{
	struct merkle_hash parts[MERKLE_DEPTH_MAX];
	size_t count = 0;

	while (start < end) {
		unsigned level = 0;

		while (level < 62 && (start >> level & 1) == 0 &&
		       (uint64_t)2 << level <= end - start)
			level++;
		TRY(source->node(source->context, level, start >> level,
				 &parts[count++]));
		start += (uint64_t)1 << level;
	}
	invariant(count > 0);
	*out = parts[count - 1];
	for (size_t i = count - 1; i > 0; i--)
		join_left(out, &parts[i - 1]);
	return ERR_OK;
}

/* The largest power of two that is less than `size`, which is 2 or more. */
static uint64_t split_of(uint64_t size)
{
	uint64_t split = 1;

	while (size - split > split)
		split *= 2;
	return split;
}

/*
 * The definitions of RFC 6962 go from the root down, proofs from the leaf up:
 * so hashes are gathered from behind.
 */
struct descent {
	uint64_t start, end;
	size_t count;
	struct merkle_hash hashes[MERKLE_PROOF_MAX];
};

/* Go into one half and keep the root of the other. */
static enum err step(const struct merkle_source *source, uint64_t target,
		     struct descent *descent)
{
	uint64_t middle =
		descent->start + split_of(descent->end - descent->start);
	struct merkle_hash *hash = &descent->hashes[descent->count++];

	invariant(descent->count <= MERKLE_PROOF_MAX);
	if (target < middle) {
		TRY(root_of(source, middle, descent->end, hash));
		descent->end = middle;
	} else {
		TRY(root_of(source, descent->start, middle, hash));
		descent->start = middle;
	}
	return ERR_OK;
}

static void turn_round(const struct descent *descent, struct merkle_proof *out)
{
	out->count = descent->count;
	for (size_t i = 0; i < descent->count; i++)
		out->hashes[i] = descent->hashes[descent->count - 1 - i];
}

enum err merkle_proof_make_inclusion(const struct merkle_source *source,
				     uint64_t index, uint64_t size,
				     struct merkle_proof *out)
{
	struct descent descent = { .end = size };

	if (index >= size || size > MERKLE_PROOF_SIZE_MAX)
		return ERR_DENIED;
	while (descent.end - descent.start > 1)
		TRY(step(source, index, &descent));
	turn_round(&descent, out);
	return ERR_OK;
}

/* SUBPROOF of RFC 6962, 2.1.2, until the part ends with the older tree. */
enum err merkle_proof_make_consistency(const struct merkle_source *source,
				       uint64_t older, uint64_t newer,
				       struct merkle_proof *out)
{
	struct descent descent = { .end = newer };

	if (older == 0 || older > newer || newer > MERKLE_PROOF_SIZE_MAX)
		return ERR_DENIED;
	while (descent.end != older)
		TRY(step(source, older - 1, &descent));
	/* What begins at 0 is the older root, which is known. */
	if (descent.start != 0)
		TRY(root_of(source, descent.start, descent.end,
			    &descent.hashes[descent.count++]));
	turn_round(&descent, out);
	return ERR_OK;
}

enum err merkle_proof_edge(const struct merkle_source *source, uint64_t size,
			   struct merkle *out)
{
	struct merkle edge;
	uint64_t start = 0;

	if (size > MERKLE_PROOF_SIZE_MAX)
		return ERR_DENIED;
	merkle_init(&edge);
	for (unsigned level = 63; level-- > 0;) {
		struct merkle_hash hash;

		if ((size >> level & 1) == 0)
			continue;
		TRY(source->node(source->context, level, start >> level,
				 &hash));
		memcpy(edge.edge[edge.depth++], hash.bytes, MERKLE_HASH_BYTES);
		start += (uint64_t)1 << level;
	}
	edge.leaves = size;
	*out = edge;
	return ERR_OK;
}
