/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/unigram.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/gguf_builder.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tokenizer_fixture.h"

#define SPACE "\u2581"

/* A vocabulary as its file tells it. */
struct told {
	size_t count;
	const char *tokens[300];
	int32_t kinds[300];
	float scores[300];
	uint32_t prefix, extra; /* 2: the file does not say */
	const char *model;
	struct bytes charsmap;
};

enum {
	UNKNOWN,
	BOS,
	A,
	B,
	AB,
	ABC,
	SPACE_A,
	WHOLE,
	UNUSED,
	LETTERS,
};

static struct told small_vocabulary(void)
{
	return (struct told){
		.count = LETTERS,
		.tokens = { "<unk>", "<s>", "a", "b", "ab", "abc", SPACE "a",
			    "<whole>", "aa" },
		.kinds = { 2, 3, 1, 1, 1, 1, 1, 4, 5 },
		.scores = { 0, 0, -1, -1, -2, -9, -1.5f, 0, 0 },
		.prefix = 0,
		.extra = 0,
		.model = "t5",
	};
}

static struct bytes build(const struct told *told)
{
	struct gguf_builder builder = gguf_builder_start();
	uint8_t array[4096];
	struct writer out = WRITER_OVER(array);
	uint32_t type = GGUF_U8;
	uint64_t len = told->charsmap.len;

	gguf_builder_string(&builder, "tokenizer.ggml.model", told->model);
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", told->tokens,
			     told->count);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", told->kinds,
			  told->count);
	gguf_builder_f32s(&builder, "tokenizer.ggml.scores", told->scores,
			  told->count);
	gguf_builder_u32(&builder, "tokenizer.ggml.bos_token_id", BOS);
	if (told->prefix < 2)
		gguf_builder_bool(&builder, "tokenizer.ggml.add_space_prefix",
				  (uint8_t)told->prefix);
	if (told->extra < 2)
		gguf_builder_bool(&builder,
				  "tokenizer.ggml.remove_extra_whitespaces",
				  (uint8_t)told->extra);
	if (len > 0) {
		memcpy(array, &type, 4);
		memcpy(array + 4, &len, 8);
		out.len = 12;
		cr_assert_eq(bytes_put(&out, told->charsmap), ERR_OK);
		gguf_builder_value(&builder,
				   "tokenizer.ggml.precompiled_charsmap",
				   GGUF_ARRAY, bytes_written(&out));
	}
	return gguf_builder_finish(&builder);
}

static enum err open_told(struct tokenizer_fixture *opened,
			  const struct told *told)
{
	return tokenizer_fixture_open(opened, build(told));
}

static enum err try_told(const struct told *told)
{
	struct tokenizer_fixture opened;
	enum err err = open_told(&opened, told);

	tokenizer_fixture_close(&opened);
	return err;
}

Test(unigram, the_best_sum_wins_and_of_equals_the_longest)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a", A);
	TOKENIZER_FIXTURE_EXPECT(&opened, "ab", AB);
	TOKENIZER_FIXTURE_EXPECT(&opened, "aab", A, AB);
	TOKENIZER_FIXTURE_EXPECT(&opened, "abc", ABC);
	TOKENIZER_FIXTURE_EXPECT(&opened, " ab", SPACE_A, B);
	tokenizer_fixture_close(&opened);
}

Test(unigram, a_run_of_unknown_characters_is_one_token)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "xyz\u20ac", UNKNOWN);
	TOKENIZER_FIXTURE_EXPECT(&opened, "xayz", UNKNOWN, A, UNKNOWN);
	TOKENIZER_FIXTURE_EXPECT(&opened, "\xff\xfe", UNKNOWN);
	tokenizer_fixture_close(&opened);
}

Test(unigram, text_never_becomes_a_control_or_an_unused_token)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "<s>a", UNKNOWN, A);
	TOKENIZER_FIXTURE_EXPECT(&opened, "<unk>", UNKNOWN);
	TOKENIZER_FIXTURE_EXPECT(&opened, "aa", A, A);
	tokenizer_fixture_close(&opened);
}

