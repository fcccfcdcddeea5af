/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary models, from files as others write them, against two oracles: the
 * naive one of tests/reference, and llama.cpp.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/golden_file.h"
#include "tests/unit/model_files.h"
#include "tests/unit/opened_session.h"

/* --- Every intermediate --- */

#define COMPARED(name, count, sentence)                                        \
	Test(architectures, sentence)                                          \
	{                                                                      \
		cr_assert_eq(opened_session_compare("ordinary/" name), count); \
	}

COMPARED("llama", 18, a_llama_is_computed_as_by_the_reference)
COMPARED("llama_factors", 10,
	 a_factor_for_each_wavelength_divides_as_in_the_reference)
COMPARED("llama_linear", 10, linear_stretching_is_that_of_the_reference)
COMPARED("llama_yarn", 10, yarn_is_that_of_the_reference)
COMPARED("mixtral", 24, a_mixtral_is_computed_as_by_the_reference)
COMPARED("qwen2", 18, a_qwen2_is_computed_as_by_the_reference)
COMPARED("qwen2_yarn", 10, yarn_with_a_gain_is_that_of_the_reference)
COMPARED("qwen3", 18, a_qwen3_is_computed_as_by_the_reference)
COMPARED("qwen3moe", 24, a_qwen3moe_is_computed_as_by_the_reference)
COMPARED("olmoe", 24, an_olmoe_is_computed_as_by_the_reference)

/* --- llama.cpp --- */

static const char *const names[] = {
	"llama", "llama_factors", "llama_linear", "llama_yarn", "mixtral",
	"qwen2", "qwen2_yarn",	  "qwen3",	  "qwen3moe",	"olmoe",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static void open_named(struct opened_session *opened, const char *name,
		       const struct kernel *kernel)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "tests/reference/ordinary/%s.gguf",
		       name);
	opened_session_open(opened, model_files_own(path), kernel);
}

static uint32_t largest_of(const float *logits, uint32_t vocabulary)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < vocabulary; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/* What llama.cpp made of a file: a prompt, what it went on with, and its
 * logits from the end of the prompt on. */
struct peer {
	uint32_t tokens[OPENED_SESSION_CONTEXT];
	size_t count;
	size_t prompt;
	float logits[OPENED_SESSION_FLOATS];
};

static void read_peer(struct bytes file, const char *name, struct peer *out)
{
	char record[64];
	uint32_t prompt;

	(void)snprintf(record, sizeof(record), "%s.tokens", name);
	out->count = golden_file_integers(file, record, out->tokens,
					  OPENED_SESSION_CONTEXT);
	(void)snprintf(record, sizeof(record), "%s.prompt", name);
	cr_assert_eq(golden_file_integers(file, record, &prompt, 1), 1);
	out->prompt = prompt;
	(void)snprintf(record, sizeof(record), "%s.logits", name);
	(void)golden_file_read(file, record, out->logits,
			       OPENED_SESSION_FLOATS);
}

/* By how much the best of the logits beats the next. */
static float margin_of(const float *logits, uint32_t vocabulary)
{
	uint32_t best = largest_of(logits, vocabulary);
	float margin = INFINITY;

	for (uint32_t i = 0; i < vocabulary; i++)
		if (i != best)
			margin = fminf(margin, logits[best] - logits[i]);
	return margin;
}

Test(architectures, logits_are_those_of_llama_cpp)
{
	struct bytes file = model_files_own("tests/reference/ordinary/"
					    "peer.golden");
	static float logits[OPENED_SESSION_FLOATS];
	static struct peer peer;

	for (size_t n = 0; n < NAMES; n++) {
		struct opened_session opened;
		const float *ours;
		size_t first, vocabulary;

		read_peer(file, names[n], &peer);
		open_named(&opened, names[n], kernel_best());
		opened_session_run(&opened, peer.tokens, peer.count, 7, logits);
		vocabulary = opened.config.vocabulary;
		first = peer.prompt - 1;
		ours = logits + first * vocabulary;
		for (size_t i = 0; i < (peer.count - first) * vocabulary; i++)
			cr_assert_float_eq((double)ours[i],
					   (double)peer.logits[i], 1e-4,
					   "%s, logit %zu", names[n], i);
		opened_session_close(&opened);
	}
	model_files_free(file);
}

Test(architectures, greedy_tokens_are_those_of_llama_cpp)
{
	struct bytes file = model_files_own("tests/reference/ordinary/"
					    "peer.golden");
	static struct peer peer;
	size_t clear = 0;

	for (size_t n = 0; n < NAMES; n++) {
		struct opened_session opened;
		const float *logits, *theirs = peer.logits;

		read_peer(file, names[n], &peer);
		open_named(&opened, names[n], kernel_best());
		cr_assert_eq(opened_session_advance(&opened, peer.tokens,
						    peer.prompt),
			     ERR_OK);
		for (size_t i = peer.prompt; i < peer.count; i++) {
			uint32_t vocabulary = opened.config.vocabulary;
			size_t row = opened.engine.batch.count - 1;

			cr_assert_eq(
				opened_session_logits(&opened, row, &logits),
				ERR_OK);
			if (margin_of(theirs, vocabulary) > 1e-3f) {
				cr_assert_eq(largest_of(logits, vocabulary),
					     peer.tokens[i], "%s, token %zu",
					     names[n], i);
				clear++;
			}
			cr_assert_eq(opened_session_advance(&opened,
							    &peer.tokens[i], 1),
				     ERR_OK);
			theirs += vocabulary;
		}
		opened_session_close(&opened);
	}
	cr_assert_geq(clear, 195u, "of 200 tokens");
	model_files_free(file);
}

/* --- Equivalences --- */

Test(architectures, a_prompt_in_chunks_is_a_prompt_at_once)
{
	static float whole[OPENED_SESSION_FLOATS];
	static float parts[OPENED_SESSION_FLOATS];
	static const size_t chunks[] = { 1, 3, 31 };
	uint32_t tokens[40];
	struct opened_session opened;

	for (size_t n = 0; n < NAMES; n++) {
		open_named(&opened, names[n], kernel_best());
		opened_session_tokens(tokens, 40, opened.config.vocabulary);
		opened_session_run(&opened, tokens, 40, OPENED_SESSION_CHUNK,
				   whole);
		opened_session_close(&opened);
		for (size_t c = 0; c < 3; c++) {
			open_named(&opened, names[n], kernel_best());
			opened_session_run(&opened, tokens, 40, chunks[c],
					   parts);
			cr_assert_arr_eq(
				whole, parts,
				40 * opened.config.vocabulary * sizeof(float),
				"%s, chunks of %zu", names[n], chunks[c]);
			opened_session_close(&opened);
		}
	}
}

Test(architectures, every_kernel_gives_the_same_bits)
{
	static float plain[OPENED_SESSION_FLOATS];
	static float fast[OPENED_SESSION_FLOATS];
	uint32_t tokens[40];
	struct opened_session opened;

	for (size_t n = 0; n < NAMES; n++) {
		open_named(&opened, names[n], kernel_at(0));
		opened_session_tokens(tokens, 40, opened.config.vocabulary);
		opened_session_run(&opened, tokens, 40, 9, plain);
		opened_session_close(&opened);
		for (size_t k = 1; kernel_at(k) != NULL; k++) {
			open_named(&opened, names[n], kernel_at(k));
			opened_session_run(&opened, tokens, 40, 9, fast);
			cr_assert_arr_eq(plain, fast,
					 40 * opened.config.vocabulary *
						 sizeof(float),
					 "%s", names[n]);
			opened_session_close(&opened);
		}
	}
}
