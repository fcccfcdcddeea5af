/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor: the deterministic encoding of CBOR (RFC 8949 section 4.2.1), strictly.
 *
 * What is hashed must have one encoding, so a reader that accepts two is a way
 * to say two things under one digest.  libcbor decodes what section 4.2.1
 * forbids (long forms of short integers, indefinite lengths, repeated keys) and
 * allocates for each item; this reader refuses the first and needs no memory.
 *
 *     item = head { content }
 *     head = major type:3 | 0..23 or 24..27:5 | u8, u16, u32 or u64
 *
 * There is no generic tree and so no recursion: a format is read in the order
 * in which deterministic encoding puts it, and anything else than the expected
 * item is ERR_MALFORMED.  Map keys in a fixed order leave no room for a
 * repeated or an unknown one.
 */
#ifndef WIRE_CBOR_H
#define WIRE_CBOR_H

#include "base/bytes.h"

#define CBOR_HEAD_MAX 9 /* bytes of the longest head */

/*
 * Take one item from the front.  Each returns ERR_MALFORMED for an item of
 * another type or not in its shortest form, ERR_TRUNCATED where the input ends
 * inside it, and then leaves both arguments as they were.  Views are borrowed.
 */
MUST_CHECK enum err cbor_take_unsigned(struct bytes *in, uint64_t *out);
MUST_CHECK enum err cbor_take_bytes(struct bytes *in, struct bytes *out);

/* Printable ASCII without control characters: all that our formats need. */
MUST_CHECK enum err cbor_take_text(struct bytes *in, struct bytes *out);

/* The head of an array or map of at most `max` items or pairs. */
MUST_CHECK enum err cbor_take_array(struct bytes *in, size_t max, size_t *out);
MUST_CHECK enum err cbor_take_map(struct bytes *in, size_t max, size_t *out);

/*
 * The head of a map of `count` pairs and the first of these, its version under
 * `key`.  ERR_UNSUPPORTED for another version, whatever its count.
 */
MUST_CHECK enum err cbor_take_versioned_map(struct bytes *in, uint64_t key,
					    uint64_t version, size_t count);

/* Take a byte string of exactly `len` bytes into memory of the caller. */
MUST_CHECK enum err cbor_take_bytes_into(struct bytes *in, void *out,
					 size_t len);

/* Take an item that must be exactly this: a map key, a version, a type. */
MUST_CHECK enum err cbor_expect_unsigned(struct bytes *in, uint64_t value);
MUST_CHECK enum err cbor_expect_text(struct bytes *in, struct bytes text);

/*
 * Append one item.  ERR_TOO_LARGE, having written nothing, where the writer has
 * no room for the whole of it.
 */
MUST_CHECK enum err cbor_put_unsigned(struct writer *out, uint64_t value);
MUST_CHECK enum err cbor_put_integer(struct writer *out, int64_t value);
MUST_CHECK enum err cbor_put_bytes(struct writer *out, struct bytes value);
MUST_CHECK enum err cbor_put_text(struct writer *out, struct bytes value);

MUST_CHECK enum err cbor_put_null(struct writer *out);

/* Append the head of a tag; the item it is of has to follow. */
MUST_CHECK enum err cbor_put_tag(struct writer *out, uint64_t tag);

/* Append the head of an array or map; its items or pairs have to follow. */
MUST_CHECK enum err cbor_put_array(struct writer *out, size_t count);
MUST_CHECK enum err cbor_put_map(struct writer *out, size_t count);

#endif
