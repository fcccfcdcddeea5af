/* SPDX-License-Identifier: Apache-2.0 */
#include "node/question.h"

#include "base/secret.h"
#include "crypto/random.h"

static enum failure decapsulate(struct question *question,
				const struct question_desk *desk,
				const struct message *asked,
				struct hpke_context *context)
{
	enum ohttp_form form = OHTTP_CHUNKED;
	struct bytes rest = asked->body;
	struct ohttp_header header;
	enum err err;

	if (asked->number[0] == OHTTP_UNCHUNKED)
		form = OHTTP_UNCHUNKED;
	else if (asked->number[0] != OHTTP_CHUNKED)
		return FAILURE_UNSUPPORTED;
	err = ohttp_header_take(&rest, &header);
	if (err == ERR_UNSUPPORTED)
		return FAILURE_UNSUPPORTED;
	if (err != ERR_OK || rest.len != 0)
		return FAILURE_MALFORMED;
	question->key_id = header.key_id;
	return keyring_receive(desk->ring, desk->now_s, form, &header, context);
}

static enum failure open_request(struct question *question,
				 const struct question_desk *desk,
				 const struct message *asked,
				 struct writer *memory, struct message *reply)
{
	SCOPED_WIPE(request_keys_wipe) struct request_keys keys = { 0 };
	enum failure failure =
		decapsulate(question, desk, asked, &keys.context);

	if (failure != FAILURE_NONE) {
		*reply = (struct message){ .kind = MESSAGE_REFUSED,
					   .number = { failure } };
		return failure;
	}
	random_bytes(keys.response_nonce, sizeof(keys.response_nonce));
	random_bytes(keys.seed, sizeof(keys.seed));
	invariant(request_keys_put(&keys, memory) == ERR_OK);
	*reply = (struct message){ .kind = MESSAGE_KEYS,
				   .body = bytes_written(memory) };
	question->turn = QUESTION_RECEIPT;
	return FAILURE_NONE;
}

/* What cannot be signed gets no reply: the worker sees its channel end. */
static void give_receipt(const struct question *question,
			 const struct question_desk *desk,
			 const struct message *asked, struct writer *memory,
			 struct message *reply)
{
	if (signer_sign(desk->signer, asked->body, question->key_id,
			desk->now_s, memory) == ERR_OK)
		*reply = (struct message){ .kind = MESSAGE_RECEIPT,
					   .body = bytes_written(memory) };
}

enum failure question_answer(struct question *question,
			     const struct question_desk *desk,
			     const struct message *asked, struct writer *memory,
			     struct message *reply)
{
	enum question_turn turn = question->turn;

	*reply = (struct message){ 0 };
	question->turn = QUESTION_OVER;
	if (turn == QUESTION_OPEN && asked->kind == MESSAGE_OPEN)
		return open_request(question, desk, asked, memory, reply);
	if (turn == QUESTION_RECEIPT && asked->kind == MESSAGE_RECEIPT)
		give_receipt(question, desk, asked, memory, reply);
	return FAILURE_NONE;
}
