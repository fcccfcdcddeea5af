/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_proof.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW 1800000000u
#define ENTRIES 9
#define ENTRY 5
#define WITNESSES 3

/* A log of nine entries, whose head three witnesses signed. */
static struct note_signer log_signer, witnesses[WITNESSES];
static struct note_key keys[WITNESSES];
static struct merkle_hash leaves[ENTRIES];
static struct merkle_head head;
static struct tlog_policy policy;

static struct bytes entry_of(size_t i)
{
	static const char *const texts[ENTRIES] = { "0", "1", "2", "3", "4",
						    "5", "6", "7", "8" };

	return bytes_of_string(texts[i]);
}

static enum err node(void *context, unsigned level, uint64_t index,
		     struct merkle_hash *out)
{
	struct merkle tree;

	(void)context;
	merkle_init(&tree);
	for (uint64_t i = index << level; i < (index + 1) << level; i++)
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	merkle_root(&tree, out->bytes);
	return ERR_OK;
}

static void set_up(void)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i < ENTRIES; i++) {
		merkle_leaf_hash(entry_of(i), leaves[i].bytes);
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	}
	head.size = ENTRIES;
	merkle_root(&tree, head.root.bytes);
	cr_assert_eq(note_signer_generate(BYTES_LITERAL("log.example/1"),
					  NOTE_ED25519, &log_signer),
		     ERR_OK);
	for (size_t i = 0; i < WITNESSES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "witness.example/%zu", i);
		cr_assert_eq(note_signer_generate(bytes_of_string(name),
						  NOTE_COSIGNATURE,
						  &witnesses[i]),
			     ERR_OK);
		keys[i] = witnesses[i].key;
	}
	policy = (struct tlog_policy){ .log = &log_signer.key,
				       .witnesses = keys,
				       .witness_count = WITNESSES,
				       .quorum = 2,
				       .now = NOW,
				       .age_max_s = 3600 };
}

TestSuite(tlog_proof, .init = set_up);

/* What a proof is made of, to make worse ones. */
struct recipe {
	const char *origin;
	const struct note_signer *log;
	size_t witnesses;
	uint64_t times[WITNESSES];
	uint64_t index;
};

static const struct recipe good = { "log.example/1",
				    &log_signer,
				    WITNESSES,
				    { NOW - 10, NOW - 20, NOW - 30 },
				    ENTRY };

static struct bytes cook(const struct recipe *recipe, struct writer *out)
{
	static uint8_t memory[8192];
	struct writer text = WRITER_OVER(memory);
	struct tlog_checkpoint checkpoint = {
		.origin = bytes_of_string(recipe->origin), .head = head
	};
	struct merkle_source source = { node, NULL };
	struct merkle_proof path;
	struct bytes body;

	cr_assert_eq(tlog_checkpoint_put(&text, &checkpoint), ERR_OK);
	body = bytes_written(&text);
	cr_assert_eq(bytes_put_u8(&text, '\n'), ERR_OK);
	cr_assert_eq(note_sign(recipe->log, body, 0, &text), ERR_OK);
	for (size_t i = 0; i < recipe->witnesses; i++)
		cr_assert_eq(
			note_sign(&witnesses[i], body, recipe->times[i], &text),
			ERR_OK);
	cr_assert_eq(
		merkle_proof_make_inclusion(&source, ENTRY, ENTRIES, &path),
		ERR_OK);
	cr_assert_eq(
		tlog_proof_put(out, recipe->index, &path, bytes_written(&text)),
		ERR_OK);
	return bytes_written(out);
}

static enum tlog_verdict judged(const struct recipe *recipe)
{
	uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);

	return tlog_proof_verify(cook(recipe, &out), entry_of(ENTRY), &policy);
}

Test(tlog_proof, what_log_and_witnesses_signed_is_proven)
{
	cr_assert_eq(judged(&good), TLOG_PROVEN);
	cr_assert_str_eq(tlog_proof_verdict_name(TLOG_PROVEN), "proven");
}

Test(tlog_proof, another_origin_is_told)
{
	struct recipe bad = good;

	bad.origin = "log.example/2";
	cr_assert_eq(judged(&bad), TLOG_WRONG_ORIGIN);
}

Test(tlog_proof, a_head_that_another_key_signed_is_not_signed)
{
	struct note_signer other;
	struct recipe bad = good;

	cr_assert_eq(note_signer_generate(BYTES_LITERAL("log.example/1"),
					  NOTE_ED25519, &other),
		     ERR_OK);
	bad.log = &other;
	cr_assert_eq(judged(&bad), TLOG_NOT_SIGNED);
	other.key = log_signer.key; /* and pretends to be the first */
	cr_assert_eq(judged(&bad), TLOG_SIGNATURE_WRONG);
}

Test(tlog_proof, another_entry_or_index_is_not_included)
{
	uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);
	struct recipe bad = good;
	struct bytes proof = cook(&good, &out);

	for (size_t i = 0; i < ENTRIES; i++)
		cr_assert_eq(tlog_proof_verify(proof, entry_of(i), &policy),
			     i == ENTRY ? TLOG_PROVEN : TLOG_NOT_INCLUDED);
	bad.index = ENTRY + 1;
	cr_assert_eq(judged(&bad), TLOG_NOT_INCLUDED);
}

Test(tlog_proof, fewer_witnesses_than_the_quorum_are_below_it)
{
	struct recipe bad = good;

	for (bad.witnesses = 0; bad.witnesses <= WITNESSES; bad.witnesses++)
		for (policy.quorum = 1; policy.quorum <= WITNESSES;
		     policy.quorum++)
			cr_assert_eq(judged(&bad),
				     bad.witnesses >= policy.quorum
					     ? TLOG_PROVEN
					     : TLOG_BELOW_QUORUM);
}

