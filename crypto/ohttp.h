/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ohttp: Oblivious HTTP, both ends: RFC 9458 and, in chunks, the draft
 * draft-ietf-ohai-chunked-ohttp-08.
 *
 *     request   key id(1) kem(2) kdf(2) aead(2) | enc[Nenc] | BODY
 *     response  nonce[max(Nn, Nk)] | BODY
 *     BODY      unchunked: sealed, to the end of the stream
 *               chunked:   { varint length > 0 | sealed[length] }*
 *                          varint 0 | sealed final, to the end of the stream
 *
 * A client calls ohttp_send, seals the request with ohttp_sealer.h and opens
 * the response with ohttp_opener.h.  A node takes the header, calls
 * ohttp_receive where the private key is, and uses the same two the other way
 * round where the plaintext may be.
 */
#ifndef CRYPTO_OHTTP_H
#define CRYPTO_OHTTP_H

#include "crypto/ohttp_key_config.h"
#include "crypto/ohttp_keys.h"

#define OHTTP_HEADER_BYTES 7 /* without the encapsulated key */
#define OHTTP_HEADER_MAX (OHTTP_HEADER_BYTES + HPKE_ENC_MAX)
#define OHTTP_NONCE_MAX 32
#define OHTTP_CHUNK_TAG AEAD_TAG_BYTES

/* Media types message/ohttp-chunked-req|res and message/ohttp-req|res. */
enum ohttp_form {
	OHTTP_CHUNKED = 1,
	OHTTP_UNCHUNKED = 2,
};

enum ohttp_direction {
	OHTTP_REQUEST = 1,
	OHTTP_RESPONSE = 2,
};

enum ohttp_chunk {
	OHTTP_CHUNK_MORE = 1,
	OHTTP_CHUNK_FINAL = 2,
};

struct ohttp_header {
	uint8_t key_id;
	struct hpke_suite suite;
	uint8_t enc[HPKE_ENC_MAX];
	size_t enc_len;
};

/* One request and its response, as either end holds them.  A secret. */
struct ohttp_exchange {
	enum ohttp_form form;
	struct ohttp_header header;
	struct hpke_context context; /* of the request; sequence is 0 */
};

void ohttp_exchange_wipe(struct ohttp_exchange *exchange);

/*
 * Take the header off the front of a request.  ERR_TRUNCATED asks for more
 * bytes (OHTTP_HEADER_MAX are always enough); ERR_UNSUPPORTED names a suite
 * that this build lacks.
 */
MUST_CHECK enum err ohttp_header_take(struct bytes *in,
				      struct ohttp_header *out);

MUST_CHECK enum err ohttp_header_write(const struct ohttp_header *header,
				       struct writer *out);

/*
 * The recipient's step with the private key: the context of a request whose
 * header was taken.  That the header's key id and suite are on offer is for
 * the caller to check.  ERR_UNSUPPORTED for a header of another KEM than the
 * key's, ERR_MALFORMED for an encapsulated key that is none.
 */
MUST_CHECK enum err ohttp_receive(enum ohttp_form form,
				  const struct ohttp_header *header,
				  const struct hpke_private_key *key,
				  const struct hpke_public_key *own,
				  struct hpke_context *context);

/*
 * The client's first step: encapsulate a fresh key to the config under a pair
 * it offers.  Nothing is on the wire yet: see ohttp_sealer.h.
 */
MUST_CHECK enum err ohttp_send(const struct ohttp_key_config *config,
			       struct hpke_symmetric symmetric,
			       enum ohttp_form form,
			       struct ohttp_exchange *out);

/*
 * HPKE info of a request (RFC 9458, 4.3; chunked draft, 6.1): the label of the
 * form, a zero byte, the header without enc.  At most OHTTP_INFO_MAX bytes.
 * ERR_UNSUPPORTED for a form that is neither.
 */
#define OHTTP_INFO_MAX 48
MUST_CHECK enum err ohttp_info(enum ohttp_form form,
			       const struct ohttp_header *header,
			       struct writer *out);

/* Length of a response nonce: max(Nn, Nk) of the exchange's AEAD. */
size_t ohttp_nonce_len(uint16_t aead);

/*
 * The keys of the response to an exchange for nonce[ohttp_nonce_len()] (RFC
 * 9458, 4.4; chunked draft, 6.2).  They come as an HPKE context because chunk
 * nonces are counted alike; it can export nothing.
 */
void ohttp_response_keys(const struct ohttp_exchange *exchange,
			 const uint8_t *nonce, struct hpke_context *out);

#endif
