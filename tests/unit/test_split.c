/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/split.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

/* A text, and its words as the rule's regular expression finds them in
 * Python's regex module, which knows Unicode. */
struct fact {
	enum split_rule rule;
	const char *text;
	const char *words[WORDS_MAX];
};

static const struct fact facts[] = {
	{ SPLIT_GPT2,
	  "Hello world's end",
	  { "Hello", " world", "'s", " end" } },
	{ SPLIT_DIGITS,
	  "Hello world's end",
	  { "Hello", " world", "'s", " end" } },
	{ SPLIT_LLAMA3,
	  "Hello world's end",
	  { "Hello", " world", "'s", " end" } },
	{ SPLIT_QWEN2,
	  "Hello world's end",
	  { "Hello", " world", "'s", " end" } },
	{ SPLIT_GPT2,
	  "I'LL go, we'll see",
	  { "I", "'", "LL", " go", ",", " we", "'ll", " see" } },
	{ SPLIT_DIGITS,
	  "I'LL go, we'll see",
	  { "I", "'", "LL", " go", ",", " we", "'ll", " see" } },
	{ SPLIT_LLAMA3,
	  "I'LL go, we'll see",
	  { "I", "'LL", " go", ",", " we", "'ll", " see" } },
	{ SPLIT_QWEN2,
	  "I'LL go, we'll see",
	  { "I", "'LL", " go", ",", " we", "'ll", " see" } },
	{ SPLIT_GPT2,
	  "it'\u017f 'Re'",
	  { "it", "'", "\u017f", " '", "Re", "'" } },
	{ SPLIT_DIGITS,
	  "it'\u017f 'Re'",
	  { "it", "'", "\u017f", " '", "Re", "'" } },
	{ SPLIT_LLAMA3,
	  "it'\u017f 'Re'",
	  { "it", "'\u017f", " '", "Re", "'" } },
	{ SPLIT_QWEN2, "it'\u017f 'Re'", { "it", "'\u017f", " '", "Re", "'" } },
	{ SPLIT_GPT2, "a  b   c ", { "a", " ", " b", "  ", " c", " " } },
	{ SPLIT_DIGITS, "a  b   c ", { "a", " ", " b", "  ", " c", " " } },
	{ SPLIT_LLAMA3, "a  b   c ", { "a", " ", " b", "  ", " c", " " } },
	{ SPLIT_QWEN2, "a  b   c ", { "a", " ", " b", "  ", " c", " " } },
	{ SPLIT_GPT2, "x1234567 89", { "x", "1234567", " 89" } },
	{ SPLIT_DIGITS,
	  "x1234567 89",
	  { "x", "1", "2", "3", "4", "5", "6", "7", " ", "8", "9" } },
	{ SPLIT_LLAMA3, "x1234567 89", { "x", "123", "456", "7", " ", "89" } },
	{ SPLIT_QWEN2,
	  "x1234567 89",
	  { "x", "1", "2", "3", "4", "5", "6", "7", " ", "8", "9" } },
	{ SPLIT_GPT2,
	  "end\n\n  next\r\n",
	  { "end", "\n\n ", " next", "\r\n" } },
	{ SPLIT_DIGITS,
	  "end\n\n  next\r\n",
	  { "end", "\n\n ", " next", "\r\n" } },
	{ SPLIT_LLAMA3,
	  "end\n\n  next\r\n",
	  { "end", "\n\n", " ", " next", "\r\n" } },
	{ SPLIT_QWEN2,
	  "end\n\n  next\r\n",
	  { "end", "\n\n", " ", " next", "\r\n" } },
	{ SPLIT_GPT2,
	  "\u00bd\u0663x\u0e53",
	  { "\u00bd\u0663", "x", "\u0e53" } },
	{ SPLIT_DIGITS,
	  "\u00bd\u0663x\u0e53",
	  { "\u00bd", "\u0663", "x", "\u0e53" } },
	{ SPLIT_LLAMA3,
	  "\u00bd\u0663x\u0e53",
	  { "\u00bd\u0663", "x", "\u0e53" } },
	{ SPLIT_QWEN2,
	  "\u00bd\u0663x\u0e53",
	  { "\u00bd", "\u0663", "x", "\u0e53" } },
	{ SPLIT_GPT2,
	  "\u4f60\u597d\uff0c\u4e16\u754c 2024",
	  { "\u4f60\u597d", "\uff0c", "\u4e16\u754c", " 2024" } },
	{ SPLIT_DIGITS,
	  "\u4f60\u597d\uff0c\u4e16\u754c 2024",
	  { "\u4f60\u597d", "\uff0c", "\u4e16\u754c", " ", "2", "0", "2",
	    "4" } },
	{ SPLIT_LLAMA3,
	  "\u4f60\u597d\uff0c\u4e16\u754c 2024",
	  { "\u4f60\u597d", "\uff0c\u4e16\u754c", " ", "202", "4" } },
	{ SPLIT_QWEN2,
	  "\u4f60\u597d\uff0c\u4e16\u754c 2024",
	  { "\u4f60\u597d", "\uff0c\u4e16\u754c", " ", "2", "0", "2", "4" } },
	{ SPLIT_GPT2,
	  " '\u00e9t\u00e9'\t!?!\n",
	  { " '", "\u00e9t\u00e9", "'", "\t", "!?!", "\n" } },
	{ SPLIT_DIGITS,
	  " '\u00e9t\u00e9'\t!?!\n",
	  { " '", "\u00e9t\u00e9", "'", "\t", "!?!", "\n" } },
	{ SPLIT_LLAMA3,
	  " '\u00e9t\u00e9'\t!?!\n",
	  { " '", "\u00e9t\u00e9", "'", "\t", "!?!\n" } },
	{ SPLIT_QWEN2,
	  " '\u00e9t\u00e9'\t!?!\n",
	  { " '", "\u00e9t\u00e9", "'", "\t", "!?!\n" } },
	{ SPLIT_GPT2,
	  "\u3000\u00a0a\u0301 \U0001f600\U0001f600",
	  { "\u3000", "\u00a0", "a", "\u0301", " \U0001f600\U0001f600" } },
	{ SPLIT_DIGITS,
	  "\u3000\u00a0a\u0301 \U0001f600\U0001f600",
	  { "\u3000", "\u00a0", "a", "\u0301", " \U0001f600\U0001f600" } },
	{ SPLIT_LLAMA3,
	  "\u3000\u00a0a\u0301 \U0001f600\U0001f600",
	  { "\u3000", "\u00a0a", "\u0301", " \U0001f600\U0001f600" } },
	{ SPLIT_QWEN2,
	  "\u3000\u00a0a\u0301 \U0001f600\U0001f600",
	  { "\u3000", "\u00a0a", "\u0301", " \U0001f600\U0001f600" } },
	{ SPLIT_TEKKEN,
	  "Hello WORLDwide McDonald's",
	  { "Hello", " WORLDwide", " Mc", "Donald", "'s" } },
	{ SPLIT_TEKKEN, "I'LL ABC", { "I", "'LL", " ABC" } },
	{ SPLIT_TEKKEN,
	  "\u65e5\u672cABC\u65e5a",
	  { "\u65e5\u672cABC\u65e5a" } },
	{ SPLIT_TEKKEN, "\u65e5\u672cABC", { "\u65e5\u672c", "ABC" } },
	{ SPLIT_TEKKEN, "\u0301AB", { "\u0301", "AB" } },
	{ SPLIT_TEKKEN, " \u0301AB", { " \u0301", "AB" } },
	{ SPLIT_TEKKEN, "12 a//\n/b", { "1", "2", " a", "//\n/", "b" } },
};

