/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: borrowed views of memory, and the only way to parse hostile input.
 *
 * struct bytes is a cursor.  Every bytes_take function either consumes from
 * its front and fills its output, or returns ERR_TRUNCATED and leaves both as
 * they were.  struct writer is its twin: it fills memory that the caller owns
 * and returns ERR_TOO_LARGE, having written nothing, where that is full.
 *
 * Integers are big-endian, as on the network; the _le forms are for formats
 * that chose otherwise (GGUF, SEV-SNP, TDX, event logs).
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bytes {
	const uint8_t *data;
	size_t len;
};

/* A view of a string literal or array, without the terminating zero. */
#define BYTES_LITERAL(text) \
	((struct bytes){ (const uint8_t *)("" text), sizeof(text) - 1 })
#define BYTES_ARRAY(array) \
	((struct bytes){ (const uint8_t *)(array), sizeof(array) })

/* A view of a C string; the empty view for NULL. */
struct bytes bytes_of_string(const char *text);

MUST_CHECK enum err bytes_take(struct bytes *in, size_t len, struct bytes *out);
MUST_CHECK enum err bytes_take_u8(struct bytes *in, uint8_t *out);
MUST_CHECK enum err bytes_take_u16(struct bytes *in, uint16_t *out);
MUST_CHECK enum err bytes_take_u32(struct bytes *in, uint32_t *out);
MUST_CHECK enum err bytes_take_u64(struct bytes *in, uint64_t *out);
MUST_CHECK enum err bytes_take_u16_le(struct bytes *in, uint16_t *out);
MUST_CHECK enum err bytes_take_u32_le(struct bytes *in, uint32_t *out);
MUST_CHECK enum err bytes_take_u64_le(struct bytes *in, uint64_t *out);
MUST_CHECK enum err bytes_take_into(struct bytes *in, void *out, size_t len);

/* Take exactly this; ERR_MALFORMED, taking nothing, where another stands. */
MUST_CHECK enum err bytes_expect(struct bytes *in, struct bytes wanted);

/* ERR_MALFORMED unless every byte has been consumed. */
MUST_CHECK enum err bytes_expect_end(const struct bytes *in);

/* Equal in length and content.  Not for secrets: see secret_equal(). */
bool bytes_equal(struct bytes a, struct bytes b);

/* Invariant: len <= max. */
struct writer {
	uint8_t *data; /* the caller's */
	size_t len;    /* bytes written so far */
	size_t max;
};

#define WRITER_OVER(array) ((struct writer){ (array), 0, sizeof(array) })

MUST_CHECK enum err bytes_put(struct writer *out, struct bytes data);
MUST_CHECK enum err bytes_put_u8(struct writer *out, uint8_t value);
MUST_CHECK enum err bytes_put_u16(struct writer *out, uint16_t value);
MUST_CHECK enum err bytes_put_u32(struct writer *out, uint32_t value);
MUST_CHECK enum err bytes_put_u64(struct writer *out, uint64_t value);

/* The bytes written so far, borrowed from the writer's memory. */
struct bytes bytes_written(const struct writer *out);

#endif
