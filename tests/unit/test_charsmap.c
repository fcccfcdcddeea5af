/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/charsmap.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256
#define BLOCKS_MAX 64
#define UNITS_MAX (BLOCK * BLOCKS_MAX)
#define FILE_MAX (4 + UNITS_MAX * 4 + 2 * CHARSMAP_TEXT_MAX)
#define ENDS 0x100u
#define IS_VALUE 0x80000000u

/* A map under construction: every prefix has a block of 256 units, so that
 * nothing ever collides; unit 0 of a block is its text's. */
struct made {
	uint32_t units[UNITS_MAX];
	size_t blocks;
	char texts[2 * CHARSMAP_TEXT_MAX];
	size_t texts_len;
	uint8_t file[FILE_MAX];
};

static void point(struct made *made, size_t at, uint32_t flags, size_t base)
{
	made->units[at] = (uint32_t)(at ^ base) << 10 | flags;
}

static void start(struct made *made)
{
	memset(made, 0, sizeof(*made));
	made->blocks = 2;
	point(made, 0, 0, BLOCK);
}

static void add(struct made *made, const char *from, const char *to)
{
	size_t base = BLOCK, at = 0;

	for (size_t i = 0; from[i] != 0; i++) {
		at = base ^ (uint8_t)from[i];
		if (made->units[at] == 0)
			point(made, at, (uint8_t)from[i],
			      BLOCK * made->blocks++);
		base = at ^ made->units[at] >> 10;
	}
	made->units[at] |= ENDS;
	made->units[base] = IS_VALUE | (uint32_t)made->texts_len;
	memcpy(made->texts + made->texts_len, to, strlen(to) + 1);
	made->texts_len += strlen(to) + 1;
}

static struct bytes finish(struct made *made)
{
	uint32_t len = (uint32_t)(made->blocks * BLOCK * 4);

	memcpy(made->file, &len, 4);
	memcpy(made->file + 4, made->units, len);
	memcpy(made->file + 4 + len, made->texts, made->texts_len);
	return (struct bytes){ made->file, 4 + len + made->texts_len };
}

static void expect(const struct charsmap *map, const char *text, size_t len,
		   const char *replacement)
{
	struct charsmap_match match = charsmap_find(map, bytes_of_string(text));

	cr_assert_eq(match.len, len, "%s", text);
	if (len > 0)
		cr_assert(bytes_equal(match.replacement,
				      bytes_of_string(replacement)),
			  "%s", text);
}

static struct made made;

static enum err refuse(struct bytes file)
{
	struct charsmap map;
	enum err err = charsmap_open(file, &map);

	if (err == ERR_OK)
		charsmap_close(&map);
	return err;
}

Test(charsmap, the_longest_text_is_rewritten)
{
	struct charsmap map;

	start(&made);
	add(&made, "a", "1");
	add(&made, "abc", "");
	add(&made, "\xc3\xa9", "e and more");
	cr_assert_eq(charsmap_open(finish(&made), &map), ERR_OK);
	expect(&map, "a", 1, "1");
	expect(&map, "abx", 1, "1");
	expect(&map, "abcd", 3, "");
	expect(&map, "\xc3\xa9", 2, "e and more");
	expect(&map, "\xc3", 0, NULL);
	expect(&map, "b", 0, NULL);
	expect(&map, "", 0, NULL);
	cr_assert_eq(charsmap_find(&map, BYTES_LITERAL("\0a")).len, 0);
	charsmap_close(&map);
}

Test(charsmap, an_empty_one_rewrites_nothing)
{
	struct charsmap map;

	cr_assert_eq(charsmap_open((struct bytes){ 0 }, &map), ERR_OK);
	expect(&map, "a", 0, NULL);
	charsmap_close(&map);
}

Test(charsmap, one_cut_anywhere_is_refused)
{
	struct bytes file;

	start(&made);
	add(&made, "a", "b");
	file = finish(&made);
	cr_assert_eq(refuse(file), ERR_OK);
	for (size_t len = 1; len < file.len; len++)
		cr_assert_eq(refuse((struct bytes){ file.data, len }),
			     ERR_MALFORMED, "%zu", len);
}