Test(split, words_are_those_of_the_regular_expressions)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct bytes text = bytes_of_string(facts[i].text);

		for (size_t w = 0; facts[i].words[w] != NULL; w++) {
			struct bytes wanted =
				bytes_of_string(facts[i].words[w]);

			cr_assert_gt(text.len, 0, "fact %zu word %zu", i, w);
			cr_assert(bytes_equal(split_take(facts[i].rule, &text),
					      wanted),
				  "fact %zu word %zu", i, w);
		}
		cr_assert_eq(text.len, 0, "fact %zu", i);
	}
}

Test(split, bytes_that_are_no_text_come_through)
{
	static const uint8_t bytes[] = { 0xff, 'a',  0xc3, ' ',	 0xe2, 0x82,
					 '1',  '\'', 's',  0x80, '\n' };

	for (int rule = SPLIT_GPT2; rule <= SPLIT_TEKKEN; rule++) {
		struct bytes text = BYTES_ARRAY(bytes);
		const uint8_t *at = bytes;

		while (text.len > 0) {
			struct bytes word =
				split_take((enum split_rule)rule, &text);

			cr_assert_eq(word.data, at);
			cr_assert_gt(word.len, 0);
			at += word.len;
		}
		cr_assert_eq(at, bytes + sizeof(bytes));
	}
}

/* Fails by running out of time, were a rule to look back or ahead too far. */
Test(split, hostile_texts_take_linear_time, .timeout = 20)
{
	static const char *const units[] = { " ",   "a",   "\n", "'", "1",
					     " \n", "\t ", "'s", " '" };
	size_t len = 1u << 20;
	uint8_t *text = malloc(len);

	cr_assert_not_null(text);
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t unit = strlen(units[u]);

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)units[u][i % unit];
		for (int rule = SPLIT_GPT2; rule <= SPLIT_TEKKEN; rule++) {
			struct bytes rest = { text, len };

			while (rest.len > 0)
				(void)split_take((enum split_rule)rule, &rest);
		}
	}
	free(text);
}
