/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/merkle_proof.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/vector.h"
#include "wire/base64.h"

#define LEAVES_MAX 300

/* A tree of any size up to LEAVES_MAX, with the root at every size. */
static struct merkle_hash leaves[LEAVES_MAX];
static struct merkle_hash roots[LEAVES_MAX + 1];

/* MTH of a whole subtree, by its definition. */
static enum err node(void *context, unsigned level, uint64_t index,
		     struct merkle_hash *out)
{
	struct merkle tree;

	(void)context;
	merkle_init(&tree);
	for (uint64_t i = index << level; i < (index + 1) << level; i++) {
		cr_assert_lt(i, LEAVES_MAX);
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	}
	merkle_root(&tree, out->bytes);
	return ERR_OK;
}

static const struct merkle_source source = { node, NULL };

static void plant(void)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i <= LEAVES_MAX; i++) {
		const uint8_t piece[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		merkle_root(&tree, roots[i].bytes);
		if (i == LEAVES_MAX)
			break;
		merkle_leaf_hash(BYTES_ARRAY(piece), leaves[i].bytes);
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	}
}

static struct merkle_head head_of(uint64_t size)
{
	return (struct merkle_head){ size, roots[size] };
}

TestSuite(merkle_proof, .init = plant);

Test(merkle_proof, every_leaf_of_every_tree_to_70_leaves_is_proven_in_it)
{
	for (uint64_t size = 1; size <= 70; size++) {
		struct merkle_head head = head_of(size);

		for (uint64_t i = 0; i < size; i++) {
			struct merkle_proof proof;

			cr_assert_eq(merkle_proof_make_inclusion(&source, i,
								 size, &proof),
				     ERR_OK);
			for (uint64_t at = 0; at <= size; at++)
				cr_assert_eq(merkle_proof_inclusion(
						     &head, at, &leaves[i],
						     &proof) == ERR_OK,
					     at == i);
		}
	}
}

Test(merkle_proof, every_tree_to_70_leaves_is_proven_to_grow_into_every_other)
{
	for (uint64_t newer = 1; newer <= 70; newer++) {
		struct merkle_head to = head_of(newer);

		for (uint64_t older = 1; older <= newer; older++) {
			struct merkle_head from = head_of(older);
			struct merkle_head other = head_of(older);
			struct merkle_proof proof;

			cr_assert_eq(merkle_proof_make_consistency(
					     &source, older, newer, &proof),
				     ERR_OK);
			cr_assert_eq(
				merkle_proof_consistency(&from, &to, &proof),
				ERR_OK);
			other.root.bytes[0] ^= 1;
			cr_assert_eq(
				merkle_proof_consistency(&other, &to, &proof),
				ERR_UNAUTHENTIC);
		}
	}
}

Test(merkle_proof, the_edge_of_every_size_has_that_tree_s_root)
{
	for (uint64_t size = 0; size <= LEAVES_MAX; size++) {
		struct merkle edge;
		struct merkle_hash root;

		cr_assert_eq(merkle_proof_edge(&source, size, &edge), ERR_OK);
		cr_assert_eq(edge.leaves, size);
		merkle_root(&edge, root.bytes);
		cr_assert_arr_eq(root.bytes, roots[size].bytes,
				 MERKLE_HASH_BYTES);
	}
}

