/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_lex.h"

#include <string.h>

#include "inference/blank.h"
#include "inference/unicode.h"

/* Longer ones first, so that the first that fits is the longest. */
static const char *const operators[] = {
	"**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
	"]",  "(",  ")",  "{",	"}",  "<",  ">", "=", ".", ":", "|", ",",
};

struct jinja_lex jinja_lex_start(struct bytes template)
{
	return (struct jinja_lex){
		.rest = template,
		.inside = JINJA_LEX_TEXT,
		.next = JINJA_LEX_END,
		.place = JINJA_LEX_LINE_START,
	};
}

static struct bytes skip(struct bytes text, size_t len)
{
	return (struct bytes){ text.data + len, text.len - len };
}

static bool starts_with(struct bytes text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && memcmp(text.data, with, len) == 0;
}

static uint8_t first(struct bytes text)
{
	return text.len == 0 ? 0 : text.data[0];
}

/* Where the next tag, print or comment begins; the end if none does. */
static size_t find_begin(struct bytes text)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.data[i] == '{' &&
		    (text.data[i + 1] == '{' || text.data[i + 1] == '%' ||
		     text.data[i + 1] == '#'))
			return i;
	}
	return text.len;
}

/* Whether what follows the last newline is blank, and the line is whole. */
static struct bytes without_indent(struct bytes text,
				   const struct jinja_lex *in)
{
	size_t line = text.len;

	while (line > 0 && text.data[line - 1] != '\n')
		line--;
	if (line == 0 && in->place != JINJA_LEX_LINE_START)
		return text;
	if (blank_skip(skip(text, line)).len == 0)
		text.len = line;
	return text;
}

/* Past "%}" or "#}": with it goes one newline, or with a minus all blanks. */
static void close_tag(struct jinja_lex *lex, const char *end)
{
	struct bytes rest = lex->rest;
	uint8_t sign = first(rest);

	rest = skip(rest, strlen(end) + (sign == '-' || sign == '+'));
	if (sign == '-')
		rest = blank_skip(rest);
	else if (sign != '+' && first(rest) == '\n' && end[0] != '}')
		rest = skip(rest, 1);
	/* What was taken ends a line if its last character is a newline. */
	lex->place =
		rest.data[-1] == '\n' ? JINJA_LEX_LINE_START : JINJA_LEX_MIDDLE;
	lex->rest = rest;
	lex->inside = JINJA_LEX_TEXT;
}

/* With its sign, if it is one that may stand here. */
static bool ends_with(struct bytes rest, const char *end)
{
	uint8_t sign = first(rest);

	if (sign == '-' || (sign == '+' && end[0] != '}'))
		rest = skip(rest, 1);
	return starts_with(rest, end);
}

static enum err skip_comment(struct jinja_lex *lex)
{
	while (lex->rest.len > 0) {
		if (ends_with(lex->rest, "#}")) {
			close_tag(lex, "#}");
			return ERR_OK;
		}
		lex->rest = skip(lex->rest, 1);
	}
	return ERR_MALFORMED;
}

/* Into the tag at the front; *text is what stood before it. */
static enum err open_tag(struct jinja_lex *lex, struct bytes *text)
{
	uint8_t what = lex->rest.data[1];
	uint8_t sign;

	lex->rest = skip(lex->rest, 2);
	sign = first(lex->rest);
	if (sign == '-')
		*text = blank_cut(*text);
	else if (sign != '+' && what != '{')
		*text = without_indent(*text, lex);
	if (sign == '-' || sign == '+')
		lex->rest = skip(lex->rest, 1);
	lex->place = JINJA_LEX_MIDDLE;
	if (what == '#')
		return skip_comment(lex);
	lex->inside = what == '{' ? JINJA_LEX_PRINT : JINJA_LEX_TAG;
	lex->next = lex->inside;
	return ERR_OK;
}

static enum err next_outside(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	while (lex->rest.len > 0) {
		size_t len = find_begin(lex->rest);
		struct bytes text = { lex->rest.data, len };

		lex->rest = skip(lex->rest, len);
		if (lex->rest.len > 0)
			TRY(open_tag(lex, &text));
		if (text.len > 0) {
			*out = (struct jinja_lex_token){ JINJA_LEX_TEXT, text,
							 0 };
			return ERR_OK;
		}
		if (lex->next != JINJA_LEX_END)
			return jinja_lex_next(lex, out);
	}
	*out = (struct jinja_lex_token){ .kind = JINJA_LEX_END };
	return ERR_OK;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* Decimal integers; whatever else begins with a digit is not served. */
static enum err take_number(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	struct bytes rest = lex->rest;
	int64_t number = 0;

	for (; is_digit(first(rest)); rest = skip(rest, 1)) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, first(rest) - '0', &number))
			return ERR_UNSUPPORTED;
	}
	if (is_letter(first(rest)) ||
	    (first(rest) == '.' && is_digit(first(skip(rest, 1)))))
		return ERR_UNSUPPORTED;
	*out = (struct jinja_lex_token){ .kind = JINJA_LEX_NUMBER,
					 .number = number };
	lex->rest = rest;
	return ERR_OK;
}

static enum err take_name(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	struct bytes rest = lex->rest;
	size_t len = 0;

	while (len < rest.len &&
	       (is_letter(rest.data[len]) || is_digit(rest.data[len])))
		len++;
	if (len < rest.len && rest.data[len] >= 0x80)
		return ERR_UNSUPPORTED;
	*out = (struct jinja_lex_token){ JINJA_LEX_NAME,
					 { rest.data, len },
					 0 };
	lex->rest = skip(rest, len);
	return ERR_OK;
}