Test(charsmap, a_text_outside_the_file_is_refused)
{
	start(&made);
	add(&made, "a", "b");
	made.units[made.blocks * BLOCK - BLOCK] = IS_VALUE | 2;
	cr_assert_eq(refuse(finish(&made)), ERR_MALFORMED);
	made.units[made.blocks * BLOCK - BLOCK] = IS_VALUE | 0x7fffffff;
	cr_assert_eq(refuse(finish(&made)), ERR_MALFORMED);
}

Test(charsmap, a_text_that_is_not_utf_8_is_refused)
{
	start(&made);
	add(&made, "a", "\xc3");
	cr_assert_eq(refuse(finish(&made)), ERR_MALFORMED);
}

Test(charsmap, a_way_that_leaves_the_trie_is_refused)
{
	start(&made);
	add(&made, "a", "b");
	made.units[BLOCK ^ 'a'] = 0x1fffffu << 10 | ENDS | 'a';
	cr_assert_eq(refuse(finish(&made)), ERR_MALFORMED);
}

/* Were it walked at every character of a text, it would never end. */
Test(charsmap, a_way_without_an_end_is_refused)
{
	start(&made);
	add(&made, "a", "b");
	point(&made, BLOCK ^ 'a', 'a', BLOCK);
	cr_assert_eq(refuse(finish(&made)), ERR_UNSUPPORTED);
}

/* 26 letters, 20 levels, every letter of a level leading to the next one. */
Test(charsmap, few_units_for_very_many_texts_are_refused)
{
	start(&made);
	made.blocks = 22;
	for (size_t level = 1; level < 21; level++)
		for (size_t letter = 'a'; letter <= 'z'; letter++)
			point(&made, level * BLOCK ^ letter, (uint8_t)letter,
			      (level + 1) * BLOCK);
	cr_assert_eq(refuse(finish(&made)), ERR_MALFORMED);
}

Test(charsmap, no_text_is_longer_than_its_limit)
{
	char longest[CHARSMAP_KEY_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[CHARSMAP_KEY_MAX] = 0;
	start(&made);
	add(&made, longest, "b");
	cr_assert_eq(refuse(finish(&made)), ERR_OK);
	longest[CHARSMAP_KEY_MAX] = 'a';
	longest[CHARSMAP_KEY_MAX + 1] = 0;
	start(&made);
	add(&made, longest, "b");
	cr_assert_eq(refuse(finish(&made)), ERR_UNSUPPORTED);
}

Test(charsmap, nothing_becomes_longer_than_its_limit)
{
	char longest[CHARSMAP_TEXT_MAX + 2];

	memset(longest, 'b', sizeof(longest));
	longest[CHARSMAP_TEXT_MAX] = 0;
	start(&made);
	add(&made, "a", longest);
	cr_assert_eq(refuse(finish(&made)), ERR_OK);
	longest[CHARSMAP_TEXT_MAX] = 'b';
	longest[CHARSMAP_TEXT_MAX + 1] = 0;
	start(&made);
	add(&made, "a", longest);
	cr_assert_eq(refuse(finish(&made)), ERR_UNSUPPORTED);
}

static enum err count(void *context, size_t len, struct bytes replacement)
{
	size_t *total = context;

	*total += len + replacement.len;
	return *total > 5 ? ERR_TOO_LARGE : ERR_OK;
}

Test(charsmap, each_text_is_seen_until_an_error)
{
	struct charsmap map;
	size_t total = 0;

	start(&made);
	add(&made, "a", "b");
	add(&made, "b", "cd");
	cr_assert_eq(charsmap_open(finish(&made), &map), ERR_OK);
	cr_assert_eq(charsmap_each(&map, count, &total), ERR_OK);
	cr_assert_eq(total, 5);
	cr_assert_eq(charsmap_each(&map, count, &total), ERR_TOO_LARGE);
	cr_assert_eq(total, 7);
	charsmap_close(&map);
}
