/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/base64.h"

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char url_safe[] = COMMON "-_";
static const char standard[] = COMMON "+/";

#define NO_LETTER 64

/* Nothing secret is ever written in base64 here, so a branch is no leak. */
static uint32_t value_of(uint8_t letter, const char *alphabet)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A' + 0u;
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26u;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52u;
	if (letter == alphabet[62])
		return 62;
	return letter == alphabet[63] ? 63 : NO_LETTER;
}

/* One to three bytes become two to four letters. */
static void encode_group(struct bytes group, const char *alphabet,
			 uint8_t *letters)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < group.len ? group.data[i] : 0);
	for (size_t i = 0; i <= group.len; i++)
		letters[i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 63];
}

static enum err put(struct writer *out, struct bytes data, const char *alphabet)
{
	size_t room = out->max - out->len;

	if (data.len > room || BASE64_LETTERS(data.len) > room)
		return ERR_TOO_LARGE;
	while (data.len != 0) {
		struct bytes group;

		TRY(bytes_take(&data, data.len < 3 ? data.len : 3, &group));
		encode_group(group, alphabet, out->data + out->len);
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
static enum err decode_group(struct bytes group, const char *alphabet,
			     struct writer *out)
{
	uint32_t bits = 0;
	uint8_t raw[3];

	if (group.len < 2)
		return ERR_MALFORMED;
	for (size_t i = 0; i < 4; i++) {
		uint32_t value =
			i < group.len ? value_of(group.data[i], alphabet) : 0;

		if (value == NO_LETTER)
			return ERR_MALFORMED;
		bits = bits << 6 | value;
	}
	if ((bits & ((1u << 8 * (4 - group.len)) - 1)) != 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(bits >> (16 - 8 * i));
	return bytes_put(out, (struct bytes){ raw, group.len - 1 });
}

static enum err decode(struct bytes letters, const char *alphabet,
		       struct writer *out)
{
	struct writer whole = *out;

	while (letters.len != 0) {
		struct bytes group;

		TRY(bytes_take(&letters, letters.len < 4 ? letters.len : 4,
			       &group));
		TRY(decode_group(group, alphabet, &whole));
	}
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