static enum err take_string(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	struct bytes rest = lex->rest;

	for (size_t i = 1; i < rest.len; i++) {
		if (rest.data[i] == '\\') {
			i++;
			continue;
		}
		if (rest.data[i] != rest.data[0])
			continue;
		*out = (struct jinja_lex_token){ JINJA_LEX_STRING,
						 { rest.data + 1, i - 1 },
						 0 };
		lex->rest = skip(rest, i + 1);
		return ERR_OK;
	}
	return ERR_MALFORMED;
}

/* Brackets must pair; inside of them "}}" is two of them and ends nothing. */
static enum err note_bracket(struct jinja_lex *lex, uint8_t c)
{
	static const uint8_t pairs[] = { '(', ')', '[', ']', '{', '}' };
	const uint8_t *found = memchr(pairs, c, sizeof(pairs));

	if (found == NULL)
		return ERR_OK;
	if ((found - pairs) % 2 == 0) {
		if (lex->depth == JINJA_LEX_BRACKETS_MAX)
			return ERR_TOO_LARGE;
		lex->closing[lex->depth++] = found[1];
		return ERR_OK;
	}
	if (lex->depth == 0 || lex->closing[lex->depth - 1] != c)
		return ERR_MALFORMED;
	lex->depth--;
	return ERR_OK;
}

static enum err take_operator(struct jinja_lex *lex,
			      struct jinja_lex_token *out)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t len = strlen(operators[i]);

		if (!starts_with(lex->rest, operators[i]))
			continue;
		TRY(note_bracket(lex, first(lex->rest)));
		*out = (struct jinja_lex_token){ JINJA_LEX_OPERATOR,
						 { lex->rest.data, len },
						 0 };
		lex->rest = skip(lex->rest, len);
		return ERR_OK;
	}
	return first(lex->rest) >= 0x80 ? ERR_UNSUPPORTED : ERR_MALFORMED;
}

static enum err next_inside(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	const char *end = lex->inside == JINJA_LEX_TAG ? "%}" : "}}";
	uint8_t c;

	lex->rest = blank_skip(lex->rest);
	c = first(lex->rest);
	if (lex->depth == 0 && ends_with(lex->rest, end)) {
		*out = (struct jinja_lex_token){
			.kind = lex->inside == JINJA_LEX_TAG
					? JINJA_LEX_TAG_END
					: JINJA_LEX_PRINT_END
		};
		close_tag(lex, end);
		return ERR_OK;
	}
	if (is_digit(c))
		return take_number(lex, out);
	if (is_letter(c))
		return take_name(lex, out);
	if (c == '\'' || c == '"')
		return take_string(lex, out);
	return take_operator(lex, out);
}

enum err jinja_lex_next(struct jinja_lex *lex, struct jinja_lex_token *out)
{
	if (lex->next != JINJA_LEX_END) {
		*out = (struct jinja_lex_token){ .kind = lex->next };
		lex->next = JINJA_LEX_END;
		return ERR_OK;
	}
	return lex->inside == JINJA_LEX_TEXT ? next_outside(lex, out)
					     : next_inside(lex, out);
}

/* Digits of a base, `most` at most and `least` at least. */
static enum err take_code(struct bytes *in, uint32_t base, size_t most,
			  uint32_t *out)
{
	uint32_t value = 0;
	size_t taken = 0;

	for (; taken < most && in->len > 0; taken++) {
		uint8_t c = in->data[0];
		uint32_t digit = 16;

		if (is_digit(c))
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20u) - 'a' + 10;
		if (digit >= base)
			break;
		value = value * base + digit;
		*in = skip(*in, 1);
	}
	/* Octal may be shorter, a hexadecimal code may not. */
	if (base == 16 && taken < most)
		return ERR_MALFORMED;
	*out = value;
	return ERR_OK;
}

/* An escape that is a code; ERR_DENIED where it is none of these. */
static enum err escaped_code(struct bytes *in, uint32_t *code)
{
	static const char names[] = "abfnrtv\\'\"";
	static const uint8_t codes[] = { '\a', '\b', '\f', '\n', '\r',
					 '\t', '\v', '\\', '\'', '"' };
	uint8_t c = first(*in);
	const char *found = memchr(names, c, sizeof(codes));

	if (c >= '0' && c <= '7')
		return take_code(in, 8, 3, code);
	if (c == 'N')
		return ERR_UNSUPPORTED;
	if (found == NULL && c != 'x' && c != 'u' && c != 'U')
		return ERR_DENIED;
	*in = skip(*in, 1);
	if (found != NULL) {
		*code = codes[found - names];
		return ERR_OK;
	}
	return take_code(in, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8, code);
}

/* After a backslash; what is no escape stays as it was written. */
static enum err put_escape(struct bytes *raw, struct writer *out)
{
	uint32_t code;
	enum err err;

	if (first(*raw) == '\n') {
		*raw = skip(*raw, 1);
		return ERR_OK;
	}
	err = escaped_code(raw, &code);
	if (err == ERR_DENIED)
		return bytes_put_u8(out, '\\');
	TRY(err);
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return ERR_UNSUPPORTED;
	return unicode_put(out, code);
}

enum err jinja_lex_unescape(struct bytes raw, struct writer *out)
{
	while (raw.len > 0) {
		uint8_t c = raw.data[0];

		raw = skip(raw, 1);
		TRY(c == '\\' ? put_escape(&raw, out) : bytes_put_u8(out, c));
	}
	return ERR_OK;
}
