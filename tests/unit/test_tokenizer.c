/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/tokenizer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference/encode.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"
#include "tests/unit/tokenizer_fixture.h"

static enum err open_tiny(struct tokenizer_fixture *opened)
{
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_vocabulary(&builder);
	return tokenizer_fixture_open(opened, gguf_builder_finish(&builder));
}

Test(tokenizer, sentencepiece_merges_the_best_score_first)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "hello", TINY_MODEL_SPACE_HELLO);
	TOKENIZER_FIXTURE_EXPECT(&opened, "hell", TINY_MODEL_SPACE,
				 TINY_MODEL_HELL);
	TOKENIZER_FIXTURE_EXPECT(&opened, "lll", TINY_MODEL_SPACE,
				 TINY_MODEL_LL, TINY_MODEL_LETTER + 11);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a hello", TINY_MODEL_SPACE,
				 TINY_MODEL_LETTER, TINY_MODEL_SPACE_HELLO);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, characters_outside_the_vocabulary_become_bytes)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "\u00e9", TINY_MODEL_SPACE,
				 TINY_MODEL_BYTE + 0xc3,
				 TINY_MODEL_BYTE + 0xa9);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a\xff", TINY_MODEL_SPACE,
				 TINY_MODEL_LETTER, TINY_MODEL_BYTE + 0xff);
	/* SentencePiece's own spelling of a space is a space. */
	TOKENIZER_FIXTURE_EXPECT(&opened, "\u2581", TINY_MODEL_SPACE,
				 TINY_MODEL_SPACE);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, text_never_becomes_a_control_token)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(tokenizer_fixture_encode(&opened,
					      BYTES_LITERAL("<s></s><call><unk>"
							    "<0x41>")),
		     ERR_OK);
	for (size_t i = 0; i < opened.list.count; i++) {
		uint32_t token = opened.tokens[i];

		cr_assert_neq(token, TINY_MODEL_UNKNOWN);
		cr_assert_neq(token, TINY_MODEL_BOS);
		cr_assert_neq(token, TINY_MODEL_EOS);
		cr_assert_neq(token, TINY_MODEL_CALL);
		cr_assert_neq(token, TINY_MODEL_BYTE + 0x41);
	}
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, user_defined_tokens_are_matched_whole)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "a{\"name\":\"hello",
				 TINY_MODEL_SPACE, TINY_MODEL_LETTER,
				 TINY_MODEL_NAME, TINY_MODEL_HELLO);
	TOKENIZER_FIXTURE_EXPECT(&opened, "{\"name", TINY_MODEL_SPACE,
				 TINY_MODEL_BYTE + '{', TINY_MODEL_BYTE + '"',
				 TINY_MODEL_LETTER + 13, TINY_MODEL_LETTER,
				 TINY_MODEL_LETTER + 12, TINY_MODEL_LETTER + 4);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, a_reserved_token_is_matched_no_more)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("{\"name\":\"")),
		     TINY_MODEL_NAME);
	cr_assert_eq(tokenizer_fixture_encode(&opened,
					      BYTES_LITERAL("{\"name\":\"")),
		     ERR_OK);
	for (size_t i = 0; i < opened.list.count; i++)
		cr_assert_neq(opened.tokens[i], TINY_MODEL_NAME);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("<no>")),
		     VOCABULARY_NONE);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, an_empty_text_has_no_tokens)
{
	struct tokenizer_fixture opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(tokenizer_fixture_encode(&opened, (struct bytes){ 0 }),
		     ERR_OK);
	cr_assert_eq(opened.list.count, 0);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, tokens_have_the_text_that_they_stand_for)
{
	struct tokenizer_fixture opened;
	const struct tokenizer *tokenizer = &opened.tokenizer;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert(bytes_equal(tokenizer_text(tokenizer, TINY_MODEL_SPACE_HELLO),
			      BYTES_LITERAL(" hello")));
	cr_assert(bytes_equal(tokenizer_text(tokenizer, TINY_MODEL_BYTE + 0xe2),
			      BYTES_LITERAL("\xe2")));
	cr_assert(bytes_equal(tokenizer_text(tokenizer, TINY_MODEL_NAME),
			      BYTES_LITERAL("{\"name\":\"")));
	cr_assert_eq(tokenizer_text(tokenizer, TINY_MODEL_CALL).len, 0);
	cr_assert_eq(tokenizer_text(tokenizer, TINY_MODEL_BOS).len, 0);
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, a_full_list_or_arena_is_told)
{
	struct tokenizer_fixture opened;
	struct arena small = { 0 };

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	opened.list.max = 2;
	cr_assert_eq(tokenizer_fixture_encode(&opened, BYTES_LITERAL("abc")),
		     ERR_TOO_LARGE);
	small = opened.scratch;
	small.size = 64;
	cr_assert_eq(encode_text(&opened.tokenizer, BYTES_LITERAL("abc"),
				 &small, &opened.list),
		     ERR_TOO_LARGE);
	tokenizer_fixture_close(&opened);
}

