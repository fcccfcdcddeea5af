/* SPDX-License-Identifier: Apache-2.0 */
#include "model/options.h"

#include <criterion/criterion.h>
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
