/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merkle_proof: that a leaf is in a tree, and that a tree grew from another.
 *
 * Trees are those of crypto/merkle.h; proofs are those of RFC 6962, 2.1.1 and
 * 2.1.2 (RFC 9162, 2.1.3 and 2.1.4).  A proof is consumed to its last hash: one
 * more or one less is as wrong as another one.
 *
 *     leaves    0 1 2 3 4 5 6          inclusion of 4 in 7:
 *               └┬┘ └┬┘ └┬┘ │              [ 5, 6, node(0..3) ]
 *                └─┬─┘   └┬─┘          consistency of 4 with 7:
 *                  └──┬───┘                [ node(4..6) ]
 */
#ifndef CRYPTO_MERKLE_PROOF_H
#define CRYPTO_MERKLE_PROOF_H

#include "crypto/merkle.h"

#define MERKLE_PROOF_MAX 64 /* hashes; 2^63 leaves need no more */
#define MERKLE_PROOF_SIZE_MAX (UINT64_MAX / 2)

struct merkle_hash {
	uint8_t bytes[MERKLE_HASH_BYTES];
};

struct merkle_proof {
	size_t count;
	struct merkle_hash hashes[MERKLE_PROOF_MAX]; /* from the leaf upwards */
};

/* A tree's size and root. */
struct merkle_head {
	uint64_t size;
	struct merkle_hash root;
};

/* ERR_UNAUTHENTIC unless the leaf with this hash is at `index` of the tree. */
MUST_CHECK enum err merkle_proof_inclusion(const struct merkle_head *head,
					   uint64_t index,
					   const struct merkle_hash *leaf,
					   const struct merkle_proof *proof);

/* The root that such a path leads to; ERR_UNAUTHENTIC if to none. */
MUST_CHECK enum err merkle_proof_inclusion_root(
	uint64_t size, uint64_t index, const struct merkle_hash *leaf,
	const struct merkle_proof *proof, struct merkle_hash *root);

/*
 * ERR_UNAUTHENTIC unless the leaves of `newer` begin with those of `older`.  To
 * grow from nothing proves nothing: an older size of 0 is refused.
 */
MUST_CHECK enum err merkle_proof_consistency(const struct merkle_head *older,
					     const struct merkle_head *newer,
					     const struct merkle_proof *proof);

/* The root of the `size` leaves that `older` grew into by this proof. */
MUST_CHECK enum err
merkle_proof_consistency_root(const struct merkle_head *older, uint64_t size,
			      const struct merkle_proof *proof,
			      struct merkle_hash *root);

/* The leaves start..end-1 of a tree, whose root is a node of it. */
struct merkle_range {
	uint64_t start; /* a multiple of the smallest power of two that is */
	uint64_t end;	/* not less than end - start; not less than start */
	struct merkle_hash root;
};

/*
 * The same for a part of a tree (draft-ietf-plants-merkle-tree-certs, "subtree
 * consistency proofs"): that `head` has just this range.  A range from 0 is the
 * consistency above.
 */
MUST_CHECK enum err merkle_proof_range(const struct merkle_range *range,
				       const struct merkle_head *head,
				       const struct merkle_proof *proof);

/*
 * Where proofs are made from: the root of the perfect tree of 2^level leaves
 * that begins at leaf index * 2^level.  Only those that are whole are asked for.
 */
struct merkle_source {
	enum err (*node)(void *context, unsigned level, uint64_t index,
			 struct merkle_hash *out);
	void *context;
};

/* Make them.  ERR_DENIED where there is none, or the source's own error. */
MUST_CHECK enum err
merkle_proof_make_inclusion(const struct merkle_source *source, uint64_t index,
			    uint64_t size, struct merkle_proof *out);
MUST_CHECK enum err
merkle_proof_make_consistency(const struct merkle_source *source,
			      uint64_t older, uint64_t newer,
			      struct merkle_proof *out);

/* The right edge of a tree of `size` leaves, to add to or take the root of. */
MUST_CHECK enum err merkle_proof_edge(const struct merkle_source *source,
				      uint64_t size, struct merkle *out);

#endif
