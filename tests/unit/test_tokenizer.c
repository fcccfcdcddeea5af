/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/tokenizer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/encode.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"

#define TOKENS_MAX 4096

static const struct gguf_limits file_limits = { .values = 256,
						.tensors = 256,
						.array_count = 1u << 20,
						.string_bytes = 1u << 16 };
static const struct tokenizer_limits limits = { .tokens = 1u << 18,
						.merges = 1u << 19 };

/* A tokenizer, and the memory that it stands in. */
struct opened {
	struct bytes file;
	struct gguf gguf;
	struct tokenizer tokenizer;
	struct arena scratch;
	uint32_t tokens[TOKENS_MAX];
	struct encode_list list;
};

static enum err open_file(struct opened *opened, struct bytes file)
{
	enum err err;

	*opened = (struct opened){ .file = file };
	cr_assert_eq(gguf_open(file, &file_limits, &opened->gguf), ERR_OK);
	err = tokenizer_open(&opened->gguf, &limits, &opened->tokenizer);
	opened->list = (struct encode_list){ opened->tokens, 0, TOKENS_MAX };
	return err;
}

static void close_file(struct opened *opened)
{
	tokenizer_close(&opened->tokenizer);
	gguf_close(&opened->gguf);
	model_files_free(opened->file);
	free(opened->scratch.base);
}

static enum err encode(struct opened *opened, struct bytes text)
{
	size_t need = encode_memory(text.len);
	enum err err;

	free(opened->scratch.base);
	opened->scratch =
		(struct arena){ aligned_alloc(64, need / 64 * 64 + 64), need,
				0 };
	cr_assert_not_null(opened->scratch.base);
	memset(opened->scratch.base, 0, need);
	opened->list.count = 0;
	err = encode_text(&opened->tokenizer, text, &opened->scratch,
			  &opened->list);
	cr_assert_eq(opened->scratch.used, 0, "scratch is given back");
	cr_assert(arena_is_zero(&opened->scratch), "and wiped");
	return err;
}

static void expect(struct opened *opened, const char *text,
		   const uint32_t *tokens, size_t count)
{
	cr_assert_eq(encode(opened, bytes_of_string(text)), ERR_OK);
	cr_assert_eq(opened->list.count, count, "%s: %zu tokens", text,
		     opened->list.count);
	cr_assert_arr_eq(opened->tokens, tokens, count * sizeof(*tokens), "%s",
			 text);
}

#define EXPECT(opened, text, ...)                           \
	do {                                                \
		const uint32_t wanted[] = { __VA_ARGS__ };  \
		expect(opened, text, wanted,                \
		       sizeof(wanted) / sizeof(wanted[0])); \
	} while (0)

static enum err open_tiny(struct opened *opened)
{
	struct gguf_builder builder = gguf_builder_start();

	tiny_model_add_vocabulary(&builder);
	return open_file(opened, gguf_builder_finish(&builder));
}

Test(tokenizer, sentencepiece_merges_the_best_score_first)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	EXPECT(&opened, "hello", TINY_MODEL_SPACE_HELLO);
	EXPECT(&opened, "hell", TINY_MODEL_SPACE, TINY_MODEL_HELL);
	EXPECT(&opened, "lll", TINY_MODEL_SPACE, TINY_MODEL_LL,
	       TINY_MODEL_LETTER + 11);
	EXPECT(&opened, "a hello", TINY_MODEL_SPACE, TINY_MODEL_LETTER,
	       TINY_MODEL_SPACE_HELLO);
	close_file(&opened);
}

Test(tokenizer, characters_outside_the_vocabulary_become_bytes)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	EXPECT(&opened, "\u00e9", TINY_MODEL_SPACE, TINY_MODEL_BYTE + 0xc3,
	       TINY_MODEL_BYTE + 0xa9);
	EXPECT(&opened, "a\xff", TINY_MODEL_SPACE, TINY_MODEL_LETTER,
	       TINY_MODEL_BYTE + 0xff);
	/* SentencePiece's own spelling of a space is a space. */
	EXPECT(&opened, "\u2581", TINY_MODEL_SPACE, TINY_MODEL_SPACE);
	close_file(&opened);
}

Test(tokenizer, text_never_becomes_a_control_token)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(encode(&opened, BYTES_LITERAL("<s></s><call><unk>"
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
	close_file(&opened);
}

Test(tokenizer, user_defined_tokens_are_matched_whole)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	EXPECT(&opened, "a{\"name\":\"hello", TINY_MODEL_SPACE,
	       TINY_MODEL_LETTER, TINY_MODEL_NAME, TINY_MODEL_HELLO);
	EXPECT(&opened, "{\"name", TINY_MODEL_SPACE, TINY_MODEL_BYTE + '{',
	       TINY_MODEL_BYTE + '"', TINY_MODEL_LETTER + 13, TINY_MODEL_LETTER,
	       TINY_MODEL_LETTER + 12, TINY_MODEL_LETTER + 4);
	close_file(&opened);
}

Test(tokenizer, a_reserved_token_is_matched_no_more)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("{\"name\":\"")),
		     TINY_MODEL_NAME);
	cr_assert_eq(encode(&opened, BYTES_LITERAL("{\"name\":\"")), ERR_OK);
	for (size_t i = 0; i < opened.list.count; i++)
		cr_assert_neq(opened.tokens[i], TINY_MODEL_NAME);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("<no>")),
		     VOCABULARY_NONE);
	close_file(&opened);
}

