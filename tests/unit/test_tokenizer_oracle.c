/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Some two thousand awkward texts become the very tokens that the engines of
 * the tokenizers' makers gave (tests/reference/tokenizers/README.md).
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "inference/encode.h"
#include "inference/unicode.h"
#include "tests/unit/model_files.h"

#define FOLDER "tests/reference/tokenizers/"
#define TOKENS_MAX 4096
#define TEXTS_MIN 2000

struct oracle {
	struct bytes file;
	struct gguf gguf;
	struct tokenizer tokenizer;
};

static struct oracle open_oracle(const char *path)
{
	static const struct gguf_limits file_limits = { 64, 1, 4096, 4096 };
	static const struct tokenizer_limits limits = { 4096, 4096 };
	struct oracle made = { .file = model_files_own(path) };

	cr_assert_eq(gguf_open(made.file, &file_limits, &made.gguf), ERR_OK);
	cr_assert_eq(tokenizer_open(&made.gguf, &limits, &made.tokenizer),
		     ERR_OK);
	return made;
}

static void close_oracle(struct oracle *oracle)
{
	tokenizer_close(&oracle->tokenizer);
	gguf_close(&oracle->gguf);
	model_files_free(oracle->file);
}

/* FNV-1a over the numbers, four bytes each. */
static uint32_t hash_tokens(const uint32_t *tokens, size_t count)
{
	uint32_t hash = 0x811c9dc5u;

	for (size_t i = 0; i < count; i++)
		for (size_t byte = 0; byte < 4; byte++)
			hash = (hash ^ (tokens[i] >> 8 * byte & 0xff)) *
			       0x01000193u;
	return hash;
}

static uint32_t hash_text(const struct tokenizer *tokenizer, struct bytes text)
{
	static uint8_t memory[1u << 18] __attribute__((aligned(64)));
	static uint32_t tokens[TOKENS_MAX];
	struct arena scratch = { memory, sizeof(memory), 0 };
	struct encode_list list = { tokens, 0, TOKENS_MAX };

	cr_assert_leq(encode_memory(tokenizer, text.len), sizeof(memory));
	cr_assert_eq(encode_text(tokenizer, text, &scratch, &list), ERR_OK);
	return hash_tokens(tokens, list.count);
}

static struct bytes take_text(struct bytes *texts)
{
	struct bytes text;
	uint8_t low, high;

	cr_assert_eq(bytes_take_u8(texts, &low), ERR_OK);
	cr_assert_eq(bytes_take_u8(texts, &high), ERR_OK);
	cr_assert_eq(bytes_take(texts, (size_t)high << 8 | low, &text), ERR_OK);
	return text;
}

/* As many texts as there are hashes, from the first one on. */
static void compare(const struct tokenizer *tokenizer, const char *path)
{
	struct bytes texts_file = model_files_own(FOLDER "texts.bin");
	struct bytes hashes_file = model_files_own(path);
	struct bytes texts = texts_file, hashes = hashes_file;
	size_t count = hashes.len / 4, wrong = 0;

	cr_assert_geq(count, TEXTS_MIN);
	for (size_t i = 0; i < count; i++) {
		struct bytes text = take_text(&texts);
		uint32_t wanted;

		cr_assert_eq(bytes_take_u32_le(&hashes, &wanted), ERR_OK);
		if (hash_text(tokenizer, text) == wanted)
			continue;
		cr_log_error("%s: text %zu: %.*s", path, i, (int)text.len,
			     (const char *)text.data);
		wrong++;
	}
	cr_assert_eq(wrong, 0, "%zu of %zu texts", wrong, count);
	model_files_free(texts_file);
	model_files_free(hashes_file);
}

Test(tokenizer_oracle, unigram_agrees_with_sentencepiece)
{
	struct oracle oracle = open_oracle(FOLDER "unigram.gguf");

	compare(&oracle.tokenizer, FOLDER "unigram.hashes");
	close_oracle(&oracle);
}

Test(tokenizer_oracle, unigram_with_bytes_agrees_with_sentencepiece)
{
	struct oracle oracle = open_oracle(FOLDER "unigram_bytes.gguf");

	compare(&oracle.tokenizer, FOLDER "unigram_bytes.hashes");
	close_oracle(&oracle);
}

