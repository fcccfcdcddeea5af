/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what a worker may ask the keeper, and in which order.
 *
 *     OPEN ── keys ──▶ RECEIPT ── receipt ──▶ over
 *     OPEN ── a TPM's key: SHARED ── keys ──▶ RECEIPT
 *       └── refused, or anything out of turn ──▶ over
 *
 * So a worker has the keys of one request, and a receipt only for a request
 * that was opened, by the key that opened it, once.
 */
#ifndef NODE_QUESTION_H
#define NODE_QUESTION_H

#include "node/keyring.h"
#include "node/request_keys.h"
#include "node/signer.h"

#define QUESTION_REPLY_MAX RECEIPT_SIGNED_MAX

_Static_assert(REQUEST_KEYS_BYTES <= QUESTION_REPLY_MAX,
	       "the longer of the two replies");

enum question_turn {
	QUESTION_OPEN = 0,
	QUESTION_SHARED, /* the TPM has been asked */
	QUESTION_RECEIPT,
	QUESTION_OVER,
};

/* One worker's; begins as all zero. */
struct question {
	enum question_turn turn;
	uint8_t key_id;	 /* that opened its request */
	uint64_t ticket; /* of what the TPM was asked; the keeper's */
	struct keyring_received received;
};

/* What it is answered from. */
struct question_desk {
	struct keyring *ring;
	const struct signer *signer;
	uint64_t now_s; /* Unix seconds */
};

/*
 * Answer one message.  A reply of kind MESSAGE_DH is not for the worker: it is
 * the attester's to compute, and question_finish() goes on with what comes back.  reply->kind is 0 where there is nothing to say; its body
 * lies in `memory`, which holds secrets then: wipe it once it was sent.  Returns
 * the failure that was replied, for the keeper's books.
 */
enum failure question_answer(struct question *question,
			     const struct question_desk *desk,
			     const struct message *asked, struct writer *memory,
			     struct message *reply);

/* Go on with the secret that the TPM computed, empty where it did not. */
enum failure question_finish(struct question *question, struct bytes dh,
			     struct writer *memory, struct message *reply);

#endif
