/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "attest/signed_receipt.h"
#include "node/question.h"
#include "node/request_keys.h"
#include "tests/effort.h"
#include "tests/support/distinct.h"
#include "tests/support/receipts.h"

#define NOW 1800000000u
#define REQUESTS 20 /* of each of many keepers */

static const struct keyring_times times = { .rotation_s = 1000,
					    .lifetime_s = 2000,
					    .grace_s = 10 };
static struct keyring *ring;
static struct signer signer;
static struct question question;
static uint8_t asked_memory[512];
static uint8_t memory[QUESTION_REPLY_MAX];
static struct message reply;

static void begin(void)
{
	cr_assert_eq(keyring_open(&times, NOW, &ring), ERR_OK);
	cr_assert_eq(signer_open(&signer), ERR_OK);
	signer.node = receipts_sample().node;
	signer.node.assurance = STATEMENT_SOFTWARE;
	signer_note_offer(&signer, BYTES_LITERAL("bundle"), 1,
			  keyring_current_id(ring));
	question = (struct question){ 0 };
}

static void end(void)
{
	keyring_close(ring);
	signer_close(&signer);
}

TestSuite(question, .init = begin, .fini = end);

static enum failure ask(const struct message *asked)
{
	const struct question_desk desk = { ring, &signer, NOW };
	struct writer out = WRITER_OVER(memory);

	return question_answer(&question, &desk, asked, &out, &reply);
}

static struct ohttp_key_config offered(void)
{
	uint8_t keys_memory[256];
	struct writer keys = WRITER_OVER(keys_memory);
	struct ohttp_key_config config;
	size_t count;

	cr_assert_eq(keyring_configs(ring, &keys), ERR_OK);
	cr_assert_eq(ohttp_keys_parse(bytes_written(&keys), &config, 1, &count),
		     ERR_OK);
	return config;
}

static struct bytes public_key(void)
{
	static struct ohttp_key_config config;

	config = offered();
	return (struct bytes){ config.public_key.bytes, config.public_key.len };
}

/* A fresh encapsulated key, as a worker asks with. */
static struct message opening(void)
{
	struct writer header = WRITER_OVER(asked_memory);
	struct ohttp_key_config config = offered();
	struct ohttp_exchange exchange;

	cr_assert_eq(ohttp_send(&config, config.symmetric[0], OHTTP_CHUNKED,
				&exchange),
		     ERR_OK);
	cr_assert_eq(ohttp_header_write(&exchange.header, &header), ERR_OK);
	return (struct message){ .kind = MESSAGE_OPEN,
				 .number = { OHTTP_CHUNKED },
				 .body = bytes_written(&header) };
}

static struct message receipt_question(void)
{
	struct receipt sample = receipts_sample();
	struct writer out = WRITER_OVER(asked_memory);

	cr_assert_eq(receipt_answer_write(&sample.answer, &out), ERR_OK);
	return (struct message){ .kind = MESSAGE_RECEIPT,
				 .body = bytes_written(&out) };
}

Test(question, a_request_that_was_opened_gets_one_receipt)
{
	struct message asked = opening();
	struct receipt receipt;

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, MESSAGE_KEYS);
	cr_assert_eq(question.turn, QUESTION_RECEIPT);
	asked = receipt_question();
	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, MESSAGE_RECEIPT);
	cr_assert_eq(question.turn, QUESTION_OVER);
	cr_assert_eq(
		signed_receipt_open(reply.body, &signer.public_key, &receipt),
		ERR_OK);
	cr_assert_eq(receipt.node.key_id, keyring_current_id(ring));

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0);
	cr_assert_eq(question.turn, QUESTION_OVER);
}

Test(question, before_a_request_was_opened_there_is_no_receipt)
{
	struct message asked = receipt_question();

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0);
	cr_assert_eq(question.turn, QUESTION_OVER);
	asked = opening();
	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0, "what is over gets no keys either");
}

Test(question, a_refused_request_gets_no_receipt)
{
	struct message asked = opening();

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	question = (struct question){ 0 }; /* another worker, the same key */
	cr_assert_eq(ask(&asked), FAILURE_REPLAYED);
	cr_assert_eq(reply.kind, MESSAGE_REFUSED);
	cr_assert_eq(reply.number[0], FAILURE_REPLAYED);
	asked = receipt_question();
	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0);
}

Test(question, a_worker_has_the_keys_of_one_request_only)
{
	struct message asked = opening();

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	asked = opening();
	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0);
	cr_assert_eq(question.turn, QUESTION_OVER);
}

Test(question, a_part_that_does_not_parse_ends_the_channel)
{
	struct message asked = opening();

	cr_assert_eq(ask(&asked), FAILURE_NONE);
	asked = receipt_question();
	asked.body.len--;
	cr_assert_eq(ask(&asked), FAILURE_NONE);
	cr_assert_eq(reply.kind, 0);
	cr_assert_eq(question.turn, QUESTION_OVER);
}

Test(question, every_other_kind_of_message_ends_the_channel)
{
	for (int kind = MESSAGE_POLICY; kind <= MESSAGE_FAILED; kind++) {
		struct message asked = { .kind = (enum message_kind)kind };

		if (kind == MESSAGE_OPEN)
			continue;
		question = (struct question){ 0 };
		cr_assert_eq(ask(&asked), FAILURE_NONE);
		cr_assert_eq(reply.kind, 0);
		cr_assert_eq(question.turn, QUESTION_OVER);
	}
}

/* What is new with each request, and with each keeper. */
Test(question, of_a_thousand_keepers_nothing_comes_a_second_time, .timeout = 0)
{
	struct effort effort = effort_of(1000);
	struct distinct keys = { 0 }, encs = { 0 }, nonces = { 0 };
	struct distinct seeds = { 0 };

	while (effort_more(&effort)) {
		end();
		begin();
		for (int i = 0; i < REQUESTS; i++) {
			struct message opened = opening();
			struct request_keys made;

			question = (struct question){ 0 };
			cr_assert_eq(ask(&opened), FAILURE_NONE);
			cr_assert_eq(request_keys_parse(reply.body, &made),
				     ERR_OK);
			distinct_keep(&encs,
				      (struct bytes){ opened.body.data + 7,
						      DISTINCT_BYTES });
			distinct_keep(&nonces,
				      BYTES_ARRAY(made.response_nonce));
			distinct_keep(&seeds, BYTES_ARRAY(made.seed));
		}
		distinct_keep(&keys, public_key());
	}
	distinct_end(&keys, "B5", "keepers' public keys that came again");
	distinct_end(&encs, "B5", "keys encapsulated that came again");
	distinct_end(&nonces, "B5", "a keeper's nonces that came again");
	distinct_end(&seeds, "B5", "seeds of answers that came again");
}