Test(tokenizer_oracle, bpe_without_bytes_agrees_with_sentencepiece)
{
	struct oracle oracle = open_oracle(FOLDER "bpe_unknown.gguf");

	compare(&oracle.tokenizer, FOLDER "bpe_unknown.hashes");
	close_oracle(&oracle);
}

/* One vocabulary serves all rules: its file names one, the test another. */
static void compare_rule(enum split_rule split, enum tokenizer_setting whole,
			 const char *path)
{
	struct oracle oracle = open_oracle(FOLDER "byte_level.gguf");

	oracle.tokenizer.split = split;
	oracle.tokenizer.whole_words = whole;
	compare(&oracle.tokenizer, path);
	close_oracle(&oracle);
}

Test(tokenizer_oracle, the_gpt_2_rule_agrees_with_hugging_face)
{
	compare_rule(SPLIT_GPT2, TOKENIZER_OFF, FOLDER "gpt2.hashes");
}

Test(tokenizer_oracle, the_rule_for_digits_agrees_with_hugging_face)
{
	compare_rule(SPLIT_DIGITS, TOKENIZER_OFF, FOLDER "digits.hashes");
}

Test(tokenizer_oracle, the_llama_3_rule_agrees_with_hugging_face)
{
	compare_rule(SPLIT_LLAMA3, TOKENIZER_ON, FOLDER "llama3.hashes");
}

Test(tokenizer_oracle, the_qwen_2_rule_agrees_with_hugging_face)
{
	compare_rule(SPLIT_QWEN2, TOKENIZER_OFF, FOLDER "qwen2.hashes");
}

Test(tokenizer_oracle, the_tekken_rule_agrees_with_hugging_face)
{
	compare_rule(SPLIT_TEKKEN, TOKENIZER_ON, FOLDER "tekken.hashes");
}

static void round_trip(const struct tokenizer *tokenizer, struct bytes text)
{
	static uint8_t memory[1u << 18] __attribute__((aligned(64)));
	static uint32_t tokens[TOKENS_MAX];
	struct arena scratch = { memory, sizeof(memory), 0 };
	struct encode_list list = { tokens, 0, TOKENS_MAX };

	cr_assert_eq(encode_text(tokenizer, text, &scratch, &list), ERR_OK);
	for (size_t i = 0; i < list.count; i++) {
		struct bytes piece = tokenizer_text(tokenizer, tokens[i]);
		struct bytes front;

		cr_assert_eq(bytes_take(&text, piece.len, &front), ERR_OK);
		cr_assert(bytes_equal(front, piece));
	}
	cr_assert_eq(text.len, 0);
}

/* What a unigram model that rewrites nothing still rewrites. */
static bool is_kept(struct bytes text)
{
	uint32_t code;

	while (text.len > 0)
		if (unicode_take(&text, &code) != ERR_OK || code == 0x2581)
			return false;
	return true;
}

/* Tokens' texts, one after the other, are the text again, UTF-8 or not; but
 * SentencePiece's own spelling of a space is a space. */
static size_t round_trips(const struct tokenizer *tokenizer)
{
	struct bytes file = model_files_own(FOLDER "texts.bin");
	size_t count = 0;

	for (struct bytes texts = file; texts.len > 0;) {
		struct bytes text = take_text(&texts);

		if (tokenizer->model == TOKENIZER_UNIGRAM && !is_kept(text))
			continue;
		round_trip(tokenizer, text);
		count++;
	}
	model_files_free(file);
	return count;
}

Test(tokenizer_oracle, every_text_comes_back_from_every_byte_level_rule)
{
	struct oracle oracle = open_oracle(FOLDER "byte_level.gguf");

	for (int rule = SPLIT_GPT2; rule <= SPLIT_TEKKEN; rule++) {
		oracle.tokenizer.split = (enum split_rule)rule;
		cr_assert_geq(round_trips(&oracle.tokenizer), TEXTS_MIN);
	}
	close_oracle(&oracle);
}

Test(tokenizer_oracle, every_text_comes_back_through_byte_fallback)
{
	struct oracle oracle = open_oracle(FOLDER "unigram_bytes.gguf");

	cr_assert_geq(round_trips(&oracle.tokenizer), 1800);
	close_oracle(&oracle);
}