Test(unigram, a_reserved_token_is_matched_no_more)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "<whole>ab", WHOLE, AB);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("<whole>")),
		     WHOLE);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("ab")),
		     AB);
	TOKENIZER_FIXTURE_EXPECT(&opened, "<whole>ab", UNKNOWN, A, B);
	tokenizer_fixture_close(&opened);
}

Test(unigram, spaces_are_as_the_file_says)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	told.prefix = 1;
	told.extra = 1;
	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "  a   a  ", SPACE_A, SPACE_A);
	cr_assert_eq(tokenizer_fixture_encode(&opened, BYTES_LITERAL("   ")),
		     ERR_OK);
	cr_assert_eq(opened.list.count, 0);
	tokenizer_fixture_close(&opened);
	told.extra = 0;
	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a  a", SPACE_A, UNKNOWN, SPACE_A);
	tokenizer_fixture_close(&opened);
}

static void put_byte_tokens(struct told *told, size_t count)
{
	static char spelt[256][8];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(spelt[i], sizeof(spelt[i]), "<0x%02zX>", i);
		told->tokens[told->count] = spelt[i];
		told->kinds[told->count++] = 6;
	}
}

Test(unigram, unknown_characters_are_spelt_where_there_are_bytes)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	put_byte_tokens(&told, 256);
	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a\u20ac", A, LETTERS + 0xe2,
				 LETTERS + 0x82, LETTERS + 0xac);
	TOKENIZER_FIXTURE_EXPECT(&opened, "\xff", LETTERS + 0xef,
				 LETTERS + 0xbf, LETTERS + 0xbd);
	tokenizer_fixture_close(&opened);
}

Test(unigram, files_that_contradict_themselves_are_refused)
{
	struct told told = small_vocabulary();

	cr_assert_eq(try_told(&told), ERR_OK);
	told.tokens[B] = "a";
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "a piece twice");
	told.tokens[B] = "";
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "a piece of nothing");
	told = small_vocabulary();
	told.scores[A] = NAN;
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "not a score");
	told.scores[A] = -INFINITY;
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "nor is this");
	told = small_vocabulary();
	told.kinds[UNKNOWN] = 3;
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "nothing for the rest");
	told = small_vocabulary();
	put_byte_tokens(&told, 255);
	cr_expect_eq(try_told(&told), ERR_MALFORMED, "bytes but one");
}

Test(unigram, files_that_leave_a_rule_open_are_refused)
{
	struct told told = small_vocabulary();

	told.prefix = 2;
	cr_expect_eq(try_told(&told), ERR_MALFORMED);
	told = small_vocabulary();
	told.extra = 2;
	cr_expect_eq(try_told(&told), ERR_MALFORMED);
	told = small_vocabulary();
	told.charsmap = BYTES_LITERAL("\xff\xff\xff\xff");
	cr_expect_eq(try_told(&told), ERR_MALFORMED);
}

Test(unigram, pieces_beyond_the_limit_are_refused)
{
	struct told told = small_vocabulary();
	char longest[UNIGRAM_PIECE_MAX + 2] = { 0 };

	memset(longest, 'x', UNIGRAM_PIECE_MAX);
	told.tokens[B] = longest;
	cr_expect_eq(try_told(&told), ERR_OK);
	longest[UNIGRAM_PIECE_MAX] = 'x';
	cr_expect_eq(try_told(&told), ERR_UNSUPPORTED);
}

/* Merging models do not rewrite here: one that wants it is not merged wrong. */
Test(unigram, merging_models_with_rewriting_are_refused)
{
	struct told told = small_vocabulary();

	told.model = "llama";
	cr_expect_eq(try_told(&told), ERR_OK);
	told.extra = 1;
	cr_expect_eq(try_told(&told), ERR_UNSUPPORTED);
	told.extra = 0;
	told.charsmap = BYTES_LITERAL("\x04\0\0\0\0\0\0\0");
	cr_expect_eq(try_told(&told), ERR_UNSUPPORTED);
}

