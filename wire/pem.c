/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pem.h"

#include <string.h>

#include "wire/base64.h"

<<<<<<< HEAD
#define LINE_LETTERS 64

static enum err expect(struct bytes *in, const char *text)
{
	struct bytes found;

	if (bytes_take(in, strlen(text), &found) != ERR_OK ||
	    !bytes_equal(found, bytes_of_string(text)))
		return ERR_MALFORMED;
	return ERR_OK;
}

static enum err expect_boundary(struct bytes *in, const char *word,
				const char *label)
{
	TRY(expect(in, "-----"));
	TRY(expect(in, word));
	TRY(expect(in, label));
	return expect(in, "-----\n");
}

/* A line without its feed; it ends at the latest after 65 bytes. */
static enum err take_line(struct bytes *in, struct bytes *line)
{
	size_t most = in->len < LINE_LETTERS + 1 ? in->len : LINE_LETTERS + 1;
	const uint8_t *end = most == 0 ? NULL : memchr(in->data, '\n', most);
	uint8_t feed;

	if (end == NULL || end == in->data)
		return ERR_MALFORMED;
	TRY(bytes_take(in, (size_t)(end - in->data), line));
	return bytes_take_u8(in, &feed);
}

/* Bytes of one line: the alphabet of RFC 4648 section 4, with its padding. */
static enum err put_line(struct bytes line, struct writer *out)
{
	uint8_t memory[LINE_LETTERS];
	size_t letters = line.len;

	if (line.len % 4 != 0)
		return ERR_MALFORMED;
	for (int i = 0; i < 2 && line.data[letters - 1] == '='; i++)
		letters--;
	for (size_t i = 0; i < letters; i++) {
		uint8_t letter = line.data[i];

		if (letter == '-' || letter == '_')
			return ERR_MALFORMED;
		memory[i] = letter == '+' ? '-' : letter == '/' ? '_' : letter;
	}
	return base64_decode((struct bytes){ memory, letters }, out);
}

enum err pem_take(struct bytes *in, const char *label, struct writer *out)
{
	struct bytes rest = *in;
	struct bytes line = { NULL, LINE_LETTERS };

	TRY(expect_boundary(&rest, "BEGIN ", label));
	while (rest.len == 0 || rest.data[0] != '-') {
		/* Only the last line may be short, or have padding. */
		if (line.len != LINE_LETTERS ||
		    (line.data != NULL && line.data[line.len - 1] == '='))
			return ERR_MALFORMED;
		TRY(take_line(&rest, &line));
		TRY(put_line(line, out));
	}
	TRY(expect_boundary(&rest, "END ", label));
	*in = rest;
=======
#define BEGIN BYTES_LITERAL("-----BEGIN CERTIFICATE-----")
#define END BYTES_LITERAL("-----END CERTIFICATE-----")
#define LINE_LETTERS 64
#define LINE_BYTES (LINE_LETTERS / 4 * 3)
#define LETTERS_MAX BASE64_LETTERS(PEM_CERTIFICATE_MAX)

/* Up to the words, which are taken with it; false where they do not come. */
static bool take_to(struct bytes *text, struct bytes words, struct bytes *out)
{
	const uint8_t *at = text->len == 0 ? NULL
					   : memmem(text->data, text->len,
						    words.data, words.len);
	size_t len;

	if (at == NULL)
		return false;
	len = (size_t)(at - text->data);
	*out = (struct bytes){ text->data, len };
	text->data += len + words.len;
	text->len -= len + words.len;
	return true;
}

/* The letters of the other alphabet, without lines and padding. */
static enum err put_letters(struct bytes body, struct writer *out)
{
	size_t padding = 0;

	for (size_t i = 0; i < body.len; i++) {
		uint8_t letter = body.data[i];

		if (letter == '\n' || letter == '\r')
			continue;
		if (letter == '=') {
			padding++;
			continue;
		}
		if (padding > 0 || letter == '-' || letter == '_')
			return ERR_MALFORMED;
		if (letter == '+')
			letter = '-';
		if (letter == '/')
			letter = '_';
		TRY(bytes_put_u8(out, letter));
	}
	return (out->len + padding) % 4 == 0 && padding < 3 ? ERR_OK
							    : ERR_MALFORMED;
}

enum err pem_take(struct bytes *text, struct writer *der)
{
	uint8_t memory[LETTERS_MAX];
	struct writer letters = WRITER_OVER(memory);
	struct bytes rest = *text;
	struct bytes before, body;

	if (!take_to(&rest, BEGIN, &before)) {
		*text = (struct bytes){ NULL, 0 };
		return ERR_OK;
	}
	if (!take_to(&rest, END, &body))
		return ERR_TRUNCATED;
	TRY(put_letters(body, &letters));
	if (letters.len == 0)
		return ERR_MALFORMED;
	TRY(base64_decode(bytes_written(&letters), der));
	*text = rest;
	return ERR_OK;
}

static enum err put_line(struct bytes part, struct writer *text)
{
	size_t start = text->len;

	TRY(base64_put(text, part));
	for (size_t i = start; i < text->len; i++) {
		if (text->data[i] == '-')
			text->data[i] = '+';
		if (text->data[i] == '_')
			text->data[i] = '/';
	}
	while ((text->len - start) % 4 != 0)
		TRY(bytes_put_u8(text, '='));
	return bytes_put_u8(text, '\n');
}

enum err pem_put(struct bytes der, struct writer *text)
{
	struct writer whole = *text;

	TRY(bytes_put(&whole, BEGIN));
	TRY(bytes_put_u8(&whole, '\n'));
	while (der.len > 0) {
		struct bytes part;

		TRY(bytes_take(&der,
			       der.len < LINE_BYTES ? der.len : LINE_BYTES,
			       &part));
		TRY(put_line(part, &whole));
	}
	TRY(bytes_put(&whole, END));
	TRY(bytes_put_u8(&whole, '\n'));
	*text = whole;
>>>>>>> 8564c90 (Hardware evidence: an attester in a jail of its own measures the node into a TPM and quotes it)
	return ERR_OK;
}
