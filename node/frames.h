/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames: an answer as sealed frames, in the shape that the policy asks for.
 *
 *     answer ─ body bytes ─▶ BHTTP content ─▶ padding ─▶ OHTTP chunk ─▶ frame
 *
 * In the shapes "paced" and "sized" every frame has the same size on the wire,
 * the first with its nonce and the last included, and their number is one of
 * the policy's totals.  Padding is white space around JSON, comments between
 * events, and zeros after the end (RFC 9292, 3.8): all inside the encryption.
 * An answer's receipt is a trailer field, so it comes with the last frames.
 *
 * In the shape "off" a frame is as long as what there is to say.
 *
 * The unchunked form is sealed in one piece, so that its frames exist only when
 * the answer is complete: their size and number are shaped all the same.
 */
#ifndef NODE_FRAMES_H
#define NODE_FRAMES_H

#include "crypto/ohttp_sealer.h"
#include "node/answer.h"
#include "node/request_keys.h"
#include "policy/limits.h"
#include "policy/policy.h"

#define FRAMES_BYTES_MAX ((size_t)LIMIT_CHUNK_PLAINTEXT) /* as in a policy */

/* Invariant: sealed_count counts what was sealed so far. */
struct frames {
	const struct policy *policy;
	struct answer *answer;
	struct ohttp_sealer sealer;
	enum ohttp_form form;
	uint64_t sealed_count;
	bool ended;
	struct writer end;     /* end of content and trailers, once known */
	struct bytes end_left; /* of it, not yet in a frame */
	struct writer plain;   /* one frame before it is sealed */
	struct writer body;    /* the piece of content under way */
	struct writer whole;   /* unchunked: the message, then sealed */
	struct writer sealed;  /* unchunked: what frames are cut from */
	size_t sent;	       /* unchunked: bytes of sealed that have left */
};

/* Bytes of arena that frames_init takes for either form, alignment included. */
size_t frames_memory(const struct policy *policy, size_t ring_bytes);

/*
 * Seal the answer to one exchange, under a nonce of its own.  frames->policy is
 * set already.  ERR_TOO_LARGE: the arena is full.
 */
MUST_CHECK enum err
frames_init(struct frames *frames, struct answer *answer,
	    const struct ohttp_exchange *exchange,
	    const uint8_t nonce[static REQUEST_KEYS_RANDOM_BYTES],
	    struct arena *arena);

void frames_wipe(struct frames *frames);

/*
 * Write the next frame.  The first waits for the status of the answer; from then
 * on a frame is empty of answer where there is none yet
 * ("paced") or waits for some ("sized", "off").  *last tells that there are no
 * more.  Not to be called after that.
 */
MUST_CHECK enum err frames_next(struct frames *frames, struct writer *frame,
				bool *last);

#endif
