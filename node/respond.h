/* SPDX-License-Identifier: Apache-2.0 */
/*
 * respond: the computing thread of a worker, from an opened request to the
 * pieces of its answer.
 *
 * Whatever the request is, an answer is begun once and ended once: bad requests
 * get an error in the API's own form, inside the encryption.  Only a fault of
 * the engine in mid-answer leaves it without an end; then the worker dies
 * (respond_to returns it) and the client sees a cut stream, never a half answer
 * that looks whole.
 *
 * An answer that the model gave ends with a receipt (wire/receipt.h).  Where the
 * keeper signs none it is whole without; refusals and lists of models have none.
 */
#ifndef NODE_RESPOND_H
#define NODE_RESPOND_H

#include "base/arena.h"
#include "crypto/commitment.h"
#include "crypto/ohttp.h"
#include "inference/generate.h"
#include "node/answer.h"
#include "node/plan.h"
#include "policy/policy.h"
#include "wire/chat_refusal.h"
#include "wire/receipt.h"

/* What the receipt of this request needs.  A secret. */
struct respond_receipt {
	struct commitment_salt salt;
	uint8_t request[COMMITMENT_BYTES]; /* the commitment to it */
	enum receipt_arena arena;
	/* Ask the keeper, once: append the receipt, signed. */
	enum err (*sign)(const struct receipt_answer *answer,
			 struct writer *out);
};

struct respond {
	const struct policy *policy;
	const struct plan *plan;
	const struct model *model;
	struct team *team; /* the threads that compute */
	struct arena *arena;
	struct answer *answer;
	const uint8_t *seed;  /* 32 random bytes, this request's own */
	enum ohttp_form form; /* the answer's, which is the request's */
	uint64_t now_s;	      /* Unix seconds, as the front sees them */
	struct respond_receipt receipt;
};

/* Answer one whole opened BHTTP request. */
MUST_CHECK enum err respond_to(const struct respond *respond,
			       struct bytes message);

/* Answer what could not be opened or read: a refusal, and the end. */
MUST_CHECK enum err respond_refuse(const struct respond *respond,
				   enum chat_refusal_reason reason);

#endif