Test(merkle_proof, from_nothing_or_beyond_the_tree_there_is_no_proof)
{
	struct merkle_proof proof = { 0 };
	struct merkle_head none = { 0, roots[0] };
	struct merkle_head seven = head_of(7);

	cr_assert_eq(merkle_proof_make_inclusion(&source, 7, 7, &proof),
		     ERR_DENIED);
	cr_assert_eq(merkle_proof_make_consistency(&source, 0, 7, &proof),
		     ERR_DENIED);
	cr_assert_eq(merkle_proof_make_consistency(&source, 8, 7, &proof),
		     ERR_DENIED);
	cr_assert_eq(merkle_proof_consistency(&none, &seven, &proof),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(merkle_proof_consistency(&none, &none, &proof),
		     ERR_UNAUTHENTIC);
	cr_assert_eq(merkle_proof_inclusion(&none, 0, &leaves[0], &proof),
		     ERR_UNAUTHENTIC);
}

/* RFC 6962, 2.1.3, names these paths and proofs of the tree of 7 leaves. */
Test(merkle_proof, the_examples_of_rfc_6962_are_made_hash_by_hash)
{
	struct merkle_proof proof;
	struct merkle_hash k;

	cr_assert_eq(merkle_proof_make_inclusion(&source, 6, 7, &proof),
		     ERR_OK);
	cr_assert_eq(proof.count, 2); /* i, k */
	merkle_node_hash(leaves[4].bytes, leaves[5].bytes, k.bytes);
	cr_assert_arr_eq(proof.hashes[0].bytes, k.bytes, MERKLE_HASH_BYTES);
	cr_assert_arr_eq(proof.hashes[1].bytes, roots[4].bytes,
			 MERKLE_HASH_BYTES);
	cr_assert_eq(merkle_proof_make_consistency(&source, 3, 7, &proof),
		     ERR_OK);
	cr_assert_eq(proof.count, 4); /* c, d, g, l */
	cr_assert_arr_eq(proof.hashes[0].bytes, leaves[2].bytes,
			 MERKLE_HASH_BYTES);
	cr_assert_arr_eq(proof.hashes[1].bytes, leaves[3].bytes,
			 MERKLE_HASH_BYTES);
	cr_assert_arr_eq(proof.hashes[2].bytes, roots[2].bytes,
			 MERKLE_HASH_BYTES);
	cr_assert_eq(merkle_proof_make_consistency(&source, 4, 7, &proof),
		     ERR_OK);
	cr_assert_eq(proof.count, 1); /* l */
	cr_assert_eq(merkle_proof_make_consistency(&source, 6, 7, &proof),
		     ERR_OK);
	cr_assert_eq(proof.count, 3); /* i, j, k */
}

/* A generator of no quality, so that a failure is met again. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct claim {
	struct merkle_head older, newer; /* older alone is used for growth */
	uint64_t index;
	struct merkle_hash leaf;
	struct merkle_proof proof;
};

static bool same_proof(const struct merkle_proof *a,
		       const struct merkle_proof *b)
{
	return a->count == b->count &&
	       memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) ==
		       0;
}

/* One change at random, of a kind that an attacker would try. */
static void mutate(struct claim *claim, uint64_t *state)
{
	struct merkle_proof *proof = &claim->proof;
	uint64_t what = draw(state);
	size_t at = proof->count == 0 ? 0 : draw(state) % proof->count;
	uint8_t bit = (uint8_t)(1u << draw(state) % 8);
	size_t byte = draw(state) % MERKLE_HASH_BYTES;

	switch (what % 8) {
	case 0:
	case 1:
		proof->hashes[at].bytes[byte] ^= bit;
		break;
	case 2: /* one more, which the tree knows */
		if (proof->count < MERKLE_PROOF_MAX)
			proof->hashes[proof->count++] =
				leaves[draw(state) % LEAVES_MAX];
		break;
	case 3: /* one less, anywhere */
		if (proof->count > 0) {
			proof->count--;
			memmove(&proof->hashes[at], &proof->hashes[at + 1],
				(proof->count - at) * sizeof(proof->hashes[0]));
		}
		break;
	case 4: /* two change places */
		if (proof->count > 0) {
			size_t other = draw(state) % proof->count;
			struct merkle_hash kept = proof->hashes[at];

			proof->hashes[at] = proof->hashes[other];
			proof->hashes[other] = kept;
		}
		break;
	case 5:
		claim->leaf.bytes[byte] ^= bit;
		claim->older.root.bytes[byte] ^= bit;
		break;
	case 6:
		claim->newer.root.bytes[byte] ^= bit;
		break;
	default:
		claim->index ^= (uint64_t)1 << draw(state) % 9;
		claim->older.size ^= (uint64_t)1 << draw(state) % 9;
		break;
	}
}

