/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/protofield.h"

#define NUMBER_BYTES_MAX 10 /* of 64 bits, seven in each */
#define FIELD_NUMBER_MAX ((UINT32_C(1) << 29) - 1)

/* Base 128, least significant first; bits beyond 64 are an error. */
static enum err take_number(struct bytes *in, uint64_t *out)
{
	struct bytes rest = *in;
	uint64_t value = 0;

	for (unsigned int i = 0; i < NUMBER_BYTES_MAX; i++) {
		uint8_t byte;

		TRY(bytes_take_u8(&rest, &byte));
		if (i == NUMBER_BYTES_MAX - 1 && byte > 1)
			return ERR_MALFORMED;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0) {
			*in = rest;
			*out = value;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err take_tag(struct bytes *in, struct protofield *out)
{
	uint64_t tag;

	TRY(take_number(in, &tag));
	if (tag >> 3 == 0 || tag >> 3 > FIELD_NUMBER_MAX)
		return ERR_MALFORMED;
	out->number = (uint32_t)(tag >> 3);
	out->type = (enum protofield_type)(tag & 7);
	return ERR_OK;
}

static enum err take_value(struct bytes *in, struct protofield *out)
{
	uint64_t len;

	switch (out->type) {
	case PROTOFIELD_NUMBER:
		return take_number(in, &out->value);
	case PROTOFIELD_FIXED64:
		return bytes_take(in, 8, &out->bytes);
	case PROTOFIELD_FIXED32:
		return bytes_take(in, 4, &out->bytes);
	case PROTOFIELD_BYTES:
		TRY(take_number(in, &len));
		return bytes_take(in, len, &out->bytes);
	default:
		return ERR_MALFORMED;
	}
}

enum err protofield_take(struct bytes *in, struct protofield *out)
{
	struct bytes rest = *in;
	struct protofield field = { .number = 0 };

	/* A message is whole before it is parsed: an early end is a lie. */
	if (take_tag(&rest, &field) != ERR_OK ||
	    take_value(&rest, &field) != ERR_OK)
		return ERR_MALFORMED;
	*in = rest;
	*out = field;
	return ERR_OK;
}

static enum err put_base128(struct writer *out, uint64_t value)
{
	while (value >= 0x80) {
		TRY(bytes_put_u8(out, (uint8_t)(value | 0x80)));
		value >>= 7;
	}
	return bytes_put_u8(out, (uint8_t)value);
}

static enum err put_tag(struct writer *out, uint32_t number,
			enum protofield_type type)
{
	invariant(number > 0 && number <= FIELD_NUMBER_MAX);
	return put_base128(out, (uint64_t)number << 3 | type);
}

enum err protofield_put_number(struct writer *out, uint32_t number,
			       uint64_t value)
{
	struct writer trial = *out;

	if (value == 0)
		return ERR_OK;
	TRY(put_tag(&trial, number, PROTOFIELD_NUMBER));
	TRY(put_base128(&trial, value));
	*out = trial;
	return ERR_OK;
}

enum err protofield_put_bytes(struct writer *out, uint32_t number,
			      struct bytes value)
{
	struct writer trial = *out;

	if (value.len == 0)
		return ERR_OK;
	TRY(put_tag(&trial, number, PROTOFIELD_BYTES));
	TRY(put_base128(&trial, value.len));
	TRY(bytes_put(&trial, value));
	*out = trial;
	return ERR_OK;
}
