/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_text.h"

#include <string.h>

#include "inference/blank.h"
#include "inference/unicode.h"

struct jinja_text jinja_text_of(struct bytes bytes, enum jinja_source source)
{
	return (struct jinja_text){ bytes.data, NULL, bytes.len, source };
}

struct bytes jinja_text_bytes(struct jinja_text text)
{
	return (struct bytes){ text.data, text.len };
}

static enum jinja_source source_at(struct jinja_text text, size_t at)
{
	return text.marks == NULL ? text.source
				  : (enum jinja_source)text.marks[at];
}

struct jinja_text jinja_text_part(struct jinja_text text, size_t start,
				  size_t len)
{
	invariant(start <= text.len && len <= text.len - start);
	if (start > 0) {
		text.data += start;
		if (text.marks != NULL)
			text.marks += start;
	}
	text.len = len;
	return text;
}

size_t jinja_text_find(struct jinja_text text, struct bytes wanted,
		       size_t start)
{
	const uint8_t *found;

	if (wanted.len == 0)
		return start;
	if (start >= text.len)
		return JINJA_TEXT_NOWHERE;
	found = memmem(text.data + start, text.len - start, wanted.data,
		       wanted.len);
	return found == NULL ? JINJA_TEXT_NOWHERE : (size_t)(found - text.data);
}

struct jinja_text jinja_text_take(struct jinja_text *text, uint32_t *code)
{
	struct bytes rest = jinja_text_bytes(*text);
	enum jinja_source source = JINJA_TEMPLATE;
	struct jinja_text one;
	size_t len;

	*code = unicode_take_lossy(&rest);
	len = text->len - rest.len;
	one = jinja_text_part(*text, 0, len);
	for (size_t i = 0; i < len && source == JINJA_TEMPLATE; i++)
		source = source_at(one, i);
	one.source = source;
	*text = jinja_text_part(*text, len, rest.len);
	return one;
}

size_t jinja_text_length(struct jinja_text text)
{
	struct bytes rest = jinja_text_bytes(text);
	size_t count = 0;

	for (; rest.len > 0; count++)
		(void)unicode_take_lossy(&rest);
	return count;
}

static bool is_stripped(uint32_t code, const struct bytes *set)
{
	struct bytes rest;

	if (set == NULL)
		return blank_is(code);
	rest = *set;
	while (rest.len > 0)
		if (unicode_take_lossy(&rest) == code)
			return true;
	return false;
}

/* One pass from the left: `end` is where the last character that stays ended,
 * `start` where the first begins. */
struct jinja_text jinja_text_strip(struct jinja_text text,
				   enum jinja_text_side side,
				   const struct bytes *set)
{
	struct bytes rest = jinja_text_bytes(text);
	size_t start = text.len, end = 0;

	while (rest.len > 0) {
		size_t at = text.len - rest.len;

		if (is_stripped(unicode_take_lossy(&rest), set))
			continue;
		if (start == text.len)
			start = at;
		end = text.len - rest.len;
	}
	if ((side & JINJA_TEXT_LEFT) == 0)
		start = 0;
	if ((side & JINJA_TEXT_RIGHT) == 0)
		end = text.len;
	return jinja_text_part(text, start, end > start ? end - start : 0);
}

enum err jinja_text_put(struct jinja_out *out, struct jinja_text text)
{
	if (text.len > out->max - out->len)
		return ERR_TOO_LARGE;
	if (text.len == 0)
		return ERR_OK;
	memcpy(out->data + out->len, text.data, text.len);
	if (text.marks != NULL)
		memcpy(out->marks + out->len, text.marks, text.len);
	else
		memset(out->marks + out->len, (int)text.source, text.len);
	out->len += text.len;
	return ERR_OK;
}

enum err jinja_text_put_string(struct jinja_out *out, const char *text)
{
	return jinja_text_put(
		out, jinja_text_of(bytes_of_string(text), JINJA_TEMPLATE));
}

enum err jinja_text_put_code(struct jinja_out *out, uint32_t code,
			     enum jinja_source source)
{
	uint8_t utf8[UNICODE_UTF8_MAX];
	struct writer writer = WRITER_OVER(utf8);

	TRY(unicode_put(&writer, code));
	return jinja_text_put(out,
			      jinja_text_of(bytes_written(&writer), source));
}

enum err jinja_text_put_number(struct jinja_out *out, int64_t number,
			       enum jinja_source source)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	return jinja_text_put(
		out, jinja_text_of(
			     (struct bytes){ digits + at, sizeof(digits) - at },
			     source));
}

/* Marks are kept only where they differ. */
enum err jinja_text_finish(struct jinja_out *out, size_t start,
			   struct jinja_heap *heap, struct jinja_text *text)
{
	const size_t len = out->len - start;
	const uint8_t *marks = out->marks + start;
	struct jinja_text made = { .len = len };
	size_t same = 1;
	uint8_t *copy;

	TRY(jinja_heap_read(heap, len));
	while (same < len && marks[same] == marks[0])
		same++;
	TRY(jinja_heap_alloc(heap, same < len ? 2 * len : len, 1, &copy));
	made.data = copy;
	if (len > 0) {
		made.source = (enum jinja_source)marks[0];
		memcpy(copy, out->data + start, len);
	}
	if (same < len) {
		memcpy(copy + len, marks, len);
		made.marks = copy + len;
	}
	out->len = start;
	*text = made;
	return ERR_OK;
}
