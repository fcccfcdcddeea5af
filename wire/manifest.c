/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/manifest.h"

#include <string.h>

#define HEAD BYTES_LITERAL(MANIFEST_HEAD)

static int compare(struct bytes a, struct bytes b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);

	if (order != 0 || a.len == b.len)
		return order;
	return a.len < b.len ? -1 : 1;
}

int manifest_compare(const struct manifest_line *a,
		     const struct manifest_line *b)
{
	int order = compare(a->section, b->section);

	return order != 0 ? order : compare(a->name, b->name);
}

enum err manifest_begin(struct bytes text, struct manifest_reader *out)
{
	struct bytes head;

	if (text.len > MANIFEST_BYTES_MAX)
		return ERR_TOO_LARGE;
	if (bytes_take(&text, HEAD.len, &head) != ERR_OK ||
	    !bytes_equal(head, HEAD))
		return ERR_UNSUPPORTED;
	*out = (struct manifest_reader){ .rest = text };
	return ERR_OK;
}

/* Everything up to the separator, which is consumed and not in it. */
static enum err take_until(struct bytes *in, uint8_t separator,
			   struct bytes *out)
{
	const uint8_t *end =
		in->len == 0 ? NULL : memchr(in->data, separator, in->len);
	struct bytes rest = *in;

	if (end == NULL)
		return ERR_MALFORMED;
	TRY(bytes_take(&rest, (size_t)(end - in->data), out));
	TRY(bytes_take(&rest, 1, &(struct bytes){ 0 }));
	*in = rest;
	return ERR_OK;
}

static bool is_of(struct bytes text, uint8_t least, uint8_t most, size_t max)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < least || text.data[i] > most)
			return false;
	return text.len > 0 && text.len <= max;
}

static enum err split(struct bytes line, struct manifest_line *out)
{
	struct manifest_line parts;

	TRY(take_until(&line, ' ', &parts.section));
	TRY(take_until(&line, ' ', &parts.name));
	parts.value = line;
	if (!is_of(parts.section, 'a', 'z', MANIFEST_SECTION_MAX) ||
	    !is_of(parts.name, '!', '~', MANIFEST_NAME_MAX) ||
	    !is_of(parts.value, ' ', '~', MANIFEST_VALUE_MAX) ||
	    line.data[0] == ' ' || line.data[line.len - 1] == ' ')
		return ERR_MALFORMED;
	*out = parts;
	return ERR_OK;
}

enum err manifest_next(struct manifest_reader *reader,
		       struct manifest_line *out)
{
	struct bytes rest = reader->rest;
	struct manifest_line before;
	struct manifest_line line;
	struct bytes text;

	if (rest.len == 0)
		return ERR_TRUNCATED;
	TRY(take_until(&rest, '\n', &text));
	TRY(split(text, &line));
	if (reader->last.len > 0) {
		TRY(split(reader->last, &before));
		if (manifest_compare(&before, &line) >= 0)
			return ERR_MALFORMED;
	}
	*reader = (struct manifest_reader){ rest, text };
	*out = line;
	return ERR_OK;
}

enum err manifest_check(struct bytes text)
{
	struct manifest_reader reader;
	struct manifest_line line;
	enum err err;

	TRY(manifest_begin(text, &reader));
	do
		err = manifest_next(&reader, &line);
	while (err == ERR_OK);
	return err == ERR_TRUNCATED ? ERR_OK : err;
}

enum err manifest_find(struct bytes text, const char *section, const char *name,
		       struct bytes *value)
{
	struct manifest_line wanted = { .section = bytes_of_string(section),
					.name = bytes_of_string(name) };
	struct manifest_reader reader;
	struct manifest_line line;
	enum err err;

	TRY(manifest_begin(text, &reader));
	while ((err = manifest_next(&reader, &line)) == ERR_OK) {
		if (manifest_compare(&line, &wanted) == 0) {
			*value = line.value;
			return ERR_OK;
		}
	}
	return err == ERR_TRUNCATED ? ERR_UNSUPPORTED : err;
}
