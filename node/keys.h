/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: what the keeper gives to a worker, for one request.
 *
 *     u16 kem | u16 kdf | u16 aead | key[32] | base nonce[12] |
 *     exporter secret[32] | response nonce[32] | seed[32]
 *
 * It opens this request and seals its answer, and nothing else.  The last two
 * are random and come along because a worker's jail has no random numbers of
 * its own: one goes out in clear before the answer, the other never leaves.
 */
#ifndef NODE_KEYS_H
#define NODE_KEYS_H

#include "crypto/hpke.h"

#define KEYS_RANDOM_BYTES 32
#define KEYS_BYTES (6 + 32 + 12 + 32 + 2 * KEYS_RANDOM_BYTES)

struct keys {
	struct hpke_context context;
	uint8_t response_nonce[KEYS_RANDOM_BYTES];
	uint8_t seed[KEYS_RANDOM_BYTES];
};

void keys_wipe(struct keys *keys);
MUST_CHECK enum err keys_put(const struct keys *keys, struct writer *out);
MUST_CHECK enum err keys_parse(struct bytes in, struct keys *out);

#endif
