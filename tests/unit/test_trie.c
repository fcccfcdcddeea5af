/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/trie.h"

#include <criterion/criterion.h>

#define NAMES_MAX 300

/* The value of the longest text at the front, and its length. */
static uint32_t longest(const struct trie *trie, const char *text, size_t *len)
{
	uint32_t node = TRIE_ROOT, found = TRIE_NONE;

	*len = 0;
	for (size_t i = 0; text[i] != 0; i++) {
		node = trie_step(trie, node, (uint8_t)text[i]);
		if (node == TRIE_NONE)
			break;
		if (trie_value(trie, node) == TRIE_NONE)
			continue;
		found = trie_value(trie, node);
		*len = i + 1;
	}
	return found;
}

static enum err open_names(const char *const *names, size_t count,
			   struct trie *out)
{
	struct trie_text texts[NAMES_MAX];

	for (uint32_t i = 0; i < count; i++)
		texts[i] = (struct trie_text){ bytes_of_string(names[i]), i };
	return trie_open(texts, count, out);
}

Test(trie, finds_the_texts_that_a_text_starts_with)
{
	static const char *const names[] = { "the", "a", "then", "\xff", "th" };
	struct trie trie;
	size_t len;

	cr_assert_eq(open_names(names, 5, &trie), ERR_OK);
	cr_assert_eq(longest(&trie, "thenx", &len), 2);
	cr_assert_eq(len, 4);
	cr_assert_eq(longest(&trie, "the", &len), 0);
	cr_assert_eq(longest(&trie, "th", &len), 4);
	cr_assert_eq(longest(&trie, "\xff", &len), 3);
	cr_assert_eq(longest(&trie, "t", &len), TRIE_NONE);
	cr_assert_eq(longest(&trie, "", &len), TRIE_NONE);
	cr_assert_eq(longest(&trie, "b", &len), TRIE_NONE);
	trie_close(&trie);
}

Test(trie, a_node_may_have_a_child_for_every_byte)
{
	struct trie_text texts[256];
	uint8_t names[256][2];
	struct trie trie;

	for (uint32_t i = 0; i < 256; i++) {
		names[i][0] = 'x';
		names[i][1] = (uint8_t)i;
		texts[i] = (struct trie_text){ BYTES_ARRAY(names[i]), i };
	}
	cr_assert_eq(trie_open(texts, 256, &trie), ERR_OK);
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t node = trie_step(&trie, TRIE_ROOT, 'x');

		node = trie_step(&trie, node, (uint8_t)i);
		cr_assert_neq(node, TRIE_NONE);
		cr_assert_eq(trie_value(&trie, node), i);
	}
	trie_close(&trie);
}

Test(trie, without_texts_finds_nothing)
{
	struct trie trie;
	size_t len;

	cr_assert_eq(open_names(NULL, 0, &trie), ERR_OK);
	cr_assert_eq(longest(&trie, "a", &len), TRIE_NONE);
	trie_close(&trie);
}

Test(trie, a_text_that_is_empty_or_there_twice_is_refused)
{
	static const char *const empty[] = { "a", "" };
	static const char *const twice[] = { "ab", "a", "ab" };
	struct trie trie;

	cr_assert_eq(open_names(empty, 2, &trie), ERR_MALFORMED);
	cr_assert_eq(open_names(twice, 3, &trie), ERR_MALFORMED);
}
