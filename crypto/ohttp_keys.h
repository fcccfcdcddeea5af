/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ohttp_keys: application/ohttp-keys, a list of key configs (RFC 9458, 3.2).
 *
 *     { u16 length | key config[length] }*                 big-endian
 */
#ifndef CRYPTO_OHTTP_KEYS_H
#define CRYPTO_OHTTP_KEYS_H

#include "crypto/ohttp_key_config.h"

/*
 * Parse a whole list.  Configs of unknown KEMs, or without a known pair, are
 * skipped by their length; any other fault discards the whole list, as the RFC
 * demands.  ERR_UNSUPPORTED when nothing usable is left, ERR_TOO_LARGE when
 * more than `max` usable configs are there.
 */
MUST_CHECK enum err ohttp_keys_parse(struct bytes list,
				     struct ohttp_key_config *configs,
				     size_t max, size_t *count);

/* Append the list of `count` configs, best first. */
MUST_CHECK enum err ohttp_keys_write(const struct ohttp_key_config *configs,
				     size_t count, struct writer *out);

#endif
