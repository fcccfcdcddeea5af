/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/receipt_check.h"
#include "attest/signed_receipt.h"
#include "tests/support/receipts.h"

/* A receipt, and what it is held against, in agreement until a test objects. */
struct sample {
	struct receipt receipt;
	struct receipt_check_node node;
	struct receipt_check_exchange exchange;
	struct sign_private_key key;
	uint8_t memory[RECEIPT_SIGNED_MAX];
};

static void prepare(struct sample *out)
{
	struct statement *stated = &out->node.statement;
	const struct receipt *receipt = &out->receipt;
	struct sign_public_key public_key;

	*out = (struct sample){ .receipt = receipts_sample() };
	sign_key_generate(&out->key, &public_key);
	memcpy(stated->receipt_key, public_key.bytes, SIGN_PUBLIC_BYTES);
	memcpy(stated->node_id, receipt->node.node_id, 32);
	memcpy(stated->model_root, receipt->node.model_root, 32);
	memcpy(stated->tokenizer_digest, receipt->node.tokenizer_digest, 32);
	memcpy(stated->policy_digest, receipt->node.policy_digest, 32);
	memcpy(stated->jail_digest, receipt->node.jail_digest, 32);
	stated->shape = receipt->node.shape;
	stated->assurance = receipt->node.assurance;
	stated->key_expiry = receipt->node.time + 3600;
	memcpy(out->node.bundle_digest, receipt->node.evidence_digest, 32);
	memcpy(out->node.checkpoint_digest, receipt->node.checkpoint_digest,
	       32);
	out->node.evidence_kinds = receipt->node.evidence_kinds;
	out->node.key_id = receipt->node.key_id;
	memcpy(out->exchange.request, receipt->answer.request, 32);
	memcpy(out->exchange.response, receipt->answer.response, 32);
}

static struct receipt_check run(struct sample *sample)
{
	struct writer out = WRITER_OVER(sample->memory);
	struct receipt_check check;

	cr_assert_eq(signed_receipt_write(&sample->receipt, &sample->key, &out),
		     ERR_OK);
	sample->exchange.receipt = bytes_written(&out);
	receipt_check_run(&sample->node, &sample->exchange, &check);
	return check;
}

/* This question fails, and no other. */
static void expect_failure(struct sample *sample, enum receipt_check_code code)
{
	struct receipt_check check = run(sample);

	cr_assert_not(receipt_check_holds(&check));
	for (size_t i = 0; i < RECEIPT_CHECK_CODES; i++) {
		const struct record *record = &check.records[i];

		cr_assert_eq(record->mark,
			     i == code ? RECORD_FAIL : RECORD_PASS, "%s: %s",
			     receipt_check_name((enum receipt_check_code)i),
			     record->text);
		cr_assert_gt(strlen(record->text), 10);
	}
}

Test(receipt_check, one_that_fits_passes_every_question)
{
	struct sample sample;
	struct receipt_check check;

	prepare(&sample);
	check = run(&sample);
	cr_assert(receipt_check_holds(&check));
}

Test(receipt_check, another_key_s_signature_is_refused)
{
	struct sample sample;
	struct sign_public_key unused;

	prepare(&sample);
	sign_key_generate(&sample.key, &unused);
	expect_failure(&sample, RECEIPT_CHECK_SIGNATURE);
}

Test(receipt_check, another_node_or_key_is_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.node.statement.node_id[5] ^= 1;
	expect_failure(&sample, RECEIPT_CHECK_NODE);
	prepare(&sample);
	sample.node.key_id++;
	expect_failure(&sample, RECEIPT_CHECK_NODE);
}

Test(receipt_check, another_bundle_or_other_evidence_is_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.node.bundle_digest[0] ^= 1;
	expect_failure(&sample, RECEIPT_CHECK_EVIDENCE);
	prepare(&sample);
	sample.node.evidence_kinds = 2;
	expect_failure(&sample, RECEIPT_CHECK_EVIDENCE);
	prepare(&sample);
	sample.node.statement.assurance = STATEMENT_SOFTWARE;
	expect_failure(&sample, RECEIPT_CHECK_EVIDENCE);
}

Test(receipt_check, another_head_of_the_log_is_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.node.checkpoint_digest[3] ^= 1;
	expect_failure(&sample, RECEIPT_CHECK_LOG);
	prepare(&sample);
	memset(sample.receipt.node.checkpoint_digest, 1, 32);
	expect_failure(&sample, RECEIPT_CHECK_LOG);
}

Test(receipt_check, any_digest_or_shape_but_the_stated_is_refused)
{
	static const size_t places[] = {
		offsetof(struct statement, model_root),
		offsetof(struct statement, tokenizer_digest),
		offsetof(struct statement, policy_digest),
		offsetof(struct statement, jail_digest),
		offsetof(struct statement, shape.mode),
		offsetof(struct statement, shape.frame_bytes),
		offsetof(struct statement, shape.tick_ms),
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct sample sample;

		prepare(&sample);
		((uint8_t *)&sample.node.statement)[places[i]] ^= 1;
		expect_failure(&sample, RECEIPT_CHECK_STATEMENT);
	}
}

Test(receipt_check, another_request_or_response_is_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.exchange.request[31] ^= 0x80;
	expect_failure(&sample, RECEIPT_CHECK_REQUEST);
	prepare(&sample);
	sample.exchange.response[31] ^= 0x80;
	expect_failure(&sample, RECEIPT_CHECK_RESPONSE);
}

Test(receipt_check, memory_that_was_not_read_back_is_told)
{
	struct sample sample;

	prepare(&sample);
	sample.receipt.answer.arena = RECEIPT_ARENA_UNREAD;
	expect_failure(&sample, RECEIPT_CHECK_ARENA);
}

Test(receipt_check, a_time_at_which_the_key_was_not_good_is_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.node.statement.key_expiry = sample.receipt.node.time - 3600;
	expect_failure(&sample, RECEIPT_CHECK_TIME);
	prepare(&sample);
	sample.node.statement.key_expiry =
		sample.receipt.node.time + 2 * 24 * 3600;
	expect_failure(&sample, RECEIPT_CHECK_TIME);
}

Test(receipt_check, what_is_no_receipt_passes_nothing)
{
	struct sample sample;
	struct receipt_check check;

	prepare(&sample);
	(void)run(&sample);
	sample.exchange.receipt.len--;
	receipt_check_run(&sample.node, &sample.exchange, &check);
	cr_assert_eq(check.records[RECEIPT_CHECK_FORMAT].mark, RECORD_FAIL);
	for (size_t i = 1; i < RECEIPT_CHECK_CODES; i++)
		cr_assert_eq(check.records[i].mark, RECORD_SKIP);
	cr_assert_not(receipt_check_holds(&check));
}

/* Requirement A11: marked in the words that a person reads. */
Test(receipt_check, software_evidence_is_marked_in_the_receipt)
{
	struct sample sample;
	struct receipt_check check;

	prepare(&sample);
	sample.receipt.node.evidence_kinds = 1;
	sample.receipt.node.assurance = STATEMENT_SOFTWARE;
	sample.node.evidence_kinds = 1;
	sample.node.statement.assurance = STATEMENT_SOFTWARE;
	check = run(&sample);
	cr_assert(receipt_check_holds(&check));
	cr_assert(receipt_is_software_only(&check.receipt));
	cr_assert_not_null(strstr(check.records[RECEIPT_CHECK_EVIDENCE].text,
				  "proves nothing about hardware"));
}