/* GPT-2's spelling of one byte, as UTF-8. */
static void spell(uint8_t byte, char out[3])
{
	unsigned int code = byte;
	unsigned int hidden = 0x100;

	for (unsigned int b = 0; b < 256; b++) {
		if ((b >= '!' && b <= '~') || (b >= 0xa1 && b != 0xad))
			continue;
		if (b == byte)
			code = hidden;
		hidden++;
	}
	memset(out, 0, 3);
	if (code < 0x80) {
		out[0] = (char)code;
		return;
	}
	out[0] = (char)(0xc0 | code >> 6);
	out[1] = (char)(0x80 | (code & 0x3f));
}

#define BYTE_LEVEL_TH 256
#define BYTE_LEVEL_THE 257
#define BYTE_LEVEL_SPACE_T 258
#define BYTE_LEVEL_SPACE_THE 259
#define BYTE_LEVEL_END 260
#define BYTE_LEVEL_COUNT 261

/* 256 bytes, four merges, and <|end|>. */
static struct gguf_builder byte_level(const char *split,
				      const char *const *merges, size_t count)
{
	static char spelt[256][3];
	const char *tokens[BYTE_LEVEL_COUNT];
	int32_t kinds[BYTE_LEVEL_COUNT];
	struct gguf_builder builder = gguf_builder_start();

	for (int i = 0; i < BYTE_LEVEL_COUNT; i++)
		kinds[i] = i == BYTE_LEVEL_END ? 3 : 1;
	for (int i = 0; i < 256; i++) {
		spell((uint8_t)i, spelt[i]);
		tokens[i] = spelt[i];
	}
	tokens[BYTE_LEVEL_TH] = "th";
	tokens[BYTE_LEVEL_THE] = "the";
	tokens[BYTE_LEVEL_SPACE_T] = "\u0120t";
	tokens[BYTE_LEVEL_SPACE_THE] = "\u0120the";
	tokens[BYTE_LEVEL_END] = "<|end|>";
	gguf_builder_string(&builder, "tokenizer.ggml.model", "gpt2");
	if (split != NULL)
		gguf_builder_string(&builder, "tokenizer.ggml.pre", split);
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", tokens,
			     BYTE_LEVEL_COUNT);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", kinds,
			  BYTE_LEVEL_COUNT);
	gguf_builder_strings(&builder, "tokenizer.ggml.merges", merges, count);
	return builder;
}

static const char *const merges[] = { "\u0120 t", "t h", "th e", "\u0120t he" };

