/* SPDX-License-Identifier: Apache-2.0 */
#include "tlog/tlog_witness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ENTRIES 16

static struct note_signer log_signer;
static struct merkle_hash leaves[ENTRIES];
static struct merkle_head heads[ENTRIES + 1];

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
	for (size_t i = 0; i <= ENTRIES; i++) {
		const uint8_t entry[1] = { (uint8_t)i };

		heads[i].size = i;
		merkle_root(&tree, heads[i].root.bytes);
		if (i == ENTRIES)
			break;
		merkle_leaf_hash(BYTES_ARRAY(entry), leaves[i].bytes);
		merkle_add_leaf_hash(&tree, leaves[i].bytes);
	}
	cr_assert_eq(note_signer_generate(BYTES_LITERAL("log.example"),
					  NOTE_ED25519, &log_signer),
		     ERR_OK);
}

TestSuite(tlog_witness, .init = set_up);

static struct bytes checkpoint_of(const struct merkle_head *head,
				  struct writer *out)
{
	struct tlog_checkpoint checkpoint = {
		.origin = BYTES_LITERAL("log.example"), .head = *head
	};
	struct bytes text;

	cr_assert_eq(tlog_checkpoint_put(out, &checkpoint), ERR_OK);
	text = bytes_written(out);
	cr_assert_eq(bytes_put_u8(out, '\n'), ERR_OK);
	cr_assert_eq(note_sign(&log_signer, text, 0, out), ERR_OK);
	return bytes_written(out);
}

/* A request from `old` to this head, with the proof that `older` needs. */
static struct bytes request_of(uint64_t old, const struct merkle_head *head,
			       uint64_t older, struct writer *out)
{
	struct merkle_source source = { node, NULL };
	struct merkle_proof growth = { 0 };
	uint8_t memory[2048];
	struct writer text = WRITER_OVER(memory);

	if (older > 0)
		cr_assert_eq(merkle_proof_make_consistency(&source, older,
							   head->size, &growth),
			     ERR_OK);
	cr_assert_eq(
		tlog_witness_put(out, old, &growth, checkpoint_of(head, &text)),
		ERR_OK);
	return bytes_written(out);
}

static enum tlog_witness_status ask(uint64_t old,
				    const struct merkle_head *head,
				    uint64_t older,
				    const struct merkle_head *last)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct tlog_witness_request request;

	cr_assert_eq(tlog_witness_parse(request_of(old, head, older, &out),
					&request),
		     ERR_OK);
	return tlog_witness_judge(&request, &log_signer.key, last);
}

Test(tlog_witness, every_growth_of_a_tree_is_signed)
{
	for (uint64_t last = 0; last <= ENTRIES; last++)
		for (uint64_t next = last; next <= ENTRIES; next++)
			cr_assert_eq(
				ask(last, &heads[next], last, &heads[last]),
				TLOG_WITNESS_SIGN);
}

Test(tlog_witness, another_old_size_is_a_conflict_and_one_too_large_malformed)
{
	cr_assert_eq(ask(3, &heads[8], 3, &heads[4]), TLOG_WITNESS_CONFLICT);
	cr_assert_eq(ask(0, &heads[8], 0, &heads[4]), TLOG_WITNESS_CONFLICT);
	cr_assert_eq(ask(3, &heads[8], 3, &heads[0]), TLOG_WITNESS_CONFLICT);
	cr_assert_eq(ask(9, &heads[8], 8, &heads[9]), TLOG_WITNESS_MALFORMED);
}

Test(tlog_witness, another_root_of_the_same_size_is_a_conflict)
{
	struct merkle_head fork = heads[4];

	fork.root.bytes[0] ^= 1;
	cr_assert_eq(ask(4, &fork, 4, &heads[4]), TLOG_WITNESS_CONFLICT);
}

Test(tlog_witness, a_tree_that_did_not_just_grow_is_not_signed)
{
	struct merkle_head fork = heads[4];

	fork.root.bytes[0] ^= 1;
	cr_assert_eq(ask(4, &heads[9], 4, &fork), TLOG_WITNESS_NO_PROOF);
	cr_assert_eq(ask(4, &heads[9], 5, &heads[4]), TLOG_WITNESS_NO_PROOF);
	cr_assert_eq(ask(4, &heads[9], 0, &heads[4]), TLOG_WITNESS_NO_PROOF);
	/* From nothing no proof is wanted. */
	cr_assert_eq(ask(0, &heads[9], 4, &heads[0]), TLOG_WITNESS_NO_PROOF);
	fork = heads[0];
	fork.root.bytes[0] ^= 1;
	cr_assert_eq(ask(0, &fork, 0, &heads[0]), TLOG_WITNESS_NO_PROOF);
}

Test(tlog_witness, without_the_log_s_good_signature_nothing_is_looked_at)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct tlog_witness_request request;
	struct note_signer other;
	struct note_key false_key = log_signer.key;

	cr_assert_eq(note_signer_generate(BYTES_LITERAL("log.example"),
					  NOTE_ED25519, &other),
		     ERR_OK);
	cr_assert_eq(
		tlog_witness_parse(request_of(0, &heads[4], 0, &out), &request),
		ERR_OK);
	cr_assert_eq(tlog_witness_judge(&request, NULL, &heads[0]),
		     TLOG_WITNESS_NO_LOG);
	cr_assert_eq(tlog_witness_judge(&request, &other.key, &heads[0]),
		     TLOG_WITNESS_NO_SIGNATURE);
	false_key.public_key = other.key.public_key;
	cr_assert_eq(tlog_witness_judge(&request, &false_key, &heads[0]),
		     TLOG_WITNESS_NO_SIGNATURE);
}

Test(tlog_witness, what_is_no_request_is_refused_by_its_form)
{
	uint8_t memory[4096];
	struct writer out = WRITER_OVER(memory);
	struct bytes sound = request_of(4, &heads[9], 4, &out);
	struct tlog_witness_request request;

	cr_assert_eq(tlog_witness_parse(sound, &request), ERR_OK);
	for (size_t len = 0; len < sound.len; len++)
		cr_assert_neq(tlog_witness_parse((struct bytes){ memory, len },
						 &request),
			      ERR_OK);
	memory[4] = '0'; /* "old 04" would be the same number */
	memory[5] = '4';
	cr_assert_eq(tlog_witness_parse(sound, &request), ERR_MALFORMED);
}

Test(tlog_witness, more_than_63_lines_of_proof_are_refused)
{
	static uint8_t memory[1 << 14];
	uint8_t text_memory[2048];
	struct writer out = WRITER_OVER(memory);
	struct writer text = WRITER_OVER(text_memory);
	struct bytes checkpoint = checkpoint_of(&heads[9], &text);
	struct merkle_proof growth = { .count = 64 };
	struct tlog_witness_request request;

	cr_assert_eq(tlog_witness_put(&out, 4, &growth, checkpoint),
		     ERR_TOO_LARGE);
	growth.count = 63;
	cr_assert_eq(tlog_witness_put(&out, 4, &growth, checkpoint), ERR_OK);
	cr_assert_eq(tlog_witness_parse(bytes_written(&out), &request), ERR_OK);

	uint8_t *line = memory + strlen("old 4\n");
	static uint8_t longer[1 << 14];
	size_t head = (size_t)(line - memory);

	memcpy(longer, memory, head + 45);
	memcpy(longer + head + 45, line, out.len - head);
	cr_assert_eq(tlog_witness_parse((struct bytes){ longer, out.len + 45 },
					&request),
		     ERR_MALFORMED);
}
