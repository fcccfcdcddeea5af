/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ohttp_key_config: one key a client may encrypt to (RFC 9458, 3.1).
 *
 *     u8 key id | u16 kem | public key[Npk] | u16 bytes of the pairs
 *     { u16 kdf | u16 aead }*                              big-endian
 *
 * Pairs that this build does not know are read over; the rest keep their order,
 * which is the server's preference.
 */
#ifndef CRYPTO_OHTTP_KEY_CONFIG_H
#define CRYPTO_OHTTP_KEY_CONFIG_H

#include "crypto/hpke.h"

#define OHTTP_SYMMETRIC_MAX 8
#define OHTTP_KEY_CONFIG_MAX (1 + 2 + 65 + 2 + 4 * OHTTP_SYMMETRIC_MAX)

struct hpke_symmetric {
	uint16_t kdf;
	uint16_t aead;
};

/* Invariant: symmetric_count is 1..OHTTP_SYMMETRIC_MAX, no pair twice. */
struct ohttp_key_config {
	uint8_t key_id;
	struct hpke_public_key public_key;
	struct hpke_symmetric symmetric[OHTTP_SYMMETRIC_MAX];
	size_t symmetric_count;
};

/*
 * Parse one config that fills `data` to its end, as without the length prefix
 * of a list.  ERR_UNSUPPORTED where it is sound as far as can be told but
 * offers a KEM, or pairs only, that this build lacks.  Whether the public key
 * is a point of its curve shows when something is sent to it.
 */
MUST_CHECK enum err ohttp_key_config_parse(struct bytes data,
					   struct ohttp_key_config *out);

/* Append one config without a length prefix. */
MUST_CHECK enum err
ohttp_key_config_write(const struct ohttp_key_config *config,
		       struct writer *out);

/* ERR_UNSUPPORTED unless the config offers exactly this suite. */
MUST_CHECK enum err
ohttp_key_config_offers(const struct ohttp_key_config *config,
			struct hpke_suite suite);

#endif