Test(tokenizer, byte_level_merges_in_the_order_of_the_list)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 3);
	struct tokenizer_fixture opened;

	cr_assert_eq(
		tokenizer_fixture_open(&opened, gguf_builder_finish(&builder)),
		ERR_OK);
	TOKENIZER_FIXTURE_EXPECT(&opened, "the", BYTE_LEVEL_THE);
	TOKENIZER_FIXTURE_EXPECT(&opened, " the", BYTE_LEVEL_SPACE_T, 'h', 'e');
	TOKENIZER_FIXTURE_EXPECT(&opened, "a\xff\n", 'a', 0xff, '\n');
	TOKENIZER_FIXTURE_EXPECT(&opened, "<|end|>", '<', '|', 'e', 'n', 'd',
				 '|', '>');
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, a_reserved_token_is_merged_into_no_more)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 3);
	struct tokenizer_fixture opened;

	cr_assert_eq(
		tokenizer_fixture_open(&opened, gguf_builder_finish(&builder)),
		ERR_OK);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("the")),
		     BYTE_LEVEL_THE);
	TOKENIZER_FIXTURE_EXPECT(&opened, "the", BYTE_LEVEL_TH, 'e');
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, a_merge_of_texts_that_are_no_tokens_is_refused)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 4);
	struct tokenizer_fixture opened;

	cr_assert_eq(
		tokenizer_fixture_open(&opened, gguf_builder_finish(&builder)),
		ERR_MALFORMED, "\"he\" is no token");
	tokenizer_fixture_close(&opened);
}

Test(tokenizer, merges_that_are_not_two_texts_are_refused)
{
	static const char *const bad[] = { "",	 " ",  "th",	"t  h",
					   " t", "t ", "t h e", "t \x80" };
	struct tokenizer_fixture opened;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gguf_builder builder = byte_level("gpt-2", &bad[i], 1);

		cr_expect_eq(tokenizer_fixture_open(
				     &opened, gguf_builder_finish(&builder)),
			     ERR_MALFORMED, "%zu", i);
		tokenizer_fixture_close(&opened);
	}
}

Test(tokenizer, splitting_rules_are_known_by_name_or_refused)
{
	static const struct {
		const char *name;
		enum err err;
		enum split_rule split;
	} facts[] = {
		{ "gpt-2", ERR_OK, SPLIT_GPT2 },
		{ "olmo", ERR_OK, SPLIT_GPT2 },
		{ "smollm", ERR_OK, SPLIT_DIGITS },
		{ "dbrx", ERR_OK, SPLIT_LLAMA3 },
		{ "qwen2", ERR_OK, SPLIT_QWEN2 },
		{ "falcon", ERR_UNSUPPORTED, SPLIT_GPT2 },
		{ "deepseek-llm", ERR_UNSUPPORTED, SPLIT_GPT2 },
		{ "deepseek-coder", ERR_UNSUPPORTED, SPLIT_GPT2 },
		{ "qwen35", ERR_UNSUPPORTED, SPLIT_GPT2 },
		{ "default", ERR_UNSUPPORTED, SPLIT_GPT2 },
		{ "", ERR_UNSUPPORTED, SPLIT_GPT2 },
		/* These begin with a token that is not there. */
		{ "llama-bpe", ERR_MALFORMED, SPLIT_LLAMA3 },
		{ "tekken", ERR_MALFORMED, SPLIT_TEKKEN },
		{ NULL, ERR_UNSUPPORTED, SPLIT_GPT2 },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct gguf_builder builder =
			byte_level(facts[i].name, merges, 3);
		struct tokenizer_fixture opened;

		cr_expect_eq(tokenizer_fixture_open(
				     &opened, gguf_builder_finish(&builder)),
			     facts[i].err, "%zu", i);
		if (facts[i].err == ERR_OK)
			cr_expect_eq(opened.tokenizer.split, facts[i].split);
		tokenizer_fixture_close(&opened);
	}
}

