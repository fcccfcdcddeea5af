/* SPDX-License-Identifier: Apache-2.0 */
#include "model/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 16

/* A command line of blank-separated words. */
static enum options_verdict parse(const char *line, struct options *out)
{
	static char copy[256];
	char *words[WORDS_MAX] = { NULL };
	int count = 0;

	cr_assert_lt(strlen(line), sizeof(copy));
	(void)strcpy(copy, line);
	for (char *word = strtok(copy, " "); word != NULL;
	     word = strtok(NULL, " "))
		words[count++] = word;
	return options_parse(count, words, out);
}

Test(options, every_command_is_understood)
{
	struct options options;

	cr_assert_eq(parse("pcc-model inspect --json file", &options),
		     OPTIONS_RUN);
	cr_assert_eq(options.command, OPTIONS_INSPECT);
	cr_assert(options.json);
	cr_assert_str_eq(options.files[0], "file");
	cr_assert_eq(parse("pcc-model make-random --shape moe-1b --format q4_k "
			   "--seed 18446744073709551615 -o out",
			   &options),
		     OPTIONS_RUN);
	cr_assert_eq(options.seed, UINT64_MAX);
	cr_assert_eq(options.form->format, MATRIX_Q4_K);
	cr_assert_str_eq(options.shape->name, "moe-1b");
	cr_assert_str_eq(options.output, "out");
	cr_assert_eq(parse("pcc-model quantize a b --format Q8_0", &options),
		     OPTIONS_RUN);
	cr_assert_str_eq(options.files[1], "b");
	cr_assert_eq(parse("pcc-model perplexity a b --context 64 --texts 3",
			   &options),
		     OPTIONS_RUN);
	cr_assert_eq(options.context, 64);
	cr_assert_eq(options.texts, 3);
	cr_assert_eq(options.prompts, ACTIVATION_INTEGERS);
	cr_assert_eq(parse("pcc-model perplexity a b --numerics bf16_prompts",
			   &options),
		     OPTIONS_RUN);
	cr_assert_eq(options.prompts, ACTIVATION_BF16);
	cr_assert_eq(
		parse("pcc-model perplexity a b --numerics integers", &options),
		OPTIONS_RUN);
	cr_assert_eq(options.prompts, ACTIVATION_INTEGERS);
	cr_assert_eq(parse("pcc-model convert a b", &options), OPTIONS_RUN);
	cr_assert_eq(parse("pcc-model importance a b -o c", &options),
		     OPTIONS_RUN);
	cr_assert_eq(parse("pcc-model sqnr", &options), OPTIONS_RUN);
	cr_assert_eq(parse("pcc-model pack a b", &options), OPTIONS_RUN);
	cr_assert_eq(options.command, OPTIONS_PACK);
	cr_assert_eq(parse("pcc-model quantize a b --format p_c2 --embedding "
			   "P_C4",
			   &options),
		     OPTIONS_RUN);
	cr_assert_eq(options.form->format, MATRIX_PANEL_C2);
	cr_assert_eq(options.embedding->format, MATRIX_PANEL_C4);
	cr_assert_eq(parse("pcc-model --help", &options), OPTIONS_HELP);
}

Test(options, what_makes_no_sense_is_told_and_changes_nothing)
{
	static const char *const lines[] = {
		"pcc-model",
		"pcc-model fly",
		"pcc-model inspect",
		"pcc-model inspect a b",
		"pcc-model inspect a --seed 1",
		"pcc-model check a --json",
		"pcc-model make-random --shape moe-1b -o out",
		"pcc-model make-random --format q4_k -o out",
		"pcc-model make-random --shape moe-1b --format q4_k",
		"pcc-model make-random --shape moe-2b --format q4_k -o out",
		"pcc-model make-random --shape moe-1b --format q3_k -o out",
		"pcc-model make-random --shape moe-1b --format f16 -o o --seed "
		"-1",
		"pcc-model quantize a b",
		"pcc-model quantize a --format q8_0",
		"pcc-model quantize a b --embedding p_c4",
		"pcc-model quantize a b --format p_c3",
		"pcc-model quantize a b --format p_c2 --embedding p_",
		"pcc-model pack a",
		"pcc-model pack a b --format p_c4",
		"pcc-model make-random --shape moe-1b --format f16 -o o "
		"--embedding q8_0",
		"pcc-model perplexity a b --context 0",
		"pcc-model perplexity a b --context 4294967296",
		"pcc-model perplexity a b --texts many",
		"pcc-model perplexity a b --numerics bf16",
		"pcc-model importance a b",
		"pcc-model measure a b --nonsense",
		"pcc-model measure a b --output",
	};
	struct options options = { .seed = 42 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_eq(parse(lines[i], &options), OPTIONS_USAGE, "%s",
			     lines[i]);
	cr_assert_eq(options.seed, 42);
}

/* Each mistake, and what is said of it. */
static const struct {
	const char *line, *says;
} mistakes[] = {
	{ "pcc-model", "a command is needed" },
	{ "pcc-model fly a", "fly is no command" },
	{ "pcc-model quantize a b --format q4", "q4 is no value of --format" },
	{ "pcc-model perplexity a b --numerics bf16",
	  "bf16 is no value of --numerics" },
	{ "pcc-model check", "check takes 1 file, and was given 0" },
	{ "pcc-model pack a b c", "pack takes 2 files, and was given 3" },
	{ "pcc-model sqnr a", "sqnr takes 0 files, and was given 1" },
	{ "pcc-model quantize a b", "quantize needs --format" },
	{ "pcc-model check a --json", "--json is not for check" },
};

#define MISTAKES (sizeof(mistakes) / sizeof(mistakes[0]))

Test(options, a_mistake_is_told_with_the_word_that_is_one)
{
	struct options options;
	FILE *errors;

	cr_redirect_stderr();
	for (size_t i = 0; i < MISTAKES; i++)
		cr_expect_eq(parse(mistakes[i].line, &options), OPTIONS_USAGE);
	(void)fflush(stderr);
	errors = cr_get_redirected_stderr();
	for (size_t i = 0; i < MISTAKES; i++) {
		char said[128] = "", expected[128];

		(void)snprintf(expected, sizeof(expected),
			       "pcc-model: %s; see --help\n", mistakes[i].says);
		cr_expect_not_null(fgets(said, sizeof(said), errors));
		cr_expect_str_eq(said, expected);
	}
}
