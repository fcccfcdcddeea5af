/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/merkle.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"

#define LEAVES 8

/* The tree that certificate-transparency's own tests use (RFC 6962). */
static const char *const leaves[LEAVES] = {
	"",
	"00",
	"10",
	"2021",
	"3031",
	"40414243",
	"5051525354555657",
	"606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[LEAVES + 1] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

Test(merkle, roots_of_0_to_8_leaves_are_those_of_certificate_transparency)
{
	struct merkle tree;
	uint8_t root[MERKLE_HASH_BYTES];

	merkle_init(&tree);
	for (size_t count = 0; count <= LEAVES; count++) {
		merkle_root(&tree, root);
		vector_expect(BYTES_ARRAY(root), roots[count]);
		if (count < LEAVES)
			merkle_add_leaf(&tree, vector_hex(leaves[count]));
	}
}

/* MTH of RFC 6962, 2.1, by its own recursion: slow and plain. */
static void reference(const uint8_t (*hash)[MERKLE_HASH_BYTES], size_t count,
		      uint8_t *root)
{
	uint8_t left[MERKLE_HASH_BYTES];
	uint8_t right[MERKLE_HASH_BYTES];
	size_t split = 1;

	if (count == 1) {
		memcpy(root, hash[0], MERKLE_HASH_BYTES);
		return;
	}
	while (2 * split < count)
		split *= 2;
	reference(hash, split, left);
	reference(hash + split, count - split, right);
	merkle_node_hash(left, right, root);
}

Test(merkle, the_root_of_any_count_is_that_of_the_recursive_definition)
{
	static uint8_t hash[300][MERKLE_HASH_BYTES];
	struct merkle tree;
	uint8_t expected[MERKLE_HASH_BYTES];
	uint8_t root[MERKLE_HASH_BYTES];

	merkle_init(&tree);
	for (size_t i = 0; i < 300; i++) {
		const uint8_t piece[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		merkle_leaf_hash(BYTES_ARRAY(piece), hash[i]);
		merkle_add_leaf_hash(&tree, hash[i]);
		merkle_root(&tree, root);
		reference((const uint8_t(*)[MERKLE_HASH_BYTES])hash, i + 1,
			  expected);
		cr_assert_arr_eq(root, expected, sizeof(root));
	}
}

static void root_of(const uint8_t *pieces, size_t count, uint8_t *root)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i < count; i++)
		merkle_add_leaf(&tree, (struct bytes){ pieces + 4 * i, 4 });
	merkle_root(&tree, root);
}

Test(merkle, a_flipped_bit_a_missing_piece_and_swapped_pieces_change_the_root)
{
	uint8_t file[4 * 7];
	uint8_t root[MERKLE_HASH_BYTES];
	uint8_t other[MERKLE_HASH_BYTES];

	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)i;
	root_of(file, 7, root);
	for (size_t bit = 0; bit < 8 * sizeof(file); bit++) {
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
		root_of(file, 7, other);
		cr_assert_arr_neq(root, other, sizeof(root));
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	root_of(file, 6, other);
	cr_assert_arr_neq(root, other, sizeof(root));
	root_of(file + 4, 6, other);
	cr_assert_arr_neq(root, other, sizeof(root));
	for (size_t i = 0; i < 4; i++) {
		uint8_t kept = file[i];

		file[i] = file[i + 4];
		file[i + 4] = kept;
	}
	root_of(file, 7, other);
	cr_assert_arr_neq(root, other, sizeof(root));
}

Test(merkle, a_leaf_that_spells_a_node_is_not_taken_for_it)
{
	struct merkle tree;
	uint8_t joined[2 * MERKLE_HASH_BYTES];
	uint8_t two[MERKLE_HASH_BYTES];
	uint8_t one[MERKLE_HASH_BYTES];

	merkle_leaf_hash(BYTES_LITERAL("a"), joined);
	merkle_leaf_hash(BYTES_LITERAL("b"), joined + MERKLE_HASH_BYTES);
	merkle_node_hash(joined, joined + MERKLE_HASH_BYTES, two);
	merkle_init(&tree);
	merkle_add_leaf(&tree, BYTES_ARRAY(joined));
	merkle_root(&tree, one);
	cr_assert_arr_neq(one, two, sizeof(one));
}