/* The file of some models calls a control token unknown. */
Test(tokenizer, a_byte_without_a_token_is_left_out)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 3);
	struct tokenizer_fixture opened;

	gguf_builder_u32(&builder, "tokenizer.ggml.unknown_token_id",
			 BYTE_LEVEL_END);
	cr_assert_eq(
		tokenizer_fixture_open(&opened, gguf_builder_finish(&builder)),
		ERR_OK);
	opened.tokenizer.vocabulary.byte_tokens['x'] = VOCABULARY_NONE;
	TOKENIZER_FIXTURE_EXPECT(&opened, "txhxe", BYTE_LEVEL_THE);
	cr_assert_eq(tokenizer_fixture_encode(&opened, BYTES_LITERAL("xx")),
		     ERR_OK);
	cr_assert_eq(opened.list.count, 0);
	tokenizer_fixture_close(&opened);
}

/* The tiny vocabulary, with one of its values told differently. */
static enum err try_vocabulary(const char *const tokens[3],
			       const int32_t kinds[3], const float scores[3],
			       uint32_t bos)
{
	struct gguf_builder builder = gguf_builder_start();
	struct tokenizer_fixture opened;
	enum err err;

	gguf_builder_string(&builder, "tokenizer.ggml.model", "llama");
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", tokens, 3);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", kinds, 3);
	gguf_builder_f32s(&builder, "tokenizer.ggml.scores", scores, 3);
	gguf_builder_u32(&builder, "tokenizer.ggml.bos_token_id", bos);
	err = tokenizer_fixture_open(&opened, gguf_builder_finish(&builder));
	tokenizer_fixture_close(&opened);
	return err;
}

Test(tokenizer, vocabularies_that_lie_are_refused)
{
	const char *const fine[] = { "<s>", "a", "<0x0A>" };
	const char *const negative[] = { "<s>", "a", "<0x-1>" };
	const char *const wide[] = { "<s>", "a", "<0x100>" };
	const int32_t kinds[] = { 3, 1, 6 };
	const int32_t none[] = { 3, 0, 6 };
	const int32_t beyond[] = { 3, 7, 6 };
	const float scores[] = { 0, -1, 0 };
	const float broken[] = { 0, NAN, 0 };

	cr_expect_eq(try_vocabulary(fine, kinds, scores, 0), ERR_OK);
	cr_expect_eq(try_vocabulary(negative, kinds, scores, 0), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(wide, kinds, scores, 0), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(fine, none, scores, 0), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(fine, beyond, scores, 0), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(fine, kinds, broken, 0), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(fine, kinds, scores, 3), ERR_MALFORMED);
	cr_expect_eq(try_vocabulary(fine, kinds, scores, UINT32_MAX),
		     ERR_MALFORMED);
}

/* They are looked for at every place of a text; control tokens are not. */
Test(tokenizer, tokens_that_texts_are_searched_for_have_a_longest)
{
	char longest[VOCABULARY_WHOLE_MAX + 2];
	const char *const tokens[] = { "<s>", longest, "b" };
	const int32_t whole[] = { 3, 4, 1 };
	const int32_t normal[] = { 3, 1, 1 };
	const int32_t control[] = { 3, 3, 1 };
	const float scores[] = { 0, -1, 0 };

	memset(longest, 'a', sizeof(longest));
	longest[VOCABULARY_WHOLE_MAX] = 0;
	cr_expect_eq(try_vocabulary(tokens, whole, scores, 0), ERR_OK);
	cr_expect_eq(try_vocabulary(tokens, normal, scores, 0), ERR_OK);
	longest[VOCABULARY_WHOLE_MAX] = 'a';
	longest[VOCABULARY_WHOLE_MAX + 1] = 0;
	cr_expect_eq(try_vocabulary(tokens, whole, scores, 0), ERR_UNSUPPORTED);
	cr_expect_eq(try_vocabulary(tokens, normal, scores, 0),
		     ERR_UNSUPPORTED);
	cr_expect_eq(try_vocabulary(tokens, control, scores, 0), ERR_OK);
}

/* Tokens of one text take a slot each, one after the other. */
static enum err open_alike(struct tokenizer_fixture *opened, size_t count)
{
	static const char *tokens[VOCABULARY_PROBES_MAX + 1];
	static int32_t kinds[VOCABULARY_PROBES_MAX + 1];
	static const float scores[VOCABULARY_PROBES_MAX + 1];
	struct gguf_builder builder = gguf_builder_start();

