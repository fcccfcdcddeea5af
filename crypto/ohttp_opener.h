/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ohttp_opener: turns the encapsulated bytes of one direction back into
 * plaintext, as they come.
 *
 * The bytes may be cut anywhere; one at a time gives the same as all at once.
 * A chunk's plaintext comes out only once its tag has been checked.  The bytes
 * of the final chunk run to the end of the stream, so that it opens in finish.
 */
#ifndef CRYPTO_OHTTP_OPENER_H
#define CRYPTO_OHTTP_OPENER_H

#include "crypto/ohttp.h"

enum ohttp_opener_state {
	OHTTP_OPENER_NONCE = 1, /* collecting the response nonce */
	OHTTP_OPENER_LENGTH,	/* collecting a chunk's length */
	OHTTP_OPENER_CHUNK,	/* collecting that many bytes */
	OHTTP_OPENER_LAST,	/* collecting to the end of the stream */
	OHTTP_OPENER_ENDED,
	OHTTP_OPENER_DEAD,
};

/* A secret.  Private to ohttp_opener.c. */
struct ohttp_opener {
	enum ohttp_opener_state state;
	struct ohttp_exchange exchange;
	struct hpke_context context; /* of this direction */
	struct writer pending; /* the caller's scratch: what is collected */
	size_t wanted;	       /* bytes that pending waits for */
};

void ohttp_opener_wipe(struct ohttp_opener *opener);

/*
 * Begin a direction.  A request is fed from after its header and needs nothing
 * but form and context of the exchange; a response is fed from its nonce on and
 * needs the whole.  `scratch` is empty, lives as long as the opener, and is the
 * limit: a chunk (unchunked: the message) may be scratch.max - OHTTP_CHUNK_TAG
 * bytes of plaintext and no more.
 */
void ohttp_opener_init(struct ohttp_opener *opener,
		       enum ohttp_direction direction,
		       const struct ohttp_exchange *exchange,
		       struct writer scratch);

/*
 * Feed the next bytes; append the plaintext of every chunk they complete.
 * Room for in.len + scratch.max bytes is always enough.
 *
 * ERR_UNAUTHENTIC: a tag is wrong, or a chunk that is not final is empty
 * though its tag be right (chunked draft, 6.1).  ERR_TOO_LARGE: a chunk is
 * beyond the scratch, told as soon as its length is seen, or the writer is
 * full.  After an error the opener is dead and repeats ERR_UNAUTHENTIC; chunks
 * written before the faulty one are authentic, but the message is not whole.
 */
MUST_CHECK enum err ohttp_opener_push(struct ohttp_opener *opener,
				      struct bytes in,
				      struct writer *plaintext);

/*
 * The stream has ended: append the final chunk's plaintext.  ERR_TRUNCATED
 * when the stream broke off before a final chunk's first byte, or in a length
 * or chunk; ERR_UNAUTHENTIC when what should be the final chunk does not open,
 * which a cut inside it cannot be told from.
 */
MUST_CHECK enum err ohttp_opener_finish(struct ohttp_opener *opener,
					struct writer *plaintext);

#endif
