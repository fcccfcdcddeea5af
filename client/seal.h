/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: from an inner request to the bytes that leave the machine.
 *
 * Binary HTTP (RFC 9292) of known length, padded with zeros to a size class
 * (wire/padding.h), in chunks of chunked OHTTP.  So what an observer sees of a
 * request is its class.
 */
#ifndef CLIENT_SEAL_H
#define CLIENT_SEAL_H

#include "client/exchange.h"

/* A sealed request, in memory from malloc. */
struct seal_sealed {
	uint8_t *data;
	size_t len;
};

/*
 * Seal for the node whose key is to's, under its first pair; fill `exchange`,
 * which opens the answer, and begin the proof.  The caller frees out->data.
 */
enum trouble seal_request(const struct exchange_request *request,
			  const struct exchange_target *to,
			  struct ohttp_exchange *exchange, struct proof *proof,
			  struct seal_sealed *out);

#endif
