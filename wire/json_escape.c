/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_escape.h"

#include <string.h>

#include "wire/utf8.h"

#define REPLACEMENT BYTES_LITERAL("\xef\xbf\xbd") /* U+FFFD */

#define ESCAPED_MAX 6 /* backslash, u, four digits */

/* One character's form in a string, and the bytes of text it stands for. */
struct form {
	uint8_t bytes[ESCAPED_MAX];
	size_t len;
	size_t taken;
};

static struct form literal(struct bytes bytes, size_t taken)
{
	struct form form = { .len = bytes.len, .taken = taken };

	memcpy(form.bytes, bytes.data, bytes.len);
	return form;
}

/* A control character, quote or backslash; other ASCII stands for itself. */
static struct form escaped_ascii(uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	static const char names[][2] = {
		{ '"', '"' },  { '\\', '\\' }, { '\b', 'b' }, { '\f', 'f' },
		{ '\n', 'n' }, { '\r', 'r' },  { '\t', 't' },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t pair[] = { '\\', (uint8_t)names[i][1] };

		if ((uint8_t)names[i][0] == c)
			return literal(BYTES_ARRAY(pair), 1);
	}
	if (c >= 0x20)
		return literal((struct bytes){ &c, 1 }, 1);
	return (struct form){
		.bytes = { '\\', 'u', '0', '0', (uint8_t)digits[c >> 4],
			   (uint8_t)digits[c & 0xf] },
		.len = 6,
		.taken = 1,
	};
}

/* What stands at the front of text, which is not empty. */
static struct form front(struct bytes text)
{
	struct utf8_step step;

	if (text.data[0] < 0x80)
		return escaped_ascii(text.data[0]);
	step = utf8_front(text);
	if (step.shape == UTF8_WHOLE)
		return literal((struct bytes){ text.data, step.len }, step.len);
	return literal(REPLACEMENT, step.len);
}

/* Bytes of text that need no thought: the common case, taken at once. */
static size_t plain_run(struct bytes text)
{
	size_t run = 0;

	while (run < text.len && text.data[run] >= 0x20 &&
	       text.data[run] < 0x80 && text.data[run] != '"' &&
	       text.data[run] != '\\')
		run++;
	return run;
}

static void skip(struct bytes *text, size_t len)
{
	text->data += len;
	text->len -= len;
}

/* Write what stands at the front of text, and drop it there. */
static enum err put_front(struct writer *out, struct bytes *text)
{
	size_t run = plain_run(*text);
	struct form form;

	if (run > 0) {
		TRY(bytes_put(out, (struct bytes){ text->data, run }));
		skip(text, run);
		return ERR_OK;
	}
	form = front(*text);
	TRY(bytes_put(out, (struct bytes){ form.bytes, form.len }));
	skip(text, form.taken);
	return ERR_OK;
}

static enum err put_all(struct writer *out, struct bytes text)
{
	while (text.len > 0)
		TRY(put_front(out, &text));
	return ERR_OK;
}

enum err json_escape_string(struct writer *out, struct bytes text)
{
	struct writer trial = *out;

	TRY(bytes_put_u8(&trial, '"'));
	TRY(put_all(&trial, text));
	TRY(bytes_put_u8(&trial, '"'));
	out->len = trial.len;
	return ERR_OK;
}

/*
 * Add bytes of the piece to the pending ones until these are a character or
 * broken.  What is broken may leave bytes that begin something else.
 */
static enum err join(struct json_escape *escape, struct bytes *piece,
		     struct writer *out)
{
	while (escape->pending_len > 0 && piece->len > 0) {
		struct bytes text = { escape->pending, escape->pending_len };
		struct form form;

		escape->pending[escape->pending_len] = piece->data[0];
		text.len++;
		if (utf8_front(text).shape == UTF8_PARTIAL) {
			escape->pending_len++;
			skip(piece, 1);
			continue;
		}
		/* A byte that broke the sequence is not part of it. */
		form = front(text);
		TRY(bytes_put(out, (struct bytes){ form.bytes, form.len }));
		if (form.taken == text.len)
			skip(piece, 1);
		escape->pending_len = 0;
	}
	return ERR_OK;
}

enum err json_escape_put(struct json_escape *escape, struct bytes piece,
			 struct writer *out)
{
	struct json_escape next = *escape;
	struct writer trial = *out;
	struct bytes whole;

	TRY(join(&next, &piece, &trial));
	whole = utf8_complete(piece);
	TRY(put_all(&trial, whole));
	if (whole.len < piece.len) {
		next.pending_len = piece.len - whole.len;
		memcpy(next.pending, piece.data + whole.len, next.pending_len);
	}
	out->len = trial.len;
	*escape = next;
	return ERR_OK;
}

enum err json_escape_end(struct json_escape *escape, struct writer *out)
{
	if (escape->pending_len > 0)
		TRY(bytes_put(out, REPLACEMENT));
	escape->pending_len = 0;
	return ERR_OK;
}

size_t json_escape_size(struct bytes text)
{
	size_t size = 0;

	while (text.len > 0) {
		struct form form = front(text);

		size += form.len;
		skip(&text, form.taken);
	}
	return size;
}

struct bytes json_escape_fit(struct bytes text, size_t room)
{
	struct bytes rest = text;

	while (rest.len > 0) {
		struct form form = front(rest);

		if (form.len > room)
			break;
		room -= form.len;
		skip(&rest, form.taken);
	}
	return (struct bytes){ text.data, text.len - rest.len };
}
