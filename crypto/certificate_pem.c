/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certificate_pem.h"

#include <openssl/evp.h>

#define BEGIN BYTES_LITERAL("-----BEGIN CERTIFICATE-----")
#define END BYTES_LITERAL("-----END CERTIFICATE-----")

#define LETTERS 4 /* stand for three bytes */
#define BYTES 3

static bool is_space(uint8_t letter)
{
	return letter == ' ' || letter == '\t' || letter == '\r' ||
	       letter == '\n';
}

static void skip_spaces(struct bytes *text)
{
	while (text->len > 0 && is_space(text->data[0])) {
		text->data++;
		text->len--;
	}
}

bool certificate_pem_is_end(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_space(text.data[i]) && text.data[i] != '\0')
			return false;
	return true;
}

static enum err expect(struct bytes *text, struct bytes line)
{
	struct bytes found;

	if (bytes_take(text, line.len, &found) != ERR_OK ||
	    !bytes_equal(found, line))
		return ERR_MALFORMED;
	return ERR_OK;
}

/* Four letters at a time; `padding` counts the '=' at the end of all. */
static enum err decode(const uint8_t letters[static LETTERS], size_t padding,
		       struct writer *der)
{
	uint8_t decoded[BYTES];

	if (EVP_DecodeBlock(decoded, letters, LETTERS) != BYTES)
		return ERR_MALFORMED;
	return bytes_put(der, (struct bytes){ decoded, BYTES - padding });
}

static bool is_letter(uint8_t letter)
{
	return (letter >= 'A' && letter <= 'Z') ||
	       (letter >= 'a' && letter <= 'z') ||
	       (letter >= '0' && letter <= '9') || letter == '+' ||
	       letter == '/';
}

/* Up to the first '-', which is no letter. */
static enum err take_body(struct bytes *text, struct writer *der)
{
	uint8_t letters[LETTERS];
	size_t count = 0;
	size_t padding = 0;

	for (; text->len > 0 && text->data[0] != '-'; text->data++) {
		uint8_t letter = text->data[0];

		text->len--;
		if (is_space(letter))
			continue;
		padding += letter == '=';
		if ((padding > 0 && letter != '=') || padding > 2 ||
		    (padding == 0 && !is_letter(letter)))
			return ERR_MALFORMED;
		letters[count++] = letter;
		if (count < LETTERS)
			continue;
		TRY(decode(letters, padding, der));
		count = 0;
	}
	return count == 0 ? ERR_OK : ERR_MALFORMED;
}

enum err certificate_pem_take(struct bytes *text, struct writer *der)
{
	struct bytes rest = *text;
	struct writer out = *der;

	skip_spaces(&rest);
	TRY(expect(&rest, BEGIN));
	TRY(take_body(&rest, &out));
	TRY(expect(&rest, END));
	*text = rest;
	*der = out;
	return ERR_OK;
}
