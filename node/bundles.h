/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: what the keeper hands out of the node, to everybody and to those who
 * ask with a nonce of theirs.
 *
 * The front has one bundle without a nonce, and gets another when a key comes
 * into use.  Receipts name that bundle, so a new front gets the same one for as
 * long as its key is on offer.  Where hardware makes the evidence, a bundle is
 * begun here and finished when the attester answers (node/proofs.h); the keeper
 * waits for nobody.
 */
#ifndef NODE_BUNDLES_H
#define NODE_BUNDLES_H

#include "node/keyring.h"
#include "node/proofs.h"
#include "node/setup.h"
#include "node/signer.h"

/* What was given to everybody last. */
struct bundles_offer {
	uint8_t body[MESSAGE_BODY_MAX];
	size_t len; /* 0: there is none */
	uint64_t refresh;
	uint64_t key_id;
};

struct bundles {
	/* Borrowed from the keeper, before anything is asked. */
	const struct setup *setup;
	const struct keyring *ring;
	struct signer *signer;
	const int *front, *attester; /* channels; -1: nobody there */
	uint8_t node_id[STATEMENT_DIGEST_BYTES];

	bool is_unpublished;  /* the front has not been told of the newest */
	uint64_t published_s; /* when that was tried */
	struct proofs proofs;
	struct bundles_offer offer;
	uint8_t memory[MESSAGE_BODY_MAX]; /* a bundle as it is sent */
};

/* How responses leave, as statements and receipts say it. */
struct statement_shape bundles_shape(const struct policy *policy);

/* Give the front the bundle for everybody; if it cannot be now, at a tick. */
void bundles_publish(struct bundles *bundles);

/* The same where it is still owed; about once a second. */
void bundles_tick(struct bundles *bundles);

/* Begin one for the front's own ticket and nonce. */
void bundles_begin(struct bundles *bundles, uint64_t asker,
		   const uint8_t *nonce);

/* MESSAGE_EVIDENCE or MESSAGE_UNPROVEN of the attester. */
void bundles_take(struct bundles *bundles, const struct message *message);

/* The attester is gone: nothing will come for what it was asked. */
void bundles_give_up(struct bundles *bundles);

/* A new front knows nothing of what the last one asked for. */
void bundles_forget(struct bundles *bundles);

#endif
