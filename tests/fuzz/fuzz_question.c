/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker that was taken over asks the keeper whatever it likes: it gets keys
 * once at most, then one receipt at most, and after either end nothing more.
 *
 *     { u16 length | packet }*, where a packet that begins with 0xff stands for
 *     an honest opening, and one with 0xfe for an honest part of a receipt
 */
#include <string.h>

#include "base/secret.h"
#include "node/question.h"

#define NOW 1800000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct keyring_times times = { 1000, 2000, 10 };
static struct keyring *ring;
static struct signer signer;
static struct ohttp_key_config config;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint8_t memory[256];
	struct writer keys = WRITER_OVER(memory);
	size_t count;

	(void)argc;
	(void)argv;
	invariant(keyring_open(&times, NOW, &ring) == ERR_OK);
	invariant(signer_open(&signer) == ERR_OK);
	signer.node.assurance = STATEMENT_SOFTWARE;
	signer_note_offer(&signer, BYTES_LITERAL("bundle"), 1,
			  keyring_current_id(ring));
	invariant(keyring_configs(ring, &keys) == ERR_OK);
	invariant(ohttp_keys_parse(bytes_written(&keys), &config, 1, &count) ==
		  ERR_OK);
	return 0;
}

/* A replay set is full some day: a new ring then. */
static void renew(void)
{
	static unsigned openings;

	if (++openings % 10000 != 0)
		return;
	keyring_close(ring);
	signer_close(&signer);
	(void)LLVMFuzzerInitialize(NULL, NULL);
}

static enum err honest_opening(struct writer *memory, struct message *out)
{
	struct ohttp_exchange exchange;

	renew();
	TRY(ohttp_send(&config, config.symmetric[0], OHTTP_CHUNKED, &exchange));
	TRY(ohttp_header_write(&exchange.header, memory));
	*out = (struct message){ .kind = MESSAGE_OPEN,
				 .number = { OHTTP_CHUNKED },
				 .body = bytes_written(memory) };
	return ERR_OK;
}

static enum err honest_receipt(struct writer *memory, struct message *out)
{
	struct receipt_answer answer = { .prompt_tokens = 1 };

	TRY(receipt_answer_write(&answer, memory));
	*out = (struct message){ .kind = MESSAGE_RECEIPT,
				 .body = bytes_written(memory) };
	return ERR_OK;
}

static enum err next_message(struct bytes *in, struct writer *memory,
			     struct message *out)
{
	struct bytes packet;
	uint16_t len;

	TRY(bytes_take_u16(in, &len));
	TRY(bytes_take(in, len < in->len ? len : in->len, &packet));
	if (packet.len > 0 && packet.data[0] == 0xff)
		return honest_opening(memory, out);
	if (packet.len > 0 && packet.data[0] == 0xfe)
		return honest_receipt(memory, out);
	return message_parse(packet, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct question_desk desk = { ring, &signer, NOW };
	struct bytes in = { data, size };
	struct question question = { 0 };
	unsigned keys = 0, receipts = 0, refusals = 0;
	bool was_over = false;

	for (;;) {
		uint8_t asked_memory[512], memory[QUESTION_REPLY_MAX];
		struct writer asked_out = WRITER_OVER(asked_memory);
		struct writer out = WRITER_OVER(memory);
		struct message asked, reply;
		struct question_desk now = desk;

		if (next_message(&in, &asked_out, &asked) != ERR_OK)
			break;
		now.ring = ring;
		(void)question_answer(&question, &now, &asked, &out, &reply);
		invariant(!was_over || reply.kind == 0);
		keys += reply.kind == MESSAGE_KEYS;
		receipts += reply.kind == MESSAGE_RECEIPT;
		refusals += reply.kind == MESSAGE_REFUSED;
		invariant(reply.kind == 0 || reply.kind == MESSAGE_KEYS ||
			  reply.kind == MESSAGE_RECEIPT ||
			  reply.kind == MESSAGE_REFUSED);
		invariant(keys <= 1 && receipts <= keys && refusals <= 1);
		was_over = question.turn == QUESTION_OVER;
	}
	return 0;
}
