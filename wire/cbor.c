/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cbor.h"

/* RFC 8949 section 3.1. */
enum major {
	MAJOR_UNSIGNED = 0,
	MAJOR_NEGATIVE = 1,
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_TAG = 6,
};

#define NULL_ITEM 0xf6

#define ONE_BYTE 24    /* the argument follows in 1, */
#define EIGHT_BYTES 27 /* 2, 4 or 8 bytes */

/* The most that may be said without a longer form, by the form's number. */
static const uint64_t shorter_max[] = { 23, 0xff, 0xffff, 0xffffffff };

/*
 * The argument is read big-endian by hand because its width is data.  28..30
 * are reserved and 31 is an indefinite length: both end here.
 */
static enum err take_argument(struct bytes *in, unsigned info, uint64_t *out)
{
	if (info < ONE_BYTE) {
		*out = info;
		return ERR_OK;
	}
	if (info > EIGHT_BYTES)
		return ERR_MALFORMED;

	unsigned form = info - ONE_BYTE;
	struct bytes raw;
	uint64_t value = 0;

	TRY(bytes_take(in, (size_t)1 << form, &raw));
	for (size_t i = 0; i < raw.len; i++)
		value = value << 8 | raw.data[i];
	if (value <= shorter_max[form])
		return ERR_MALFORMED;
	*out = value;
	return ERR_OK;
}

static enum err take_head(struct bytes *in, enum major major, uint64_t *out)
{
	struct bytes rest = *in;
	uint8_t first;

	TRY(bytes_take_u8(&rest, &first));
	if (first >> 5 != (unsigned)major)
		return ERR_MALFORMED;
	TRY(take_argument(&rest, first & 0x1f, out));
	*in = rest;
	return ERR_OK;
}

/* A byte or text string; the length is compared before it becomes a size_t. */
static enum err take_string(struct bytes *in, enum major major,
			    struct bytes *out)
{
	struct bytes rest = *in;
	uint64_t len;

	TRY(take_head(&rest, major, &len));
	if (len > rest.len)
		return ERR_TRUNCATED;
	TRY(bytes_take(&rest, (size_t)len, out));
	*in = rest;
	return ERR_OK;
}

static enum err take_count(struct bytes *in, enum major major, size_t max,
			   size_t *out)
{
	struct bytes rest = *in;
	uint64_t count;

	TRY(take_head(&rest, major, &count));
	if (count > max)
		return ERR_MALFORMED;
	*in = rest;
	*out = (size_t)count;
	return ERR_OK;
}

enum err cbor_take_unsigned(struct bytes *in, uint64_t *out)
{
	return take_head(in, MAJOR_UNSIGNED, out);
}

enum err cbor_take_bytes(struct bytes *in, struct bytes *out)
{
	return take_string(in, MAJOR_BYTES, out);
}

enum err cbor_take_text(struct bytes *in, struct bytes *out)
{
	struct bytes rest = *in;
	struct bytes text;

	TRY(take_string(&rest, MAJOR_TEXT, &text));
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return ERR_MALFORMED;
	*in = rest;
	*out = text;
	return ERR_OK;
}

enum err cbor_take_array(struct bytes *in, size_t max, size_t *out)
{
	return take_count(in, MAJOR_ARRAY, max, out);
}

enum err cbor_take_map(struct bytes *in, size_t max, size_t *out)
{
	return take_count(in, MAJOR_MAP, max, out);
}

enum err cbor_take_bytes_into(struct bytes *in, void *out, size_t len)
{
	struct bytes rest = *in;
	struct bytes value;

	TRY(cbor_take_bytes(&rest, &value));
	if (value.len != len)
		return ERR_MALFORMED;
	TRY(bytes_take_into(&value, out, len));
	*in = rest;
	return ERR_OK;
}

enum err cbor_expect_unsigned(struct bytes *in, uint64_t value)
{
	struct bytes rest = *in;
	uint64_t found;

	TRY(cbor_take_unsigned(&rest, &found));
	if (found != value)
		return ERR_MALFORMED;
	*in = rest;
	return ERR_OK;
}

/* The version is read before the count, which another version may change. */
enum err cbor_take_versioned_map(struct bytes *in, uint64_t key,
				 uint64_t version, size_t count)
{
	struct bytes rest = *in;
	size_t pairs;
	uint64_t found;

	TRY(cbor_take_map(&rest, SIZE_MAX, &pairs));
	TRY(cbor_expect_unsigned(&rest, key));
	TRY(cbor_take_unsigned(&rest, &found));
	if (found != version)
		return ERR_UNSUPPORTED;
	if (pairs != count)
		return ERR_MALFORMED;
	*in = rest;
	return ERR_OK;
}

enum err cbor_expect_text(struct bytes *in, struct bytes text)
{
	struct bytes rest = *in;
	struct bytes found;

	TRY(cbor_take_text(&rest, &found));
	if (!bytes_equal(found, text))
		return ERR_MALFORMED;
	*in = rest;
	return ERR_OK;
}

/* Write the head in its shortest form into memory for CBOR_HEAD_MAX bytes. */
static struct bytes head(uint8_t memory[static CBOR_HEAD_MAX], enum major major,
			 uint64_t argument)
{
	unsigned form = 0;
	uint8_t type = (uint8_t)((unsigned)major << 5);

	if (argument <= shorter_max[0]) {
		memory[0] = (uint8_t)(type | argument);
		return (struct bytes){ memory, 1 };
	}
	while (form < 3 && argument > shorter_max[form + 1])
		form++;

	size_t width = (size_t)1 << form;

	memory[0] = (uint8_t)(type | (ONE_BYTE + form));
	for (size_t i = 0; i < width; i++)
		memory[width - i] = (uint8_t)(argument >> 8 * i);
	return (struct bytes){ memory, width + 1 };
}

static enum err put_head(struct writer *out, enum major major,
			 uint64_t argument)
{
	uint8_t memory[CBOR_HEAD_MAX];

	return bytes_put(out, head(memory, major, argument));
}

static enum err put_string(struct writer *out, enum major major,
			   struct bytes value)
{
	uint8_t memory[CBOR_HEAD_MAX];
	struct bytes first = head(memory, major, value.len);

	if (value.len > out->max - out->len ||
	    first.len > out->max - out->len - value.len)
		return ERR_TOO_LARGE;
	TRY(bytes_put(out, first));
	return bytes_put(out, value);
}

enum err cbor_put_unsigned(struct writer *out, uint64_t value)
{
	return put_head(out, MAJOR_UNSIGNED, value);
}

enum err cbor_put_integer(struct writer *out, int64_t value)
{
	return value < 0 ? put_head(out, MAJOR_NEGATIVE, (uint64_t)(-1 - value))
			 : put_head(out, MAJOR_UNSIGNED, (uint64_t)value);
}

enum err cbor_put_null(struct writer *out)
{
	return bytes_put_u8(out, NULL_ITEM);
}

enum err cbor_put_tag(struct writer *out, uint64_t tag)
{
	return put_head(out, MAJOR_TAG, tag);
}

enum err cbor_put_bytes(struct writer *out, struct bytes value)
{
	return put_string(out, MAJOR_BYTES, value);
}

enum err cbor_put_text(struct writer *out, struct bytes value)
{
	return put_string(out, MAJOR_TEXT, value);
}

enum err cbor_put_array(struct writer *out, size_t count)
{
	return put_head(out, MAJOR_ARRAY, count);
}

enum err cbor_put_map(struct writer *out, size_t count)
{
	return put_head(out, MAJOR_MAP, count);
}