	for (size_t i = 0; i < count; i++) {
		tokens[i] = "a";
		kinds[i] = i + 1 == count ? 1 : 3;
	}
	gguf_builder_string(&builder, "tokenizer.ggml.model", "llama");
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", tokens, count);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", kinds, count);
	gguf_builder_f32s(&builder, "tokenizer.ggml.scores", scores, count);
	gguf_builder_u32(&builder, "tokenizer.ggml.bos_token_id", 0);
	return tokenizer_fixture_open(opened, gguf_builder_finish(&builder));
}

Test(tokenizer, a_token_is_found_as_far_from_its_slot_as_it_may_lie)
{
	struct tokenizer_fixture opened;
	const struct vocabulary *vocabulary = &opened.tokenizer.vocabulary;

	cr_assert_eq(open_alike(&opened, VOCABULARY_PROBES_MAX), ERR_OK);
	cr_expect_eq(vocabulary_find(vocabulary, BYTES_LITERAL("a"),
				     VOCABULARY_NORMAL),
		     VOCABULARY_PROBES_MAX - 1);
	cr_expect_eq(vocabulary_find(vocabulary, BYTES_LITERAL("a"),
				     VOCABULARY_USER_DEFINED),
		     VOCABULARY_NONE);
	tokenizer_fixture_close(&opened);
	cr_expect_eq(open_alike(&opened, VOCABULARY_PROBES_MAX + 1),
		     ERR_MALFORMED);
	tokenizer_fixture_close(&opened);
}

#define SLOTS ((size_t)4 * VOCABULARY_PROBES_MAX)

/* No file makes a table without any; but the runs of many homes make stretches
 * of thousands, and none of those may be walked. */
Test(tokenizer, a_search_ends_wherever_the_next_free_slot_is, .timeout = 20)
{
	static uint32_t slots[SLOTS];	       /* all of them token 0 */
	static uint64_t pair_slots[4 * SLOTS]; /* the pair of 0 and 0 */
	struct bytes text = BYTES_LITERAL("a");
	uint8_t kind = VOCABULARY_NORMAL;
	const struct vocabulary vocabulary = { .count = 1,
					       .texts = &text,
					       .kinds = &kind,
					       .slots = slots,
					       .slot_mask = SLOTS - 1,
					       .longest = 1 };
	const struct pairs pairs = { .slots = (void *)pair_slots,
				     .slot_mask = SLOTS - 1 };

	cr_expect_eq(vocabulary_find(&vocabulary, text, VOCABULARY_NORMAL), 0);
	cr_expect_eq(vocabulary_find(&vocabulary, BYTES_LITERAL("b"),
				     VOCABULARY_NORMAL),
		     VOCABULARY_NONE);
	cr_expect_eq(pairs_find(&pairs, 0, 0).token, 0);
	cr_expect_eq(pairs_find(&pairs, 1, 2).token, VOCABULARY_NONE);
}

Test(tokenizer, hostile_texts_are_encoded_in_time, .timeout = 60)
{
	static const char *const units[] = { "a",    "hello",  "l",	 " ",
					     "\xff", "\u20ac", "{\"name" };
	size_t len = 1u << 18;
	uint32_t *tokens = malloc((len + 1) * sizeof(*tokens));
	uint8_t *text = malloc(len);
	struct tokenizer_fixture opened;

	cr_assert(text != NULL && tokens != NULL);
	cr_assert_eq(open_tiny(&opened), ERR_OK);
	opened.list = (struct encode_list){ tokens, 0, len + 1 };
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t unit = strlen(units[u]);

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)units[u][i % unit];
		cr_assert_eq(tokenizer_fixture_encode(
				     &opened, (struct bytes){ text, len }),
			     ERR_OK);
	}
	tokenizer_fixture_close(&opened);
	free(tokens);
	free(text);
}
