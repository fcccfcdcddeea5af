/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: judges the receipt of one exchange against what was sent, what came,
 * and the node that was verified; and keeps it where its user asked for that.
 *
 *     proof_begin ─▶ proof_head ─▶ proof_add ... ─▶ proof_trailer ─▶ proof_end
 *
 * What an answer says it is judged on by its seals alone: one without a receipt
 * is whole.  A receipt that is there and does not fit is never passed over.
 */
#ifndef CLIENT_PROOF_H
#define CLIENT_PROOF_H

#include <stdatomic.h>

#include "attest/receipt_check.h"
#include "client/body.h"
#include "crypto/commitment.h"
#include "wire/base64.h"
#include "wire/unpad.h"

enum proof_verdict {
	PROOF_NOT_DUE = 0, /* no answer of a model: a refusal, a list */
	PROOF_ABSENT,	   /* an answer, and no receipt with it */
	PROOF_FITS,
	PROOF_DOES_NOT_FIT,
	PROOF_VERDICTS,
};

/* What a program's exchanges came to, and where their proofs go.  Shared. */
struct proof_book {
	const char *folder; /* NULL: nothing is kept; else a file an answer */
	atomic_uint counts[PROOF_VERDICTS];
	atomic_uint unsaved; /* that could not be written */
};

/* What is known of the node before anything is sent.  Borrowed. */
struct proof_node {
	struct proof_book *book;
	struct receipt_check_node stated;
	struct bytes bundle; /* as it was verified; wanted with a folder only */
};

/* One exchange.  A secret.  Begin with all zero. */
struct proof {
	struct proof_book *book;
	struct receipt_check_node stated;
	struct commitment_salt salt;
	uint8_t request[COMMITMENT_BYTES];
	bool is_due;
	struct unpad unpad;
	struct hash_stream said;	       /* begun with the head */
	uint8_t text[RECEIPT_FIELD_VALUE_MAX]; /* of the trailer */
	size_t text_len;
	size_t trailers; /* so named; more than one is none that fits */
	struct body kept_bundle, kept_request, kept_response;
};

/*
 * The request's plaintext is there, and the exchange has its keys.
 * ERR_UNAVAILABLE: no memory to keep it in.
 */
MUST_CHECK enum err proof_begin(struct proof *proof,
				const struct proof_node *node,
				const struct hpke_context *context,
				struct bytes request);

/* Whether a receipt is due, and of what kind of body. */
void proof_head(struct proof *proof, const char *method, uint16_t status,
		const char *media_type);

/* Content as it came; a trailer of the receipt's name. */
MUST_CHECK enum err proof_add(struct proof *proof, struct bytes content);
void proof_trailer(struct proof *proof, struct bytes value);

/* The answer is whole: judge, count, keep. */
enum proof_verdict proof_end(struct proof *proof);

void proof_close(struct proof *proof);

/* What a user is told, such as "no receipt came with the answer". */
const char *proof_text(enum proof_verdict verdict);

#endif
