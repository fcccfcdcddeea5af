/* SPDX-License-Identifier: Apache-2.0 */
#include "model/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "model/measure.h"
#include "model/plan.h"

#define FORMATS_A_LINE 4

enum option_name {
	OPTION_JSON = 256,
	OPTION_TENSORS,
	OPTION_SHAPE,
	OPTION_FORMAT,
	OPTION_SEED,
	OPTION_OUTPUT,
	OPTION_IMPORTANCE,
	OPTION_CONTEXT,
	OPTION_TEXTS,
	OPTION_EMBEDDING,
	OPTION_NUMERICS,
	OPTION_HELP,
};

static const struct option names[] = {
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "tensors", no_argument, NULL, OPTION_TENSORS },
	{ "shape", required_argument, NULL, OPTION_SHAPE },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "importance", required_argument, NULL, OPTION_IMPORTANCE },
	{ "context", required_argument, NULL, OPTION_CONTEXT },
	{ "texts", required_argument, NULL, OPTION_TEXTS },
	{ "embedding", required_argument, NULL, OPTION_EMBEDDING },
	{ "numerics", required_argument, NULL, OPTION_NUMERICS },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

/* One for each of these but help, in their order. */
static const char letters[] = "jtsfnoicxeu";

static const char help[] =
	"usage: pcc-model inspect FILE [--tensors] [--json]\n"
	"       pcc-model check FILE\n"
	"       pcc-model make-random --shape NAME --format F -o FILE "
	"[--seed N]\n"
	"       pcc-model quantize IN OUT --format F [--embedding F] "
	"[--importance FILE]\n"
	"       pcc-model pack IN OUT\n"
	"       pcc-model convert FOLDER OUT [--format F]\n"
	"       pcc-model measure A B\n"
	"       pcc-model importance FILE TEXT -o FILE\n"
	"       pcc-model perplexity FILE TEXT\n"
	"       pcc-model sqnr\n"
	"\n"
	"Looks at model files (GGUF) and makes them.  A file that is made has "
	"its\n"
	"name when it is complete; one that is there is never replaced.\n"
	"\n"
	"inspect      what the file says of itself: shape, weights, tokenizer\n"
	"  --tensors    every tensor, one a line\n"
	"  --json       the same as one JSON object\n"
	"check        whether a node would serve it; if not, what is wrong\n"
	"make-random  a model of a named shape that has learnt nothing\n"
	"  --shape NAME    one of those below\n"
	"  --seed N        equal seeds make equal files (0)\n"
	"quantize     the same model with its matrices in another format\n"
	"  --embedding F      another for the embedding and the output\n"
	"  --importance FILE  fit by what the importance command found\n"
	"pack         the same weights, as the kernels want them: opens at "
	"once and\n"
	"             is used where it is mapped; no other program reads it\n"
	"convert      safetensors, config.json and tokenizer.json or "
	"tokenizer.model\n"
	"             of llama, qwen2 and qwen3; F16 unless --format says "
	"F32 or BF16\n"
	"measure      how far B's weights are from A's: signal over noise, "
	"in dB\n"
	"importance   how much each column of each matrix is used on a text\n"
	"perplexity   of the model on a text: a file of UTF-8, or a JSON array "
	"of\n"
	"             strings, each a text of its own that is cut to the "
	"context\n"
	"  --context N     tokens at a time (512, or what the model has)\n"
	"  --texts N       only the first N strings of an array\n"
	"  --numerics N    of prompts: integers, or bf16_prompts\n"
	"sqnr         what each format loses of normally distributed "
	"weights, and what\n"
	"             6 x 6 blocks of six levels would\n"
	"\n"
	"  -o, --output FILE  what to make\n";

static void print_shape(const struct shape *shape)
{
	struct plan plan;

	if (plan_open(shape, &plan) != ERR_OK)
		return;
	printf("  %-15s %8.1f %8.1f  %s\n", shape->name,
	       (double)plan.weights / 1e6, (double)plan.active / 1e6,
	       shape->architecture);
	plan_close(&plan);
}

static void print_formats(void)
{
	fputs("\nFormats, and bits a weight; P_ are panels, which no other "
	      "program reads:\n",
	      stdout);
	for (size_t i = 0; matrix_form_at(i) != NULL; i++) {
		const struct matrix_form *form = matrix_form_at(i);

		printf("%s%-7s %6.3f", i % FORMATS_A_LINE == 0 ? "  " : "   ",
		       form->name, measure_bits(form));
		if (i % FORMATS_A_LINE == FORMATS_A_LINE - 1 ||
		    matrix_form_at(i + 1) == NULL)
			putchar('\n');
	}
}

/* The tables that only the program knows. */
static void print_help(void)
{
	fputs(help, stdout);
	print_formats();
	fputs("\nShapes, their weights, and those that a token reads, in "
	      "millions:\n",
	      stdout);
	for (size_t i = 0; shape_at(i) != NULL; i++)
		print_shape(shape_at(i));
	fputs("\nExit codes: 0 good, 1 refused or failed, 2 usage.\n", stdout);
}

/* Capital or small letters alike. */
static const struct matrix_form *form_named(const char *name)
{
	const struct matrix_form *form = NULL;

	for (size_t i = 0; (form = matrix_form_at(i)) != NULL; i++)
		if (strcasecmp(form->name, name) == 0)
			break;
	return form;
}

static enum err take_number(const char *value, uint32_t *out)
{
	uint64_t number;

