/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

struct bytes bytes_of_string(const char *text)
{
	return (struct bytes){ (const uint8_t *)text,
			       text == NULL ? 0 : strlen(text) };
}

enum err bytes_take(struct bytes *in, size_t len, struct bytes *out)
{
	if (in->len < len)
		return ERR_TRUNCATED;

	*out = (struct bytes){ .data = in->data, .len = len };
	/* An empty view may hold NULL, to which nothing may be added. */
	if (len != 0)
		in->data += len;
	in->len -= len;
	return ERR_OK;
}

static uint64_t big_endian(struct bytes raw)
{
	uint64_t value = 0;

	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	return value;
}

static uint64_t little_endian(struct bytes raw)
{
	uint64_t value = 0;

	for (size_t i = raw.len; i > 0; i--)
		value = value << 8 | raw.data[i - 1];
	return value;
}

enum err bytes_take_u8(struct bytes *in, uint8_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 1, &raw));
	*out = raw.data[0];
	return ERR_OK;
}

enum err bytes_take_u16(struct bytes *in, uint16_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 2, &raw));
	*out = (uint16_t)big_endian(raw);
	return ERR_OK;
}

enum err bytes_take_u32(struct bytes *in, uint32_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 4, &raw));
	*out = (uint32_t)big_endian(raw);
	return ERR_OK;
}

enum err bytes_take_u64(struct bytes *in, uint64_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 8, &raw));
	*out = big_endian(raw);
	return ERR_OK;
}

enum err bytes_take_u16_le(struct bytes *in, uint16_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 2, &raw));
	*out = (uint16_t)little_endian(raw);
	return ERR_OK;
}

enum err bytes_take_u32_le(struct bytes *in, uint32_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 4, &raw));
	*out = (uint32_t)little_endian(raw);
	return ERR_OK;
}

enum err bytes_take_u64_le(struct bytes *in, uint64_t *out)
{
	struct bytes raw;

	TRY(bytes_take(in, 8, &raw));
	*out = little_endian(raw);
	return ERR_OK;
}

enum err bytes_take_into(struct bytes *in, void *out, size_t len)
{
	struct bytes raw;

	TRY(bytes_take(in, len, &raw));
	if (len != 0)
		memcpy(out, raw.data, len);
	return ERR_OK;
}

enum err bytes_expect(struct bytes *in, struct bytes wanted)
{
	struct bytes rest = *in;
	struct bytes found;

	if (bytes_take(&rest, wanted.len, &found) != ERR_OK ||
	    !bytes_equal(found, wanted))
		return ERR_MALFORMED;
	*in = rest;
	return ERR_OK;
}

enum err bytes_expect_end(const struct bytes *in)
{
	return in->len == 0 ? ERR_OK : ERR_MALFORMED;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

enum err bytes_put(struct writer *out, struct bytes data)
{
	invariant(out->len <= out->max);
	if (data.len > out->max - out->len)
		return ERR_TOO_LARGE;

	if (data.len != 0)
		memcpy(out->data + out->len, data.data, data.len);
	out->len += data.len;
	return ERR_OK;
}

static enum err put_big_endian(struct writer *out, uint64_t value, size_t len)
{
	uint8_t raw[8];

	for (size_t i = 0; i < len; i++)
		raw[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	return bytes_put(out, (struct bytes){ raw, len });
}

enum err bytes_put_u8(struct writer *out, uint8_t value)
{
	return put_big_endian(out, value, 1);
}

enum err bytes_put_u16(struct writer *out, uint16_t value)
{
	return put_big_endian(out, value, 2);
}

enum err bytes_put_u32(struct writer *out, uint32_t value)
{
	return put_big_endian(out, value, 4);
}

enum err bytes_put_u64(struct writer *out, uint64_t value)
{
	return put_big_endian(out, value, 8);
}

struct bytes bytes_written(const struct writer *out)
{
	return (struct bytes){ out->data, out->len };
}
