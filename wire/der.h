/* SPDX-License-Identifier: Apache-2.0 */
/*
 * der: the distinguished encoding of ASN.1 (X.690, sections 8 and 10), strictly,
 * as far as vendors' certificate extensions need it.
 *
 *     value = tag:1 | length | content
 *     length = 0..127:1  or  81 | u8  or  82 | u16  or  83 | u24
 *
 * The reader walks: a caller takes one value of the tag that must come next.
 * There is no tree and no recursion.  A length in a longer form than needed, the
 * indefinite one, an integer with a needless first byte and a number in more
 * than 64 bits are refused, so that what is read has one encoding.  Object
 * identifiers are compared in their encoding.
 */
#ifndef WIRE_DER_H
#define WIRE_DER_H

#include "base/bytes.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

/*
 * Take one value from the front.  ERR_MALFORMED for another tag or an encoding
 * that is not the distinguished one, ERR_TRUNCATED where the input ends inside
 * it; both arguments are then as they were.  Contents are borrowed.
 */
MUST_CHECK enum err der_take(struct bytes *in, enum der_tag tag,
			     struct bytes *content);

/* An INTEGER or ENUMERATED that is not negative and fits 64 bits. */
MUST_CHECK enum err der_take_unsigned(struct bytes *in, enum der_tag tag,
				      uint64_t *out);

MUST_CHECK enum err der_take_boolean(struct bytes *in, bool *out);

/* An OBJECT IDENTIFIER that must be this one, given without tag and length. */
MUST_CHECK enum err der_expect_oid(struct bytes *in, struct bytes oid);

/* Whether the next value has this tag; false at the end. */
bool der_is_next(const struct bytes *in, enum der_tag tag);

#endif
