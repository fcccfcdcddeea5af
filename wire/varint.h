/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varint: the variable-length integers of QUIC (RFC 9000, section 16), which
 * Binary HTTP and chunked OHTTP count their bytes with.
 *
 *     first two bits   00      01       10        11
 *     bytes             1       2        4         8
 *     bits of value     6      14       30        62     big-endian
 *
 * A value need not stand in the fewest bytes: RFC 9292 and the chunked OHTTP
 * draft both allow the longer forms, so they are accepted and never written.
 */
#ifndef WIRE_VARINT_H
#define WIRE_VARINT_H

#include "base/bytes.h"

#define VARINT_BYTES_MAX 8
#define VARINT_MAX ((UINT64_C(1) << 62) - 1)

/* Bytes of the shortest form: 1, 2, 4 or 8.  value <= VARINT_MAX. */
size_t varint_size(uint64_t value);

/* Bytes of the form that begins with this byte: 1, 2, 4 or 8. */
size_t varint_size_of(uint8_t first);

/* ERR_TRUNCATED, having taken nothing, when the form is not all there. */
MUST_CHECK enum err varint_take(struct bytes *in, uint64_t *out);

/* Writes the shortest form.  ERR_TOO_LARGE also beyond VARINT_MAX. */
MUST_CHECK enum err varint_put(struct writer *out, uint64_t value);

/* The form of so many bytes: 1, 2, 4 or 8, no fewer than varint_size(). */
MUST_CHECK enum err varint_put_in(struct writer *out, uint64_t value,
				  size_t size);

#endif
