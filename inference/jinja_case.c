/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_case.h"

#include <string.h>

#include "inference/blank.h"
#include "inference/unicode.h"

#define CAPITAL_SIGMA 0x3a3
#define SMALL_FINAL_SIGMA 0x3c2
#define CAPITAL_DOTTED_I 0x130

static bool starts_with_letter(struct bytes text)
{
	return text.len > 0 &&
	       unicode_kind_of(unicode_take_lossy(&text)) == UNICODE_LETTER;
}

static bool is_letter(uint32_t code)
{
	return unicode_kind_of(code) == UNICODE_LETTER;
}

/*
 * Python's lower(): the simple forms, and its two exceptions: a dotted I keeps
 * its dot, a sigma that ends a word is the final one.
 */
static enum err put_lower(struct jinja_out *out, uint32_t before, uint32_t code,
			  struct jinja_text one, struct jinja_text rest)
{
	uint32_t lower = unicode_lower(code);

	if (code == CAPITAL_SIGMA && is_letter(before) &&
	    !starts_with_letter(jinja_text_bytes(rest)))
		lower = SMALL_FINAL_SIGMA;
	if (code == CAPITAL_DOTTED_I) {
		return jinja_text_put(
			out,
			jinja_text_of(BYTES_LITERAL("i\xcc\x87"), one.source));
	}
	return jinja_text_put_code(out, lower, one.source);
}

static enum err put_upper(struct jinja_out *out, uint32_t code,
			  struct jinja_text one)
{
	if (code >= 'a' && code <= 'z')
		code -= 'a' - 'A';
	else if (code >= 0x80 && is_letter(code))
		return ERR_UNSUPPORTED;
	return jinja_text_put_code(out, code, one.source);
}

/* Whether a character begins what the case gives capitals to. */
static bool begins(enum jinja_case to, size_t at, uint32_t before)
{
	switch (to) {
	case JINJA_CASE_UPPER:
		return true;
	case JINJA_CASE_CAPITALIZE:
		return at == 0;
	case JINJA_CASE_TITLE:
		return at == 0 || !is_letter(before);
	case JINJA_CASE_WORDS:
		return at == 0 || blank_is(before) ||
		       (before < 0x80 && before != 0 &&
			strchr("-({[<", (int)before) != NULL);
	case JINJA_CASE_LOWER:
		break;
	}
	return false;
}

enum err jinja_case_put(struct jinja_out *out, enum jinja_case to,
			struct jinja_text text)
{
	uint32_t before = 0, code;

	for (size_t at = 0; text.len > 0; at++) {
		struct jinja_text one = jinja_text_take(&text, &code);

		if (begins(to, at, before))
			TRY(put_upper(out, code, one));
		else
			TRY(put_lower(out, before, code, one, text));
		before = code;
	}
	return ERR_OK;
}
