/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex: digests and identifiers as people compare them, two digits a byte.
 */
#ifndef WIRE_HEX_H
#define WIRE_HEX_H

#include "base/bytes.h"

/* Append lower-case digits; ERR_TOO_LARGE without room for all. */
MUST_CHECK enum err hex_put(struct writer *out, struct bytes data);

/*
 * Read exactly `len` bytes from 2 * len digits of either case; ERR_MALFORMED,
 * leaving `out` as it was, for anything else.
 */
MUST_CHECK enum err hex_decode(struct bytes digits, uint8_t *out, size_t len);

#endif