/* Whether anything that the proof speaks of is still as it was. */
static bool is_changed(const struct claim *a, const struct claim *b)
{
	return !same_proof(&a->proof, &b->proof) || a->index != b->index ||
	       memcmp(&a->leaf, &b->leaf, sizeof(a->leaf)) != 0 ||
	       memcmp(&a->newer.root, &b->newer.root, MERKLE_HASH_BYTES) != 0;
}

#define BASES 1100 /* of each, a thousand proofs */

Test(merkle_proof, of_a_million_mutated_proofs_none_is_accepted)
{
	uint64_t state = 88172645463325252u ^ effort_seed() << 32;
	struct effort effort = effort_of(BASES);
	size_t accepted = 0, tried = 0, sound = 0;

	while (effort_more(&effort)) {
		uint64_t newer = 2 + draw(&state) % (LEAVES_MAX - 1);
		uint64_t older = 1 + draw(&state) % (newer - 1);
		struct claim inside = { head_of(older), head_of(newer),
					draw(&state) % newer, .proof = { 0 } };
		struct claim growth = inside;

		inside.leaf = leaves[inside.index];
		growth.leaf = inside.leaf;
		cr_assert_eq(merkle_proof_make_inclusion(&source, inside.index,
							 newer, &inside.proof),
			     ERR_OK);
		cr_assert_eq(merkle_proof_make_consistency(
				     &source, older, newer, &growth.proof),
			     ERR_OK);
		/* The control: what is not changed is accepted. */
		sound += merkle_proof_inclusion(&inside.newer, inside.index,
						&inside.leaf,
						&inside.proof) == ERR_OK;
		sound += merkle_proof_consistency(&growth.older, &growth.newer,
						  &growth.proof) == ERR_OK;
		cr_assert_eq(sound, 2 * effort.done);
		for (int k = 0; k < 500; k++) {
			struct claim a = inside, b = growth;

			mutate(&a, &state);
			mutate(&b, &state);
			if (is_changed(&a, &inside)) {
				tried++;
				accepted += merkle_proof_inclusion(
						    &a.newer, a.index, &a.leaf,
						    &a.proof) == ERR_OK;
			}
			if (is_changed(&b, &growth)) {
				tried++;
				accepted += merkle_proof_consistency(
						    &b.older, &b.newer,
						    &b.proof) == ERR_OK;
			}
		}
	}
	figure_none("K5", "mutated proofs accepted", accepted, tried, sound);
	cr_assert_gt(tried, 1000000);
}

/* --- the set of transparency-dev/merkle: one file, one verdict --- */

struct tally {
	size_t files, wanted_errors, empty_ranges;
};

/*
 * What is no hash of 32 bytes cannot be said in our types.  A hash of it takes
 * its place, so that the rule is asked and not the length; two that are empty
 * become two different ones, since the set wants those refused.
 */
static struct merkle_hash take_hash(const json_t *text)
{
	static uint8_t empties;
	uint8_t memory[512];
	struct writer raw = WRITER_OVER(memory);
	struct merkle_hash hash;

	cr_assert(json_is_string(text));
	cr_assert_eq(base64_decode_standard(
			     bytes_of_string(json_string_value(text)), &raw),
		     ERR_OK);
	if (raw.len == 0)
		cr_assert_eq(bytes_put_u8(&raw, empties++), ERR_OK);
	if (raw.len == MERKLE_HASH_BYTES)
		memcpy(hash.bytes, memory, MERKLE_HASH_BYTES);
	else
		hash_sha256(bytes_written(&raw), hash.bytes);
	return hash;
}

