/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

#include "base/secret.h"

/* The two letters in which the alphabets differ: for 62 and 63. */
static const char url_safe[] = "-_";
static const char standard[] = "+/";

/*
 * A log's private key is kept in base64: so there is neither a table nor a
 * branch by what is written or read, but masks for each run of letters.
 *
 * All ones where first <= value <= last, else all zeros; all below 2^31.
 */
static uint32_t within(uint32_t value, uint32_t first, uint32_t last)
{
	return (((value - first) | (last - value)) >> 31) - 1;
}

static uint8_t letter_of(uint32_t value, const char *others)
{
	return (uint8_t)((within(value, 0, 25) & (value + 'A')) |
			 (within(value, 26, 51) & (value - 26 + 'a')) |
			 (within(value, 52, 61) & (value - 52 + '0')) |
			 (within(value, 62, 62) & (uint8_t)others[0]) |
			 (within(value, 63, 63) & (uint8_t)others[1]));
}

/* What the letter stands for, with *bad set where it is none. */
static uint32_t value_of(uint32_t letter, const char *others, uint32_t *bad)
{
	uint32_t first = (uint8_t)others[0], second = (uint8_t)others[1];
	/* One more than it stands for, so that nothing is zero. */
	uint32_t more = (within(letter, 'A', 'Z') & (letter - 'A' + 1)) |
			(within(letter, 'a', 'z') & (letter - 'a' + 27)) |
			(within(letter, '0', '9') & (letter - '0' + 53)) |
			(within(letter, first, first) & 63) |
			(within(letter, second, second) & 64);

	*bad |= within(more, 0, 0);
	return (more - 1) & 63;
}

/* One to three bytes become two to four letters. */
static void encode_group(struct bytes group, const char *others,
			 uint8_t *letters)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < group.len ? group.data[i] : 0);
	for (size_t i = 0; i <= group.len; i++)
		letters[i] = letter_of(bits >> (18 - 6 * i) & 63, others);
}

static enum err put(struct writer *out, struct bytes data, const char *others)
{
	size_t room = out->max - out->len;

	if (data.len > room || BASE64_LETTERS(data.len) > room)
		return ERR_TOO_LARGE;
	while (data.len != 0) {
		struct bytes group;

		TRY(bytes_take(&data, data.len < 3 ? data.len : 3, &group));
		encode_group(group, others, out->data + out->len);
		out->len += group.len + 1;
	}
	return ERR_OK;
}

enum err base64_put(struct writer *out, struct bytes data)
{
	return put(out, data, url_safe);
}

/* How many '=' the standard form ends with. */
static size_t padding_of(size_t len)
{
	return (3 - len % 3) % 3;
}

enum err base64_put_standard(struct writer *out, struct bytes data)
{
	struct writer whole = *out;

	TRY(put(&whole, data, standard));
	for (size_t i = padding_of(data.len); i > 0; i--)
		TRY(bytes_put_u8(&whole, '='));
	*out = whole;
	return ERR_OK;
}

/* Two to four letters become one to three bytes; unused bits must be zero. */
static enum err decode_group(struct bytes group, const char *others,
			     struct writer *out, uint32_t *bad)
{
	uint32_t bits = 0;
	uint8_t raw[3];

	if (group.len < 2)
		return ERR_MALFORMED;
	for (size_t i = 0; i < 4; i++)
		bits = bits << 6 |
		       (i < group.len ? value_of(group.data[i], others, bad)
				      : 0);
	*bad |= bits & ((1u << 8 * (4 - group.len)) - 1);
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(bits >> (16 - 8 * i));
	return bytes_put(out, (struct bytes){ raw, group.len - 1 });
}

static enum err decode(struct bytes letters, const char *others,
		       struct writer *out)
{
	struct writer whole = *out;
	uint32_t bad = 0;

	while (letters.len != 0) {
		struct bytes group;

		TRY(bytes_take(&letters, letters.len < 4 ? letters.len : 4,
			       &group));
		TRY(decode_group(group, others, &whole, &bad));
	}
	if (secret_tell((int)bad) != 0)
		return ERR_MALFORMED;
	*out = whole;
	return ERR_OK;
}

enum err base64_decode(struct bytes letters, struct writer *out)
{
	return decode(letters, url_safe, out);
}

/* A '=' that is left after two is no letter. */
enum err base64_decode_standard(struct bytes letters, struct writer *out)
{
	if (letters.len % 4 != 0)
		return ERR_MALFORMED;
	for (int i = 0; i < 2 && letters.len != 0; i++)
		if (letters.data[letters.len - 1] == '=')
			letters.len--;
	return decode(letters, standard, out);
}
