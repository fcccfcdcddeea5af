/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/split.h"

#include "inference/unicode.h"

#define LONG_S 0x17f /* which folds to s where case does not count */

/* A character of the text, and where the next one starts. */
struct character {
	uint32_t code;
	enum unicode_kind kind;
	struct bytes after;
};

enum presence {
	CHARACTER_NONE, /* the end of the text */
	CHARACTER_READ,
};

static enum presence look(struct bytes text, struct character *out)
{
	if (text.len == 0)
		return CHARACTER_NONE;
	out->code = unicode_take_lossy(&text);
	out->kind = unicode_kind_of(out->code);
	out->after = text;
	return CHARACTER_READ;
}

/* The first character of a text that has one. */
static struct character first_of(struct bytes text)
{
	struct character first = { 0 };
	enum presence presence = look(text, &first);

	invariant(presence == CHARACTER_READ);
	return first;
}

/* A lookahead of one character. */
static bool starts_with(struct bytes text, enum unicode_kind kind)
{
	struct character c;

	return look(text, &c) == CHARACTER_READ && c.kind == kind;
}

/* What is left after up to `most` characters of a kind. */
static struct bytes skip(struct bytes text, enum unicode_kind kind, size_t most)
{
	struct character c;

	for (size_t i = 0; i < most && look(text, &c) == CHARACTER_READ; i++) {
		if (c.kind != kind)
			break;
		text = c.after;
	}
	return text;
}

static bool is_newline(uint32_t code)
{
	return code == '\r' || code == '\n';
}

/* [\r\n]*, to which tekken adds the slash. */
static struct bytes skip_newlines(enum split_rule rule, struct bytes text)
{
	while (text.len > 0 &&
	       (is_newline(text.data[0]) ||
		(rule == SPLIT_TEKKEN && text.data[0] == '/'))) {
		text.data++;
		text.len--;
	}
	return text;
}

/* The rules that begin with (?i:...). */
static bool ignores_case(enum split_rule rule)
{
	return rule == SPLIT_LLAMA3 || rule == SPLIT_QWEN2;
}

/* As \p{L} under (?i): simple lower case, and the one letter besides that
 * folds to one of those in a contraction. */
static uint32_t folded(enum split_rule rule, uint32_t code)
{
	if (!ignores_case(rule))
		return code;
	return code == LONG_S ? 's' : unicode_lower(code);
}

/* 's|'t|'re|'ve|'m|'ll|'d: what is left after it, or text as it was. */
static struct bytes skip_contraction(enum split_rule rule, struct bytes text)
{
	struct character mark, first, second;
	uint32_t a, b;

	if (look(text, &mark) == CHARACTER_NONE || mark.code != '\'' ||
	    look(mark.after, &first) == CHARACTER_NONE)
		return text;
	a = folded(rule, first.code);
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return first.after;
	if (look(first.after, &second) == CHARACTER_NONE)
		return text;
	b = folded(rule, second.code);
	if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') ||
	    (a == 'l' && b == 'l'))
		return second.after;
	return text;
}

/* The last alternatives, \s+(?!\S) and \s+: the last space of a run is left
 * to the word that follows, if there is one. */
static struct bytes skip_spaces(enum split_rule rule, struct bytes text)
{
	struct bytes last = text;
	struct bytes rest = text;
	struct character c;

	while (look(rest, &c) == CHARACTER_READ && c.kind == UNICODE_SPACE) {
		last = rest;
		rest = c.after;
	}
	if (rest.len == 0 || last.data == text.data)
		return rest;
	/* A digit is a text of its own: the spaces end theirs. */
	if (rule == SPLIT_DIGITS && starts_with(rest, UNICODE_NUMBER))
		return rest;
	return last;
}

/* \s*[\r\n]+: to the last newline of a run of space, or text as it was. */
static struct bytes skip_lines(struct bytes text)
{
	struct bytes end = text;
	struct character c;

	for (struct bytes rest = text;
	     look(rest, &c) == CHARACTER_READ && c.kind == UNICODE_SPACE;
	     rest = c.after)
		if (is_newline(c.code))
			end = c.after;
	return end;
}

/* The alternatives of GPT-2 from the second on. */
static struct bytes skip_word_gpt2(enum split_rule rule, struct bytes text)
{
	struct character first = first_of(text);
	struct character second;

	/* " ?" takes a space along with the word that follows it. */
	if (first.code == ' ' && look(first.after, &second) == CHARACTER_READ &&
	    second.kind != UNICODE_SPACE &&
	    !(rule == SPLIT_DIGITS && second.kind == UNICODE_NUMBER))
		return skip(first.after, second.kind, SIZE_MAX);
	if (first.kind == UNICODE_SPACE)
		return skip_spaces(rule, text);
	if (rule == SPLIT_DIGITS && first.kind == UNICODE_NUMBER)
		return first.after;
	return skip(text, first.kind, SIZE_MAX);
}

/* ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, of a text that
 * starts with no letter and no number. */
static struct bytes skip_others(enum split_rule rule, struct bytes text)
{
	struct character first = first_of(text);
	struct bytes rest = first.code == ' ' ? first.after : text;

	if (starts_with(rest, UNICODE_OTHER))
		return skip_newlines(rule, skip(rest, UNICODE_OTHER, SIZE_MAX));
	rest = skip_lines(text);
	return rest.len != text.len ? rest : skip_spaces(rule, text);
}

/* The alternatives of llama-3 from the second on. */
static struct bytes skip_word_llama3(enum split_rule rule, struct bytes text)
{
	struct character first = first_of(text);

	if (first.kind == UNICODE_LETTER)
		return skip(text, UNICODE_LETTER, SIZE_MAX);
	if (first.kind == UNICODE_NUMBER)
		return skip(text, UNICODE_NUMBER, rule == SPLIT_QWEN2 ? 1 : 3);
	if (!is_newline(first.code) && starts_with(first.after, UNICODE_LETTER))
		return skip(first.after, UNICODE_LETTER, SIZE_MAX);
	return skip_others(rule, text);
}

/* What is left after [Sc]*. */
static struct bytes skip_smalls(struct bytes text)
{
	struct character c;

	while (look(text, &c) == CHARACTER_READ) {
		enum unicode_case is = unicode_case_of(c.code);

		if (is != UNICODE_CASE_SMALL && is != UNICODE_CASE_EITHER)
			break;
		text = c.after;
	}
	return text;
}

/*
 * [Cc]*[Sc]+, or text as it was.  The first part takes all that it can; where
 * nothing small follows, it gives back to its last c, which is the second part
 * then.  *capitals is what the first part alone leaves.
 */
static struct bytes skip_cased(struct bytes text, struct bytes *capitals)
{
	struct bytes rest = text;
	struct bytes either = text; /* what is left after the last c */
	enum unicode_case is = UNICODE_CASE_NONE;
	struct character c;

	while (look(rest, &c) == CHARACTER_READ) {
		is = unicode_case_of(c.code);
		if (is != UNICODE_CASE_CAPITAL && is != UNICODE_CASE_EITHER)
			break;
		rest = c.after;
		if (is == UNICODE_CASE_EITHER)
			either = rest;
	}
	*capitals = rest;
	return is == UNICODE_CASE_SMALL ? skip_smalls(rest) : either;
}

/* Both alternatives for words, with P and without it; or text as it was.  An
 * alternative without P matters only where P is itself a mark. */
static struct bytes skip_word_cased(struct bytes text)
{
	struct character first = first_of(text);
	bool may_be_prefix = first.kind != UNICODE_LETTER &&
			     first.kind != UNICODE_NUMBER &&
			     !is_newline(first.code);
	struct bytes with = text, without = text;
	struct bytes rest;

	if (may_be_prefix) {
		rest = skip_cased(first.after, &with);
		if (rest.len != first.after.len)
			return rest;
	}
	rest = skip_cased(text, &without);
	if (rest.len != text.len)
		return rest;
	return may_be_prefix && with.len != first.after.len ? with : without;
}

static struct bytes skip_word_tekken(struct bytes text)
{
	struct character first = first_of(text);
	struct bytes rest = skip_word_cased(text);

	if (rest.len != text.len)
		return rest;
	if (first.kind == UNICODE_NUMBER)
		return first.after;
	return skip_others(SPLIT_TEKKEN, text);
}

/* All alternatives of a rule, but for the contractions. */
static struct bytes skip_word(enum split_rule rule, struct bytes text)
{
	switch (rule) {
	case SPLIT_GPT2:
	case SPLIT_DIGITS:
		return skip_word_gpt2(rule, text);
	case SPLIT_LLAMA3:
	case SPLIT_QWEN2:
		return skip_word_llama3(rule, text);
	case SPLIT_TEKKEN:
		return skip_word_tekken(text);
	}
	return (struct bytes){ 0 };
}

struct bytes split_take(enum split_rule rule, struct bytes *text)
{
	struct bytes word = *text;
	struct bytes rest = word;

	invariant(text->len > 0);
	if (rule != SPLIT_TEKKEN)
		rest = skip_contraction(rule, word);
	if (rest.len == word.len)
		rest = skip_word(rule, word);
	invariant(rest.len < word.len);
	word.len -= rest.len;
	*text = rest;
	return word;
}