Test(tlog_proof, one_witness_twice_is_one_witness)
{
	struct recipe bad = good;
	struct note_signer kept = witnesses[1];

	policy.quorum = 2;
	bad.witnesses = 2;
	cr_assert_eq(judged(&bad), TLOG_PROVEN);
	witnesses[1] = witnesses[0];
	cr_assert_eq(judged(&bad), TLOG_BELOW_QUORUM);
	witnesses[1] = kept;
}

Test(tlog_proof, one_key_under_two_names_is_one_witness)
{
	policy.quorum = 2;
	cr_assert_eq(note_key_make(BYTES_LITERAL("witness.example/1"),
				   NOTE_COSIGNATURE, &keys[0].public_key,
				   &keys[1]),
		     ERR_OK);
	witnesses[1] = witnesses[0];
	witnesses[1].key = keys[1];
	keys[2] = keys[0];
	witnesses[2] = witnesses[0];
	cr_assert_eq(judged(&good), TLOG_BELOW_QUORUM);
	policy.quorum = 1;
	cr_assert_eq(judged(&good), TLOG_PROVEN);
}

Test(tlog_proof, a_quorum_of_old_cosignatures_is_stale)
{
	struct recipe old = good;

	old.times[0] = NOW - 3600;
	old.times[1] = NOW - 3600;
	old.times[2] = 1;
	cr_assert_eq(judged(&old), TLOG_PROVEN);
	old.times[1]--;
	cr_assert_eq(judged(&old), TLOG_STALE);
	policy.age_max_s = 0;
	cr_assert_eq(judged(&old), TLOG_PROVEN);
}

Test(tlog_proof, a_cosignature_of_the_future_counts_as_none)
{
	struct recipe early = good;

	early.witnesses = 2;
	early.times[1] = NOW + TLOG_PROOF_AHEAD_S;
	cr_assert_eq(judged(&early), TLOG_PROVEN);
	early.times[1]++;
	cr_assert_eq(judged(&early), TLOG_BELOW_QUORUM);
	early.times[1] = INT64_MAX;
	cr_assert_eq(judged(&early), TLOG_BELOW_QUORUM);
	policy.now = UINT64_MAX;
	cr_assert_eq(judged(&early), TLOG_STALE);
}

Test(tlog_proof, without_a_quorum_nobody_tells_how_old_a_head_is)
{
	policy.quorum = 0;
	cr_assert_eq(judged(&good), TLOG_STALE);
	policy.age_max_s = 0;
	cr_assert_eq(judged(&good), TLOG_PROVEN);
}

Test(tlog_proof, no_flipped_bit_cut_or_byte_more_is_proven)
{
	static uint8_t memory[8192];
	struct writer out = WRITER_OVER(memory);
	struct bytes proof = cook(&good, &out);
	size_t proven = 0;

	policy.quorum = WITNESSES;
	for (size_t bit = 0; bit < 8 * proof.len; bit++) {
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		proven += tlog_proof_verify(proof, entry_of(ENTRY), &policy) ==
			  TLOG_PROVEN;
		memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < proof.len; len++)
		proven += tlog_proof_verify((struct bytes){ memory, len },
					    entry_of(ENTRY),
					    &policy) == TLOG_PROVEN;
	memory[proof.len] = '\n';
	proven += tlog_proof_verify((struct bytes){ memory, proof.len + 1 },
				    entry_of(ENTRY), &policy) == TLOG_PROVEN;
	cr_assert_eq(proven, 0);
	cr_assert_eq(tlog_proof_verify(proof, entry_of(ENTRY), &policy),
		     TLOG_PROVEN);
}

Test(tlog_proof, extra_data_may_stand_there_and_proves_nothing)
{
	uint8_t memory[8192], with[8192];
	struct writer out = WRITER_OVER(memory), longer = WRITER_OVER(with);
	struct bytes proof = cook(&good, &out), line;
	struct tlog_proof parsed;

	cr_assert_eq(
		bytes_take(&proof, strlen("c2sp.org/tlog-proof@v1\n"), &line),
		ERR_OK);
	cr_assert_eq(bytes_put(&longer, line), ERR_OK);
	cr_assert_eq(bytes_put(&longer, BYTES_LITERAL("extra Zm9v\n")), ERR_OK);
	cr_assert_eq(bytes_put(&longer, proof), ERR_OK);
	cr_assert_eq(tlog_proof_verify(bytes_written(&longer), entry_of(ENTRY),
				       &policy),
		     TLOG_PROVEN);
	cr_assert_eq(tlog_proof_parse(bytes_written(&longer), &parsed), ERR_OK);
	cr_assert(bytes_equal(parsed.extra, BYTES_LITERAL("Zm9v")));
}

Test(tlog_proof, what_is_no_proof_is_malformed)
{
	static const char *const bad[] = {
		"",
		"c2sp.org/tlog-proof@v1",
		"c2sp.org/tlog-proof@v1\n",
		"c2sp.org/tlog-proof@v2\nindex 0\n\n",
		"c2sp.org/tlog-proof@v1\nindex 0\n\n",
		"c2sp.org/tlog-proof@v1\nindex 00\n\n",
		"c2sp.org/tlog-proof@v1\nindex -1\n\n",
		"c2sp.org/tlog-proof@v1\nindex \n\n",
		"c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\n",
		"c2sp.org/tlog-proof@v1\nextra =\nindex 0\n\n",
	};
	struct tlog_proof proof;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(tlog_proof_parse(bytes_of_string(bad[i]), &proof),
			     ERR_MALFORMED, "%s", bad[i]);
}
