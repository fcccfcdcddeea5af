/* SPDX-License-Identifier: Apache-2.0 */
#include "model/protobuf.h"

#define VARINT_BYTES 10

static enum err take_varint(struct bytes *message, uint64_t *out)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned i = 0; i < VARINT_BYTES; i++) {
		TRY(bytes_take_u8(message, &byte));
		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80) {
			*out = value;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_content(struct bytes *message, uint64_t kind,
			     struct protobuf_field *out)
{
	uint64_t len;

	switch (kind) {
	case 0:
		return take_varint(message, &out->value);
	case 1:
		return bytes_take(message, 8, &out->bytes);
	case 2:
		TRY(take_varint(message, &len));
		return bytes_take(message, (size_t)len, &out->bytes);
	case 5:
		return bytes_take(message, 4, &out->bytes);
	default:
		return ERR_MALFORMED;
	}
}

enum err protobuf_take(struct bytes *message, struct protobuf_field *out)
{
	struct protobuf_field field = { 0 };
	struct bytes rest = *message;
	uint64_t tag;

	TRY(take_varint(&rest, &tag));
	field.number = tag >> 3;
	TRY(take_content(&rest, tag & 7, &field));
	*message = rest;
	*out = field;
	return ERR_OK;
}
