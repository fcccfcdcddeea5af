/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt_check: what a receipt proves, question by question.
 *
 * The bundle it is held against has been judged already (attest/verify.h), and
 * is what the receipt's own key is believed for.  A question that could not be
 * reached stays RECORD_SKIP, and a receipt holds only where every one passed.
 */
#ifndef ATTEST_RECEIPT_CHECK_H
#define ATTEST_RECEIPT_CHECK_H

#include "attest/record.h"
#include "crypto/hash.h"
#include "wire/bundle.h"
#include "wire/receipt.h"

/* In the order in which they are asked and printed. */
enum receipt_check_code {
	RECEIPT_CHECK_FORMAT = 0, /* the bytes are a receipt */
	RECEIPT_CHECK_SIGNATURE,  /* under the key of this node's statement */
	RECEIPT_CHECK_NODE,	  /* of this node, and the key that was used */
	RECEIPT_CHECK_EVIDENCE,	  /* it names the bundle that was verified */
	RECEIPT_CHECK_LOG, /* the head that the bundle's release is under */
	RECEIPT_CHECK_STATEMENT, /* model, policy, jail, shape: as stated */
	RECEIPT_CHECK_REQUEST,	 /* it is for what was sent */
	RECEIPT_CHECK_RESPONSE,	 /* ... and for what was answered */
	RECEIPT_CHECK_ARENA,	 /* nobody else's bytes were in its memory */
	RECEIPT_CHECK_TIME,	 /* it was made while its key was good */
	RECEIPT_CHECK_CODES,
};

/* What a verified bundle says, as far as a receipt repeats it. */
struct receipt_check_node {
	struct statement statement; /* its model_name is not looked at */
	uint8_t bundle_digest[HASH_SHA256_BYTES];
	uint32_t evidence_kinds;
	uint8_t checkpoint_digest[HASH_SHA256_BYTES]; /* zeros: no release */
	uint8_t key_id;
};

/* What the user has. */
struct receipt_check_exchange {
	struct bytes receipt;		       /* COSE_Sign1 */
	uint8_t request[RECEIPT_DIGEST_BYTES]; /* commitments, made anew */
	uint8_t response[RECEIPT_DIGEST_BYTES];
};

struct receipt_check {
	struct record records[RECEIPT_CHECK_CODES];
	struct receipt receipt; /* where RECEIPT_CHECK_FORMAT passed */
};

/* Out of a bundle's bytes and what was read in them. */
void receipt_check_describe(struct bytes bundle_bytes,
			    const struct bundle *bundle,
			    const struct statement *statement, uint8_t key_id,
			    struct receipt_check_node *out);

void receipt_check_run(const struct receipt_check_node *node,
		       const struct receipt_check_exchange *exchange,
		       struct receipt_check *out);

/* Whether every question passed. */
bool receipt_check_holds(const struct receipt_check *check);

/* The stable name of a question, such as "receipt-signature". */
const char *receipt_check_name(enum receipt_check_code code);

#endif
