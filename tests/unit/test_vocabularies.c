/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole vocabularies, with the texts and tokens that llama.cpp keeps for its
 * own tests.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/model_files.h"
#include "tests/unit/tokenizer_fixture.h"

/* Tokens' texts, one after the other, are the text again. */
static void round_trip(struct tokenizer_fixture *opened, struct bytes text)
{
	static uint8_t back[1u << 16];
	struct writer out = WRITER_OVER(back);

	cr_assert_eq(tokenizer_fixture_encode(opened, text), ERR_OK);
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
static void compare_line(struct tokenizer_fixture *opened, char *line,
			 size_t number)
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
	static struct tokenizer_fixture opened;
	char path[128];
	struct bytes texts, expected;
	size_t number = 0;
	FILE *lines;

	(void)snprintf(path, sizeof(path), "llamacpp-vocabs/ggml-vocab-%s.gguf",
		       name);
	cr_assert_eq(tokenizer_fixture_open(&opened, model_files_load(path)),
		     ERR_OK);
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
	tokenizer_fixture_close(&opened);
}

Test(vocabularies, llama_spm_agrees_with_llama_cpp)
{
	compare_vocabulary("llama-spm");
}

/* The vocabularies that are another engine's, by what they lack here. */
Test(vocabularies, those_of_other_rules_are_refused)
{
	static const char *const names[] = { "bert-bge", "deepseek-coder",
					     "deepseek-llm", "falcon",
					     "gpt-neox" };
	static struct tokenizer_fixture opened;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path),
			       "llamacpp-vocabs/ggml-vocab-%s.gguf", names[i]);
		cr_expect_eq(
			tokenizer_fixture_open(&opened, model_files_load(path)),
			ERR_UNSUPPORTED, "%s", names[i]);
		tokenizer_fixture_close(&opened);
	}
}

Test(vocabularies, phi_3_agrees_with_llama_cpp)
{
	compare_vocabulary("phi-3");
}

Test(vocabularies, gpt_2_agrees_with_llama_cpp)
{
	compare_vocabulary("gpt-2");
}

Test(vocabularies, llama_bpe_agrees_with_llama_cpp)
{
	compare_vocabulary("llama-bpe");
}

Test(vocabularies, qwen2_agrees_with_llama_cpp)
{
	compare_vocabulary("qwen2");
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
