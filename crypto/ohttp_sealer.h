/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ohttp_sealer: the bytes of one direction, sealed as they are made.
 *
 *     init, begin (header or nonce), put MORE ..., put FINAL
 *
 * The unchunked form is one put of FINAL.
 */
#ifndef CRYPTO_OHTTP_SEALER_H
#define CRYPTO_OHTTP_SEALER_H

#include "crypto/ohttp.h"

enum ohttp_sealer_state {
	OHTTP_SEALER_NEW = 1,
	OHTTP_SEALER_BEGUN,
	OHTTP_SEALER_ENDED,
};

/* A secret.  Private to ohttp_sealer.c. */
struct ohttp_sealer {
	enum ohttp_sealer_state state;
	enum ohttp_form form;
	struct hpke_context context;	  /* of this direction */
	uint8_t prefix[OHTTP_HEADER_MAX]; /* header, or response nonce */
	size_t prefix_len;
};

void ohttp_sealer_wipe(struct ohttp_sealer *sealer);

/* Seal the request of an exchange that ohttp_send made. */
void ohttp_sealer_init_request(struct ohttp_sealer *sealer,
			       const struct ohttp_exchange *exchange);

/*
 * Seal the response of an exchange.  `entropy` is fresh random bytes: two
 * responses of one exchange under the same would share key and nonces.
 */
void ohttp_sealer_init_response(struct ohttp_sealer *sealer,
				const struct ohttp_exchange *exchange,
				const uint8_t entropy[static OHTTP_NONCE_MAX]);

/* Append what stands before the first chunk: sealer->prefix_len bytes. */
MUST_CHECK enum err ohttp_sealer_begin(struct ohttp_sealer *sealer,
				       struct writer *out);

/*
 * Append one chunk.  Only a final chunk may be empty, nothing may follow it,
 * and the unchunked form has no other.  ERR_TOO_LARGE leaves writer and sealer
 * as they were, so that the same chunk can be put again.
 */
MUST_CHECK enum err ohttp_sealer_put(struct ohttp_sealer *sealer,
				     enum ohttp_chunk kind,
				     struct bytes plaintext,
				     struct writer *out);

/* Bytes on the wire of a chunk with this much plaintext (chunked form). */
size_t ohttp_sealer_wire_len(enum ohttp_chunk kind, size_t plaintext_len);

/*
 * The most plaintext whose chunk is at most wire_len bytes, 0 for none; for
 * 512 bytes it is 494, or 495 when final, and the chunk fills them exactly.
 */
size_t ohttp_sealer_plaintext_max(enum ohttp_chunk kind, size_t wire_len);

#endif
