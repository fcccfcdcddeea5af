/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto: protobuf-c within bounds.
 *
 * protobuf-c allocates what a message asks for and copies every field.  Here
 * it allocates from an arena of the caller's and from nothing else, so a
 * hostile message can at most fill that.
 */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/bytes.h"

/*
 * Decode one message; it lives in the arena.  ERR_MALFORMED when it is not
 * one, ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK enum err proto_decode(struct bytes in,
				 const ProtobufCMessageDescriptor *type,
				 struct arena *arena, ProtobufCMessage **out);

/* Append the encoded message. */
MUST_CHECK enum err proto_encode(const ProtobufCMessage *message,
				 struct writer *out);

/* A field to encode: borrowed, as protobuf-c only reads it. */
ProtobufCBinaryData proto_binary(struct bytes data);

/* A decoded field, as a view of the message's memory. */
struct bytes proto_view(ProtobufCBinaryData data);

#endif
