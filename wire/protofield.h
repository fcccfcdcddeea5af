/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protofield: the fields of a protobuf message, one by one, without a schema.
 *
 *     tag = number << 3 | wire type, then by wire type
 *     0  number, base 128      2  length, bytes
 *     1  8 bytes               5  4 bytes
 *
 * For the few messages of gRPC's own conventions (health, status details),
 * which have too few fields to be worth generated code; node.proto's go
 * through wire/proto.h.
 */
#ifndef WIRE_PROTOFIELD_H
#define WIRE_PROTOFIELD_H

#include "base/bytes.h"

enum protofield_type {
	PROTOFIELD_NUMBER = 0,
	PROTOFIELD_FIXED64 = 1,
	PROTOFIELD_BYTES = 2,
	PROTOFIELD_FIXED32 = 5,
};

struct protofield {
	uint32_t number;
	enum protofield_type type;
	uint64_t value;	    /* PROTOFIELD_NUMBER */
	struct bytes bytes; /* the others: a view of the input */
};

/* Take one field.  ERR_MALFORMED for groups, number 0, or an early end. */
MUST_CHECK enum err protofield_take(struct bytes *in, struct protofield *out);

/* Append one field; proto3 leaves out zero and empty ones, and so do these. */
MUST_CHECK enum err protofield_put_number(struct writer *out, uint32_t number,
					  uint64_t value);
MUST_CHECK enum err protofield_put_bytes(struct writer *out, uint32_t number,
					 struct bytes value);

#endif