Test(tokenizer, an_empty_text_has_no_tokens)
{
	struct opened opened;

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	cr_assert_eq(encode(&opened, (struct bytes){ 0 }), ERR_OK);
	cr_assert_eq(opened.list.count, 0);
	close_file(&opened);
}

Test(tokenizer, tokens_have_the_text_that_they_stand_for)
{
	struct opened opened;
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
	close_file(&opened);
}

Test(tokenizer, a_full_list_or_arena_is_told)
{
	struct opened opened;
	struct arena small = { 0 };

	cr_assert_eq(open_tiny(&opened), ERR_OK);
	opened.list.max = 2;
	cr_assert_eq(encode(&opened, BYTES_LITERAL("abc")), ERR_TOO_LARGE);
	small = opened.scratch;
	small.size = 64;
	cr_assert_eq(encode_text(&opened.tokenizer, BYTES_LITERAL("abc"),
				 &small, &opened.list),
		     ERR_TOO_LARGE);
	close_file(&opened);
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
	struct opened opened;

	cr_assert_eq(open_file(&opened, gguf_builder_finish(&builder)), ERR_OK);
	EXPECT(&opened, "the", BYTE_LEVEL_THE);
	EXPECT(&opened, " the", BYTE_LEVEL_SPACE_T, 'h', 'e');
	EXPECT(&opened, "a\xff\n", 'a', 0xff, '\n');
	EXPECT(&opened, "<|end|>", '<', '|', 'e', 'n', 'd', '|', '>');
	close_file(&opened);
}

Test(tokenizer, a_reserved_token_is_merged_into_no_more)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 3);
	struct opened opened;

	cr_assert_eq(open_file(&opened, gguf_builder_finish(&builder)), ERR_OK);
	cr_assert_eq(vocabulary_reserve(&opened.tokenizer.vocabulary,
					BYTES_LITERAL("the")),
		     BYTE_LEVEL_THE);
	EXPECT(&opened, "the", BYTE_LEVEL_TH, 'e');
	close_file(&opened);
}

Test(tokenizer, a_merge_of_texts_that_are_no_tokens_is_refused)
{
	struct gguf_builder builder = byte_level("gpt-2", merges, 4);
	struct opened opened;

	cr_assert_eq(open_file(&opened, gguf_builder_finish(&builder)),
		     ERR_MALFORMED, "\"he\" is no token");
	close_file(&opened);
}

Test(tokenizer, merges_that_are_not_two_texts_are_refused)
{
	static const char *const bad[] = { "",	 " ",  "th",	"t  h",
					   " t", "t ", "t h e", "t \x80" };
	struct opened opened;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gguf_builder builder = byte_level("gpt-2", &bad[i], 1);

		cr_expect_eq(open_file(&opened, gguf_builder_finish(&builder)),
			     ERR_MALFORMED, "%zu", i);
		close_file(&opened);
	}
}

Test(tokenizer, an_unknown_splitting_rule_is_unsupported)
{
	struct gguf_builder builder = byte_level("falcon", merges, 3);
	struct opened opened;

	cr_assert_eq(open_file(&opened, gguf_builder_finish(&builder)),
		     ERR_UNSUPPORTED);
	close_file(&opened);
}

/* The tiny vocabulary, with one of its values told differently. */
static enum err try_vocabulary(const char *const tokens[3],
			       const int32_t kinds[3], const float scores[3],
			       uint32_t bos)
{
	struct gguf_builder builder = gguf_builder_start();
	struct opened opened;
	enum err err;

	gguf_builder_string(&builder, "tokenizer.ggml.model", "llama");
	gguf_builder_strings(&builder, "tokenizer.ggml.tokens", tokens, 3);
	gguf_builder_i32s(&builder, "tokenizer.ggml.token_type", kinds, 3);
	gguf_builder_f32s(&builder, "tokenizer.ggml.scores", scores, 3);
	gguf_builder_u32(&builder, "tokenizer.ggml.bos_token_id", bos);
	err = open_file(&opened, gguf_builder_finish(&builder));
	close_file(&opened);
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

Test(tokenizer, hostile_texts_are_encoded_in_time, .timeout = 60)
{
	static const char *const units[] = { "a",    "hello",  "l",	 " ",
					     "\xff", "\u20ac", "{\"name" };
	size_t len = 1u << 18;
	uint32_t *tokens = malloc((len + 1) * sizeof(*tokens));
	uint8_t *text = malloc(len);
	struct opened opened;

	cr_assert(text != NULL && tokens != NULL);
	cr_assert_eq(open_tiny(&opened), ERR_OK);
	opened.list = (struct encode_list){ tokens, 0, len + 1 };
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t unit = strlen(units[u]);

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)units[u][i % unit];
		cr_assert_eq(encode(&opened, (struct bytes){ text, len }),
			     ERR_OK);
	}
	close_file(&opened);
	free(tokens);
	free(text);
}