Test(unigram, a_full_list_or_arena_is_told)
{
	static uint8_t memory[256] __attribute__((aligned(64)));
	struct arena scratch = { memory, sizeof(memory), 0 };
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	opened.list.max = 1;
	cr_assert_eq(tokenizer_fixture_encode(&opened, BYTES_LITERAL("aba")),
		     ERR_TOO_LARGE);
	opened.list.max = TOKENIZER_FIXTURE_TOKENS;
	cr_assert_eq(encode_text(&opened.tokenizer,
				 BYTES_LITERAL("abababababababab"), &scratch,
				 &opened.list),
		     ERR_TOO_LARGE);
	cr_assert_eq(scratch.used, 0);
	tokenizer_fixture_close(&opened);
}

/* How many tokens a mebibyte of a unit repeated becomes. */
static size_t count_long(struct tokenizer_fixture *opened, const char *unit)
{
	const size_t len = 1u << 20;
	size_t need = encode_memory(&opened->tokenizer, len);
	struct arena scratch = { aligned_alloc(64, need), need, 0 };
	uint32_t *tokens = calloc(len, sizeof(*tokens));
	uint8_t *text = malloc(len);
	struct encode_list list = { tokens, 0, len };

	cr_assert(scratch.base != NULL && tokens != NULL && text != NULL);
	memset(scratch.base, 0, need);
	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)unit[i % strlen(unit)];
	cr_assert_eq(encode_text(&opened->tokenizer,
				 (struct bytes){ text, len }, &scratch, &list),
		     ERR_OK);
	free(scratch.base);
	free(tokens);
	free(text);
	return list.count;
}

Test(unigram, long_texts_of_one_kind_are_cut_like_short_ones)
{
	struct told told = small_vocabulary();
	struct tokenizer_fixture opened;

	cr_assert_eq(open_told(&opened, &told), ERR_OK);
	cr_assert_eq(count_long(&opened, "a"), 1u << 20);
	cr_assert_eq(count_long(&opened, "ab"), 1u << 19);
	cr_assert_eq(count_long(&opened, "x"), 1);
	cr_assert_eq(count_long(&opened, "\xff"), 1);
	cr_assert_eq(count_long(&opened, " a"), 1u << 19);
	tokenizer_fixture_close(&opened);
}

/* What a file is read as, if it is, of which one bit may be wrong. */
static enum err read_unigram(struct tokenizer_fixture *opened)
{
	static const struct gguf_limits file_limits = { 64, 1, 8192, 8192 };
	static const struct tokenizer_limits limits = { 1024, 1024 };

	opened->list.max = TOKENIZER_FIXTURE_TOKENS;
	opened->list.tokens = opened->tokens;
	TRY(gguf_open(opened->file, &file_limits, &opened->gguf));
	TRY(tokenizer_open(&opened->gguf, &limits, &opened->tokenizer));
	return opened->tokenizer.model == TOKENIZER_UNIGRAM &&
			       opened->tokenizer.unigram.normalise.growth <= 16
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

/* The real file with one bit wrong: refused, or a tokenizer that does not leave
 * its memory. */
Test(unigram, a_file_with_any_bit_flipped_is_safe, .timeout = 120)
{
	static const struct bytes text =
		BYTES_LITERAL("\ufdfa the\u3000 1\xff");
	struct bytes file =
		model_files_own("tests/reference/tokenizers/unigram.gguf");
	size_t refused = 0, read = 0;

	for (size_t bit = 0; bit < 8 * file.len; bit += 29) {
		uint8_t *copy = model_files_copy(file, 0);
		struct tokenizer_fixture opened = { .file = { copy,
							      file.len } };

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (read_unigram(&opened) == ERR_OK) {
			cr_assert_eq(tokenizer_fixture_encode(&opened, text),
				     ERR_OK);
			read++;
		} else {
			refused++;
		}
		tokenizer_fixture_close(&opened);
	}
	cr_assert_gt(read, 0);
	cr_assert_gt(refused, 0);
	model_files_free(file);
}