static void take_proof(const json_t *list, struct merkle_proof *out)
{
	out->count = json_array_size(list);
	cr_assert_leq(out->count, MERKLE_PROOF_MAX);
	for (size_t i = 0; i < out->count; i++)
		out->hashes[i] = take_hash(json_array_get(list, i));
}

/* JSON's numbers end at 2^63, and one file means 2^64 - 1. */
static uint64_t number(const json_t *file, const char *name)
{
	const json_t *value = json_object_get(file, name);

	if (json_is_real(value))
		return UINT64_MAX;
	cr_assert(json_is_integer(value), "%s", name);
	return (uint64_t)json_integer_value(value);
}

static bool judge(const json_t *file)
{
	struct merkle_head newer = { 0 };
	struct merkle_proof proof;
	bool is_part = json_object_get(file, "start") != NULL;
	uint64_t start = is_part ? number(file, "start") : 0;

	take_proof(json_object_get(file, "proof"), &proof);
	if (json_object_get(file, "leafIdx") != NULL) {
		uint64_t index = number(file, "leafIdx");
		struct merkle_hash leaf =
			take_hash(json_object_get(file, "leafHash"));

		newer.size = is_part ? number(file, "end") - start
				     : number(file, "treeSize");
		newer.root = take_hash(json_object_get(file, "root"));
		return merkle_proof_inclusion(&newer, index - start, &leaf,
					      &proof) == ERR_OK;
	}

	struct merkle_range range = { .start = start };

	range.end = number(file, is_part ? "end" : "size1");
	range.root = take_hash(json_object_get(file, "root1"));
	newer.size = number(file, is_part ? "size" : "size2");
	newer.root = take_hash(json_object_get(file, "root2"));
	return merkle_proof_range(&range, &newer, &proof) == ERR_OK;
}

static void look_at_file(const char *path, struct tally *tally)
{
	json_error_t error;
	json_t *file = json_load_file(path, 0, &error);

	if (file == NULL) /* a number beyond int64_t */
		file = json_load_file(path, JSON_DECODE_INT_AS_REAL, &error);
	cr_assert_not_null(file, "%s: %s", path, error.text);

	bool refuse = json_is_true(json_object_get(file, "wantErr"));
	bool accepted = judge(file);

	tally->files++;
	tally->wanted_errors += refuse;
	if (!refuse && !accepted) {
		/* That nothing is in a tree is true, and of no use to us. */
		cr_assert_eq(number(file, "start"), number(file, "end"), "%s",
			     path);
		tally->empty_ranges++;
	} else {
		cr_assert_neq(accepted, refuse, "%s", path);
	}
	json_decref(file);
}

static void look_into(const char *folder, struct tally *tally)
{
	DIR *open = opendir(folder);
	const struct dirent *entry;
	char path[1024];

	cr_assert_not_null(open, "%s", folder);
	while ((entry = readdir(open)) != NULL) {
		struct stat info;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		cr_assert_eq(stat(path, &info), 0);
		if (S_ISDIR(info.st_mode))
			look_into(path, tally);
		else if (strstr(path, ".json") != NULL)
			look_at_file(path, tally);
	}
	closedir(open);
}

Test(merkle_proof, the_set_of_transparency_dev_is_judged_as_it_says)
{
	const char *vectors = getenv("VECTORS");
	struct tally tally = { 0 };
	char folder[512];
	struct stat info;

	snprintf(folder, sizeof(folder), "%s/merkle",
		 vectors == NULL ? "../shared/vectors" : vectors);
	if (stat(folder, &info) != 0)
		cr_skip_test("the vectors are not there: %s", folder);
	look_into(folder, &tally);
	cr_log_info("%zu files, %zu of them to refuse", tally.files,
		    tally.wanted_errors);
	cr_assert_eq(tally.empty_ranges, 4);
	cr_assert_geq(tally.files, 300);
	cr_assert_geq(tally.wanted_errors, 250);
	cr_assert_geq(tally.files - tally.wanted_errors, 20);
}