	TRY(decimal_parse(bytes_of_string(value), 1, UINT32_MAX, &number));
	*out = (uint32_t)number;
	return ERR_OK;
}

static enum err take_numerics(const char *value, struct options *options)
{
	if (strcmp(value, "integers") == 0)
		options->prompts = ACTIVATION_INTEGERS;
	else if (strcmp(value, "bf16_prompts") == 0)
		options->prompts = ACTIVATION_BF16;
	else
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

static enum err take(int name, const char *value, struct options *options)
{
	switch (name) {
	case OPTION_JSON:
		options->json = true;
		return ERR_OK;
	case OPTION_TENSORS:
		options->tensors = true;
		return ERR_OK;
	case OPTION_SHAPE:
		options->shape = shape_named(value);
		return options->shape == NULL ? ERR_UNSUPPORTED : ERR_OK;
	case OPTION_FORMAT:
		options->form = form_named(value);
		return options->form == NULL ? ERR_UNSUPPORTED : ERR_OK;
	case OPTION_EMBEDDING:
		options->embedding = form_named(value);
		return options->embedding == NULL ? ERR_UNSUPPORTED : ERR_OK;
	case OPTION_NUMERICS:
		return take_numerics(value, options);
	case OPTION_SEED:
		return decimal_parse(bytes_of_string(value), 0, UINT64_MAX,
				     &options->seed);
	case OPTION_CONTEXT:
		return take_number(value, &options->context);
	case OPTION_TEXTS:
		return take_number(value, &options->texts);
	case OPTION_IMPORTANCE:
		options->importance = value;
		return ERR_OK;
	case OPTION_OUTPUT:
		options->output = value;
		return ERR_OK;
	default:
		return ERR_MALFORMED;
	}
}

/* What a command needs, and what else it takes. */
static const struct grammar {
	const char *word;
	int files;
	const char *needs; /* letters of options */
	const char *takes;
} commands[] = {
	[OPTIONS_INSPECT] = { "inspect", 1, "", "jt" },
	[OPTIONS_CHECK] = { "check", 1, "", "" },
	[OPTIONS_MAKE_RANDOM] = { "make-random", 0, "sfo", "n" },
	[OPTIONS_QUANTIZE] = { "quantize", 2, "f", "ie" },
	[OPTIONS_PACK] = { "pack", 2, "", "" },
	[OPTIONS_CONVERT] = { "convert", 2, "", "f" },
	[OPTIONS_MEASURE] = { "measure", 2, "", "" },
	[OPTIONS_IMPORTANCE] = { "importance", 2, "o", "cx" },
	[OPTIONS_PERPLEXITY] = { "perplexity", 2, "", "cxu" },
	[OPTIONS_SQNR] = { "sqnr", 0, "", "n" },
};

__attribute__((format(printf, 1, 2))) static enum options_verdict
complain(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fputs("pcc-model: ", stderr);
	(void)vfprintf(stderr, format, values);
	fputs("; see --help\n", stderr);
	va_end(values);
	return OPTIONS_USAGE;
}

static enum options_verdict check(const struct grammar *grammar, unsigned given)
{
	for (size_t i = 0; letters[i] != '\0'; i++) {
		bool needed = strchr(grammar->needs, letters[i]) != NULL;
		bool known = strchr(grammar->takes, letters[i]) != NULL;
		bool is_given = (given >> i & 1) != 0;

		if (needed && !is_given)
			return complain("%s needs --%s", grammar->word,
					names[i].name);
		if (!needed && !known && is_given)
			return complain("--%s is not for %s", names[i].name,
					grammar->word);
	}
	return OPTIONS_RUN;
}

static const struct grammar *find_command(const char *word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(word, commands[i].word) == 0)
			return &commands[i];
	return NULL;
}

/* The command and its files, wherever the options stood. */
static enum options_verdict take_words(int count, char **words,
				       struct options *options)
{
	const struct grammar *grammar;

	if (count == 0)
		return complain("a command is needed");
	grammar = find_command(words[0]);
	if (grammar == NULL)
		return complain("%s is no command", words[0]);
	options->command = (enum options_command)(grammar - commands);
	if (count - 1 != grammar->files) {
		return complain("%s takes %d file%s, and was given %d",
				grammar->word, grammar->files,
				grammar->files == 1 ? "" : "s", count - 1);
	}
	for (int i = 0; i < grammar->files; i++)
		options->files[i] = words[1 + i];
	return OPTIONS_RUN;
}

enum options_verdict options_parse(int count, char **arguments,
				   struct options *out)
{
	struct options options = { 0 };
	enum options_verdict verdict;
	unsigned given = 0;
	int name;

	optind = 1;
	while ((name = getopt_long(count, arguments, "o:", names, NULL)) !=
	       -1) {
		if (name == OPTION_HELP) {
			print_help();
			return OPTIONS_HELP;
		}
		if (name == '?')
			return complain("unknown or incomplete option");
		if (name == 'o')
			name = OPTION_OUTPUT;
		given |= 1u << (name - OPTION_JSON);
		if (take(name, optarg, &options) != ERR_OK)
			return complain("%s is no value of --%s", optarg,
					names[name - OPTION_JSON].name);
	}
	verdict = take_words(count - optind, arguments + optind, &options);
	if (verdict == OPTIONS_RUN)
		verdict = check(&commands[options.command], given);
	if (verdict == OPTIONS_RUN)
		*out = options;
	return verdict;
}