/* Tokens' texts, one after the other, are the text again. */
static void round_trip(struct opened *opened, struct bytes text)
{
	static uint8_t back[1u << 16];
	struct writer out = WRITER_OVER(back);

	cr_assert_eq(encode(opened, text), ERR_OK);
	if (opened->tokenizer.model == TOKENIZER_SENTENCEPIECE && text.len > 0)
		cr_assert(
			bytes_equal((struct bytes){ tokenizer_text(
							    &opened->tokenizer,
							    opened->tokens[0])
							    .data,
						    1 },
				    BYTES_LITERAL(" ")),
			"a space comes in front");
	for (size_t i = 0; i < opened->list.count; i++)
		cr_assert_eq(bytes_put(&out, tokenizer_text(&opened->tokenizer,
							    opened->tokens[i])),
			     ERR_OK);
	if (opened->tokenizer.model == TOKENIZER_SENTENCEPIECE && text.len > 0)
		cr_assert(bytes_equal((struct bytes){ back + 1, out.len - 1 },
				      text));
	else
		cr_assert(bytes_equal(bytes_written(&out), text));
}

/* The next expected line of numbers, against the tokens that were made. */
static void compare_line(struct opened *opened, char *line, size_t number)
{
	char *rest = line;

	for (size_t i = 0; i < opened->list.count; i++) {
		char *end;
		unsigned long token = strtoul(rest, &end, 10);

		cr_assert_neq(end, rest, "text %zu: too many tokens", number);
		cr_assert_eq(token, opened->tokens[i], "text %zu token %zu",
			     number, i);
		rest = end;
	}
	cr_assert_eq(strspn(rest, " \n"), strlen(rest),
		     "text %zu: too few tokens", number);
}

#define SEPARATOR "\n__ggml_vocab_test__\n"

/* All texts of a vocabulary's .inp file become the tokens of its .out file. */
static void compare_vocabulary(const char *name)
{
	static char line[1u << 16];
	static struct opened opened;
	char path[128];
	struct bytes texts, expected;
	size_t number = 0;
	FILE *lines;

	(void)snprintf(path, sizeof(path), "llamacpp-vocabs/ggml-vocab-%s.gguf",
		       name);
	cr_assert_eq(open_file(&opened, model_files_load(path)), ERR_OK);
	(void)snprintf(path, sizeof(path),
		       "llamacpp-vocabs/ggml-vocab-%s.gguf.inp", name);
	texts = model_files_load(path);
	(void)snprintf(path, sizeof(path),
		       "llamacpp-vocabs/ggml-vocab-%s.gguf.out", name);
	expected = model_files_load(path);
	lines = fmemopen((void *)(uintptr_t)expected.data, expected.len, "r");

	for (struct bytes rest = texts; rest.len > 0; number++) {
		const uint8_t *end = memmem(rest.data, rest.len, SEPARATOR,
					    strlen(SEPARATOR));
		size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
		size_t taken = end == NULL ? len : len + strlen(SEPARATOR);

		cr_assert_not_null(fgets(line, sizeof(line), lines));
		round_trip(&opened, (struct bytes){ rest.data, len });
		compare_line(&opened, line, number);
		rest.data += taken;
		rest.len -= taken;
	}
	cr_assert_geq(number, 46);
	(void)fclose(lines);
	model_files_free(texts);
	model_files_free(expected);
	close_file(&opened);
}

Test(vocabularies, llama_spm_agrees_with_llama_cpp)
{
	compare_vocabulary("llama-spm");
}

Test(vocabularies, phi_3_agrees_with_llama_cpp)
{
	compare_vocabulary("phi-3");
}

Test(vocabularies, gpt_2_agrees_with_llama_cpp)
{
	compare_vocabulary("gpt-2");
}

Test(vocabularies, mpt_agrees_with_llama_cpp)
{
	compare_vocabulary("mpt");
}

Test(vocabularies, starcoder_agrees_with_llama_cpp)
{
	compare_vocabulary("starcoder");
}

Test(vocabularies, refact_agrees_with_llama_cpp)
{
	compare_vocabulary("refact");
}
