/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/der.h"

#define LONG_FORM 0x80
#define LENGTH_BYTES_MAX 3
#define NUMBER_BYTES_MAX 8

static enum err take_length(struct bytes *in, size_t *out)
{
	struct bytes raw;
	uint8_t first;
	size_t value = 0;

	TRY(bytes_take_u8(in, &first));
	if (first < LONG_FORM) {
		*out = first;
		return ERR_OK;
	}
	if (first == LONG_FORM || first > LONG_FORM + LENGTH_BYTES_MAX)
		return ERR_MALFORMED;
	TRY(bytes_take(in, first - LONG_FORM, &raw));
	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	if (raw.data[0] == 0 || value < LONG_FORM)
		return ERR_MALFORMED;
	*out = value;
	return ERR_OK;
}

enum err der_take(struct bytes *in, enum der_tag tag, struct bytes *content)
{
	struct bytes rest = *in;
	uint8_t found;
	size_t len;

	TRY(bytes_take_u8(&rest, &found));
	if (found != (unsigned)tag)
		return ERR_MALFORMED;
	TRY(take_length(&rest, &len));
	TRY(bytes_take(&rest, len, content));
	*in = rest;
	return ERR_OK;
}

/* Nine bytes only where the first keeps the sign bit away (X.690, 8.3.2). */
enum err der_take_unsigned(struct bytes *in, enum der_tag tag, uint64_t *out)
{
	struct bytes rest = *in;
	struct bytes raw;
	uint64_t value = 0;

	TRY(der_take(&rest, tag, &raw));
	if (raw.len == 0 || (raw.data[0] & 0x80) != 0)
		return ERR_MALFORMED;
	if (raw.len > 1 && raw.data[0] == 0) {
		if ((raw.data[1] & 0x80) == 0)
			return ERR_MALFORMED;
		raw.data++;
		raw.len--;
	}
	if (raw.len > NUMBER_BYTES_MAX)
		return ERR_MALFORMED;
	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	*in = rest;
	*out = value;
	return ERR_OK;
}

enum err der_take_boolean(struct bytes *in, bool *out)
{
	struct bytes rest = *in;
	struct bytes raw;

	TRY(der_take(&rest, DER_BOOLEAN, &raw));
	if (raw.len != 1 || (raw.data[0] != 0 && raw.data[0] != 0xff))
		return ERR_MALFORMED;
	*in = rest;
	*out = raw.data[0] != 0;
	return ERR_OK;
}

enum err der_expect_oid(struct bytes *in, struct bytes oid)
{
	struct bytes rest = *in;
	struct bytes found;

	TRY(der_take(&rest, DER_OID, &found));
	if (!bytes_equal(found, oid))
		return ERR_MALFORMED;
	*in = rest;
	return ERR_OK;
}

bool der_is_next(const struct bytes *in, enum der_tag tag)
{
	return in->len > 0 && in->data[0] == (unsigned)tag;
}
