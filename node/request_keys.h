/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_keys: what the keeper gives to a worker, for one request.
 *
 *     u16 kem | u16 kdf | u16 aead | key[32] | base nonce[12] |
 *     exporter secret[32] | response nonce[32] | seed[32]
 *
 * It opens this request and seals its answer, and nothing else.  The last two
 * are random and come along because a worker's jail has no random numbers of
 * its own: one goes out in clear before the answer, the other never leaves.
 */
#ifndef NODE_REQUEST_KEYS_H
#define NODE_REQUEST_KEYS_H

#include "crypto/hpke.h"

#define REQUEST_KEYS_RANDOM_BYTES 32
#define REQUEST_KEYS_BYTES (6 + 32 + 12 + 32 + 2 * REQUEST_KEYS_RANDOM_BYTES)

struct request_keys {
	struct hpke_context context;
	uint8_t response_nonce[REQUEST_KEYS_RANDOM_BYTES];
	uint8_t seed[REQUEST_KEYS_RANDOM_BYTES];
};

void request_keys_wipe(struct request_keys *keys);
MUST_CHECK enum err request_keys_put(const struct request_keys *keys,
				     struct writer *out);
MUST_CHECK enum err request_keys_parse(struct bytes in,
				       struct request_keys *out);

#endif
