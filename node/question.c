/* SPDX-License-Identifier: Apache-2.0 */
#include "node/question.h"

#include "base/secret.h"
#include "crypto/kem.h"
#include "crypto/random.h"

static enum failure read_header(const struct message *asked,
				enum ohttp_form *form,
				struct ohttp_header *header)
{
	struct bytes rest = asked->body;
	enum err err;

	if (asked->number[0] != OHTTP_UNCHUNKED &&
	    asked->number[0] != OHTTP_CHUNKED)
		return FAILURE_UNSUPPORTED;
	*form = (enum ohttp_form)asked->number[0];
	err = ohttp_header_take(&rest, header);
	if (err == ERR_UNSUPPORTED)
		return FAILURE_UNSUPPORTED;
	return err != ERR_OK || rest.len != 0 ? FAILURE_MALFORMED
					      : FAILURE_NONE;
}

static enum failure refuse(enum failure failure, struct message *reply)
{
	*reply = (struct message){ .kind = MESSAGE_REFUSED,
				   .number = { failure } };
	return failure;
}

/* What a request is opened with, and one random number for each use. */
static void give_keys(struct question *question, struct request_keys *keys,
		      struct writer *memory, struct message *reply)
{
	random_bytes(keys->response_nonce, sizeof(keys->response_nonce));
	random_bytes(keys->seed, sizeof(keys->seed));
	invariant(request_keys_put(keys, memory) == ERR_OK);
	*reply = (struct message){ .kind = MESSAGE_KEYS,
				   .body = bytes_written(memory) };
	question->turn = QUESTION_RECEIPT;
}

/* The TPM is asked for the secret that it shares with the encapsulated key. */
static enum failure ask_elsewhere(struct question *question,
				  const struct question_desk *desk,
				  enum ohttp_form form,
				  const struct ohttp_header *header,
				  struct message *reply)
{
	struct keyring_received *received = &question->received;
	enum failure failure =
		keyring_admit(desk->ring, desk->now_s, form, header, received);

	if (failure != FAILURE_NONE)
		return refuse(failure, reply);
	*reply = (struct message){ .kind = MESSAGE_DH };
	question->turn = QUESTION_SHARED;
	return FAILURE_NONE;
}

static enum failure open_request(struct question *question,
				 const struct question_desk *desk,
				 const struct message *asked,
				 struct writer *memory, struct message *reply)
{
	SCOPED_WIPE(request_keys_wipe) struct request_keys keys = { 0 };
	enum ohttp_form form = OHTTP_CHUNKED;
	struct ohttp_header header;
	enum failure failure = read_header(asked, &form, &header);

	if (failure != FAILURE_NONE)
		return refuse(failure, reply);
	question->key_id = header.key_id;
	if (keyring_is_elsewhere(desk->ring))
		return ask_elsewhere(question, desk, form, &header, reply);
	failure = keyring_receive(desk->ring, desk->now_s, form, &header,
				  &keys.context);
	if (failure != FAILURE_NONE)
		return refuse(failure, reply);
	give_keys(question, &keys, memory, reply);
	return FAILURE_NONE;
}

enum failure question_finish(struct question *question, struct bytes dh,
			     struct writer *memory, struct message *reply)
{
	SCOPED_WIPE(request_keys_wipe) struct request_keys keys = { 0 };
	enum failure failure = FAILURE_MALFORMED;

	invariant(question->turn == QUESTION_SHARED);
	question->turn = QUESTION_OVER;
	if (dh.len == KEM_DH_BYTES)
		failure = keyring_finish(&question->received, dh.data,
					 &keys.context);
	if (failure != FAILURE_NONE)
		return refuse(failure, reply);
	give_keys(question, &keys, memory, reply);
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
