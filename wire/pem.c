/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pem.h"

#include <string.h>

#include "wire/base64.h"

#define LINE_LETTERS 64
#define LINE_BYTES (LINE_LETTERS / 4 * 3)

static enum err expect_boundary(struct bytes *in, const char *word,
				const char *label)
{
	TRY(bytes_expect(in, bytes_of_string("-----")));
	TRY(bytes_expect(in, bytes_of_string(word)));
	TRY(bytes_expect(in, bytes_of_string(label)));
	return bytes_expect(in, bytes_of_string("-----\n"));
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
	return ERR_OK;
}

static enum err write_boundary(const char *word, const char *label,
			       struct writer *out)
{
	TRY(bytes_put(out, BYTES_LITERAL("-----")));
	TRY(bytes_put(out, bytes_of_string(word)));
	TRY(bytes_put(out, bytes_of_string(label)));
	return bytes_put(out, BYTES_LITERAL("-----\n"));
}

static enum err write_line(struct bytes part, struct writer *out)
{
	size_t start = out->len;

	TRY(base64_put(out, part));
	for (size_t i = start; i < out->len; i++) {
		if (out->data[i] == '-')
			out->data[i] = '+';
		else if (out->data[i] == '_')
			out->data[i] = '/';
	}
	while ((out->len - start) % 4 != 0)
		TRY(bytes_put_u8(out, '='));
	return bytes_put_u8(out, '\n');
}

enum err pem_put(struct bytes in, const char *label, struct writer *out)
{
	struct writer whole = *out;

	TRY(write_boundary("BEGIN ", label, &whole));
	while (in.len > 0) {
		struct bytes part;

		TRY(bytes_take(&in, in.len < LINE_BYTES ? in.len : LINE_BYTES,
			       &part));
		TRY(write_line(part, &whole));
	}
	TRY(write_boundary("END ", label, &whole));
	*out = whole;
	return ERR_OK;
}
