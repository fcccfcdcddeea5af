/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/generate.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inference/encode.h"
#include "inference/model.h"
#include "inference/unicode.h"
#include "tests/unit/golden_file.h"
#include "tests/unit/model_files.h"
#include "tests/unit/tiny_model.h"

static const struct model_limits limits = { .layers = 1024,
					    .width = 1u << 16,
					    .vocabulary = 1u << 18,
					    .context = 4096 };

#define CONTEXT 128
#define TEXT_MAX 8192

/* A model, and an arena of exactly the size that it asked for. */
struct fixture {
	struct bytes file;
	struct model *model;
	struct arena arena;
	struct generation *generation;
};

static void open_model_for(struct fixture *fixture, struct bytes file,
			   const struct generate_room *room)
{
	size_t bytes;

	*fixture = (struct fixture){ .file = file };
	cr_assert_eq(model_open(file, &limits, NULL, &fixture->model), ERR_OK);
	bytes = generate_memory(fixture->model, room);
	fixture->arena =
		(struct arena){ aligned_alloc(64, bytes / 64 * 64 + 64), bytes,
				0 };
	cr_assert_not_null(fixture->arena.base);
	memset(fixture->arena.base, 0, bytes);
}

static void open_model(struct fixture *fixture, struct bytes file,
		       uint32_t context)
{
	const struct generate_room room = { .context_max = context,
					    .threads = 1 };

	open_model_for(fixture, file, &room);
}

static void open_tiny(struct fixture *fixture)
{
	struct tiny_model_shape shape = tiny_model_shape();

	shape.chat_template = TINY_MODEL_HOME_TEMPLATE;
	open_model(fixture, tiny_model_build(&shape), CONTEXT);
}

static void close_model(struct fixture *fixture)
{
	model_close(fixture->model);
	model_files_free(fixture->file);
	free(fixture->arena.base);
}

static struct generate_options greedy(uint32_t tokens_max)
{
	return (struct generate_options){ .top_p = 1,
					  .tokens_max = tokens_max,
					  .context_max = CONTEXT };
}

static enum err start_text(struct fixture *fixture, const char *text,
			   const struct generate_options *options)
{
	arena_wipe(&fixture->arena);
	return generate_start_text(fixture->model, &fixture->arena,
				   bytes_of_string(text), options,
				   &fixture->generation);
}

static enum err start_chat(struct fixture *fixture, const char *text,
			   const struct generate_options *options)
{
	const struct generate_message message = { GENERATE_USER,
						  bytes_of_string(text) };
	const struct generate_chat chat = { &message, 1 };

	arena_wipe(&fixture->arena);
	return generate_start_chat(fixture->model, &fixture->arena, &chat,
				   options, &fixture->generation);
}

static bool is_utf8(struct bytes text)
{
	uint32_t code;

	while (text.len > 0)
		if (unicode_take(&text, &code) != ERR_OK)
			return false;
	return true;
}

struct answer {
	char text[TEXT_MAX];
	size_t len;
	enum generate_state state;
	struct generate_usage usage;
	size_t steps;
};

static void run(struct fixture *fixture, struct answer *answer)
{
	struct bytes text;

	memset(answer, 0, sizeof(*answer));
	while (answer->state == GENERATE_RUNNING) {
		cr_assert_eq(generate_step(fixture->generation, &text,
					   &answer->state),
			     ERR_OK);
		cr_assert(is_utf8(text));
		cr_assert_lt(answer->len + text.len, TEXT_MAX);
		for (size_t i = 0; i < text.len; i++)
			answer->text[answer->len++] = (char)text.data[i];
		answer->steps++;
		cr_assert_lt(answer->steps, 10000);
	}
	answer->usage = generate_usage(fixture->generation);
}

static void answer_text(struct fixture *fixture, const char *text,
			const struct generate_options *options,
			struct answer *answer)
{
	cr_assert_eq(start_text(fixture, text, options), ERR_OK);
	run(fixture, answer);
}

static struct answer first, second;

Test(generate, a_prompt_goes_in_by_chunks_and_then_a_token_a_step)
{
	static char text[2 * GENERATE_CHUNK * 4 + 1];
	struct tiny_model_shape shape = tiny_model_shape();
	struct generate_options options = greedy(5);
	struct fixture fixture;
	size_t chunks;

	shape.context = 4096;
	options.context_max = shape.context;
	memset(text, 'b', sizeof(text) - 1);
	open_model(&fixture, tiny_model_build(&shape), shape.context);
	answer_text(&fixture, text, &options, &first);
	chunks = (first.usage.prompt_tokens + GENERATE_CHUNK - 1) /
		 GENERATE_CHUNK;
	cr_assert_gt(chunks, 1);
	cr_assert_eq(first.steps, chunks + first.usage.answer_tokens);
	close_model(&fixture);
}

/* Text and chat, before and after all that is not needed was spoilt. */
static void answer_from_what_is_needed(enum matrix_format format, size_t *kept,
				       size_t *of)
{
	struct tiny_model_shape shape = tiny_model_shape();
	const struct generate_options options = greedy(17);
	struct fixture fixture;
	size_t needed;

	shape.chat_template = TINY_MODEL_HOME_TEMPLATE;
	shape.format = format;
	open_model(&fixture, tiny_model_build(&shape), CONTEXT);
	cr_assert_eq(start_chat(&fixture, "hello", &options), ERR_OK);
	run(&fixture, &first);
	needed = model_file_needed(fixture.model);
	cr_assert_leq(needed, fixture.file.len);
	memset((uint8_t *)(uintptr_t)fixture.file.data + needed, 0xa5,
	       fixture.file.len - needed);
	cr_assert_eq(start_chat(&fixture, "hello", &options), ERR_OK);
	run(&fixture, &second);
	cr_assert_eq(first.len, second.len);
	cr_assert_arr_eq(first.text, second.text, first.len);
	*kept = needed;
	*of = fixture.file.len;
	close_model(&fixture);
}

Test(generate, weights_laid_out_anew_are_not_needed_in_the_file_too)
{
	size_t kept, of;

	answer_from_what_is_needed(MATRIX_Q8_0, &kept, &of);
	cr_expect_lt(kept, of / 2, "%zu of %zu", kept, of);
	cr_expect_gt(kept, 0);
}

Test(generate, weights_that_are_used_as_they_lie_need_all_of_the_file)
{
	static const enum matrix_format ready[] = { MATRIX_F32, MATRIX_F16 };
	size_t kept, of;

	for (size_t i = 0; i < 2; i++) {
		answer_from_what_is_needed(ready[i], &kept, &of);
		cr_expect_eq(kept, of);
	}
}

Test(generate, an_answer_is_as_long_as_was_asked)
{
	const struct generate_options options = greedy(17);
	struct fixture fixture;
	enum generate_state state;
	struct bytes text;

	open_tiny(&fixture);
	answer_text(&fixture, "hello hello", &options, &first);
	cr_assert_eq(first.state, GENERATE_LENGTH);
	cr_assert_eq(first.usage.prompt_tokens, 3);
	cr_assert_eq(first.usage.answer_tokens, 17);
	cr_assert_eq(first.steps, 1 + 17, "a chunk, then a token a step");
	cr_assert_eq(generate_step(fixture.generation, &text, &state), ERR_OK);
	cr_assert_eq(text.len, 0, "nothing follows the end");
	cr_assert_eq(state, GENERATE_LENGTH);
	close_model(&fixture);
}

Test(generate, the_context_ends_an_answer)
{
	const struct generate_options options = greedy(0);
	struct fixture fixture;

	open_tiny(&fixture);
	answer_text(&fixture, "hello", &options, &first);
	cr_assert_eq(first.state, GENERATE_LENGTH);
	cr_assert_eq(first.usage.prompt_tokens + first.usage.answer_tokens,
		     CONTEXT);
	close_model(&fixture);
}

Test(generate, equal_seeds_answer_equally_and_others_do_not)
{
	struct generate_options options = greedy(40);
	struct fixture fixture;

	options.temperature = 1;
	options.seed[0] = 1;
	open_tiny(&fixture);
	answer_text(&fixture, "hello", &options, &first);
	answer_text(&fixture, "hello", &options, &second);
	cr_assert_eq(first.len, second.len);
	cr_assert_arr_eq(first.text, second.text, first.len);
	options.seed[0] = 2;
	answer_text(&fixture, "hello", &options, &second);
	cr_assert_neq(strcmp(first.text, second.text), 0);
	close_model(&fixture);
}

/* How many of the answers that some seeds draw are others in other numbers. */
static size_t count_apart(struct fixture *fixture, enum generate_numerics one,
			  enum generate_numerics other)
{
	struct generate_options options = greedy(0);
	size_t apart = 0;

	options.temperature = 1;
	for (uint8_t seed = 0; seed < 40; seed++) {
		options.seed[0] = seed;
		options.numerics = one;
		answer_text(fixture, "hello hello hello", &options, &first);
		options.numerics = other;
		answer_text(fixture, "hello hello hello", &options, &second);
		apart += first.len != second.len ||
			 memcmp(first.text, second.text, first.len) != 0;
	}
	return apart;
}

static size_t count_apart_in(enum matrix_format format,
			     enum generate_numerics one,
			     enum generate_numerics other)
{
	const struct generate_room room = { .context_max = CONTEXT,
					    .threads = 1,
					    .numerics = GENERATE_BF16_PROMPTS };
	struct tiny_model_shape shape = tiny_model_shape();
	struct fixture fixture;
	size_t apart;

	shape.format = format;
	shape.experts = 0;
	open_model_for(&fixture, tiny_model_build(&shape), &room);
	apart = count_apart(&fixture, one, other);
	close_model(&fixture);
	return apart;
}

/* Numbers that are nearly the same lead apart sooner or later; never, if nobody
 * looked at the option. */
Test(generate, numerics_of_prompts_change_some_answers_and_are_the_same_again)
{
	static const enum matrix_format formats[] = { MATRIX_Q8_0, MATRIX_F16 };

	for (size_t i = 0; i < 2; i++) {
		enum matrix_format format = formats[i];
		size_t apart = count_apart_in(format, GENERATE_INTEGERS,
					      GENERATE_BF16_PROMPTS);

		cr_log_info("%d: %zu of 40", (int)format, apart);
		cr_expect_gt(apart, 0);
		cr_expect_eq(count_apart_in(format, GENERATE_BF16_PROMPTS,
					    GENERATE_BF16_PROMPTS),
			     0);
	}
}

Test(generate, text_is_utf8_whatever_the_model_says)
{
	struct generate_options options = greedy(0);
	struct fixture fixture;

	options.temperature = 3; /* mostly bytes that fit nowhere */
	open_tiny(&fixture);
	for (uint8_t seed = 0; seed < 20; seed++) {
		options.seed[0] = seed;
		answer_text(&fixture, "", &options, &first);
	}
	close_model(&fixture);
}

/* An answer of letters, for stop strings to be found in. */
static void find_lively_seed(struct fixture *fixture,
			     struct generate_options *options)
{
	options->temperature = 1.5f;
	for (uint8_t seed = 0; seed < 255; seed++) {
		options->seed[0] = seed;
		answer_text(fixture, "hello", options, &first);
		if (first.len > 20)
			return;
	}
	cr_assert(false, "no seed gives a text");
}

Test(generate, a_stop_string_is_never_given_nor_what_follows)
{
	struct generate_options options = greedy(60);
	struct fixture fixture;

	open_tiny(&fixture);
	find_lively_seed(&fixture, &options);
	for (size_t at = 0; at + 5 <= first.len; at++) {
		const struct bytes stops[] = {
			BYTES_LITERAL("not in the answer"),
			{ (const uint8_t *)first.text + at, 5 },
		};
		const char *found =
			memmem(first.text, first.len, first.text + at, 5);
		struct generate_options stopping = options;

		if (!is_utf8(stops[1]))
			continue;
		stopping.stops = stops;
		stopping.stop_count = 2;
		answer_text(&fixture, "hello", &stopping, &second);
		cr_assert_eq(second.state, GENERATE_STOP);
		cr_assert_eq(second.len, (size_t)(found - first.text));
		cr_assert_arr_eq(second.text, first.text, second.len);
		cr_assert_leq(second.usage.answer_tokens,
			      first.usage.answer_tokens);
	}
	close_model(&fixture);
}

Test(generate, the_end_token_ends_an_answer_without_text)
{
	struct generate_options options = greedy(0);
	struct fixture fixture;
	size_t stopped = 0;

	options.temperature = 1.5f;
	open_tiny(&fixture);
	for (uint8_t seed = 0; seed < 60; seed++) {
		options.seed[0] = seed;
		answer_text(&fixture, "hello", &options, &first);
		cr_assert_null(memmem(first.text, first.len, "</s>", 4));
		stopped += first.state == GENERATE_STOP;
	}
	cr_assert_gt(stopped, 0);
	close_model(&fixture);
}

Test(generate, a_chat_is_told_by_the_model_s_template)
{
	const struct generate_options options = greedy(4);
	struct fixture fixture;

	open_tiny(&fixture);
	cr_assert_eq(start_chat(&fixture, "  HELLO <call> ", &options), ERR_OK);
	run(&fixture, &first);
	/* <s>, " hello", " ", "<", c, a, "ll", ">", <call> */
	cr_assert_eq(first.usage.prompt_tokens, 9);
	close_model(&fixture);
}

Test(generate, a_model_without_a_known_template_does_not_chat)
{
	const struct generate_options options = greedy(4);
	struct tiny_model_shape shape = tiny_model_shape();
	struct fixture fixture;

	shape.chat_template = "{{ something else }}";
	open_model(&fixture, tiny_model_build(&shape), CONTEXT);
	cr_assert_eq(start_chat(&fixture, "hello", &options), ERR_UNSUPPORTED);
	cr_assert_eq(start_text(&fixture, "hello", &options), ERR_OK);
	close_model(&fixture);
}

Test(generate, a_prompt_that_leaves_no_room_is_too_large)
{
	const struct generate_options options = greedy(4);
	struct fixture fixture;
	char text[4 * CONTEXT] = { 0 };

	open_tiny(&fixture);
	/* <s>, a space, and a token for each q. */
	memset(text, 'q', CONTEXT - 3);
	answer_text(&fixture, text, &options, &first);
	cr_assert_eq(first.usage.prompt_tokens, CONTEXT - 1);
	cr_assert_eq(first.usage.answer_tokens, 1);
	for (size_t len = CONTEXT - 2; len < sizeof(text) - 1; len++) {
		memset(text, 'q', len);
		cr_assert_eq(start_text(&fixture, text, &options),
			     ERR_TOO_LARGE);
		cr_assert_eq(start_chat(&fixture, text, &options),
			     ERR_TOO_LARGE);
	}
	close_model(&fixture);
}

Test(generate, a_text_of_many_bytes_is_too_large_whatever_its_tokens)
{
	const struct generate_options options = greedy(4);
	struct fixture fixture;
	size_t len = 100 * CONTEXT;
	char *text = calloc(1, len + 1);

	cr_assert_not_null(text);
	memset(text, ' ', len);
	open_tiny(&fixture);
	cr_assert_eq(start_text(&fixture, text, &options), ERR_TOO_LARGE);
	cr_assert_eq(start_chat(&fixture, text, &options), ERR_OK,
		     "trimmed, it is an empty one");
	text[len - 1] = '.';
	text[0] = '.';
	cr_assert_eq(start_chat(&fixture, text, &options), ERR_TOO_LARGE);
	close_model(&fixture);
	free(text);
}

Test(generate, options_out_of_range_are_refused)
{
	static const uint8_t long_stop[GENERATE_STOP_BYTES_MAX + 1] = { 'x' };
	const struct bytes stop = BYTES_ARRAY(long_stop);
	const struct bytes empty = { 0 };
	const struct bytes broken = BYTES_LITERAL("a\xe2");
	struct generate_options options = greedy(4);
	struct fixture fixture;

	open_tiny(&fixture);
	options.temperature = -1;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_MALFORMED);
	options = greedy(4);
	options.top_p = 0;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_MALFORMED);
	options = greedy(4);
	options.context_max = 0;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_TOO_LARGE);
	options.context_max = CONTEXT + 1;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_TOO_LARGE);
	options = greedy(4);
	options.stops = &stop;
	options.stop_count = 1;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_TOO_LARGE);
	options.stops = &broken;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_MALFORMED);
	options.stops = &empty;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_MALFORMED);
	options.stop_count = GENERATE_STOPS_MAX + 1;
	cr_expect_eq(start_text(&fixture, "a", &options), ERR_TOO_LARGE);
	close_model(&fixture);
}

Test(generate, an_arena_that_is_too_small_is_told)
{
	const struct generate_options options = greedy(4);
	struct fixture fixture;
	size_t whole, refused = 0;

	open_tiny(&fixture);
	whole = fixture.arena.size;
	for (size_t size = 0; size <= whole; size += whole / 200) {
		enum err err;

		fixture.arena.size = size;
		err = start_text(&fixture, "hello", &options);
		if (err == ERR_OK)
			run(&fixture, &first);
		else
			refused++;
		cr_assert(err == ERR_OK || err == ERR_TOO_LARGE);
	}
	cr_assert_gt(refused, 20);
	fixture.arena.size = whole;
	close_model(&fixture);
}

Test(generate, a_wiped_arena_holds_nothing_of_a_prompt)
{
	const struct generate_options options = greedy(9);
	struct fixture fixture;

	open_tiny(&fixture);
	cr_assert_eq(start_chat(&fixture, "hello", &options), ERR_OK);
	cr_assert_null(
		memmem(fixture.arena.base, fixture.arena.size, "hello", 5),
		"the text is gone once it is tokens");
	run(&fixture, &first);
	cr_assert_not(arena_is_zero(&fixture.arena));
	arena_wipe(&fixture.arena);
	cr_assert(arena_is_zero(&fixture.arena));
	close_model(&fixture);
}

/* In strict seccomp anything but read, write and exit is fatal. */
static _Noreturn void answer_confined(struct fixture *fixture,
				      const struct generate_options *options)
{
	const struct generate_message message = { GENERATE_USER,
						  BYTES_LITERAL("hello") };
	const struct generate_chat chat = { &message, 1 };
	enum generate_state state = GENERATE_RUNNING;
	struct bytes text;
	long status = 1;

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0 &&
	    generate_start_chat(fixture->model, &fixture->arena, &chat, options,
				&fixture->generation) == ERR_OK) {
		status = 0;
		while (state == GENERATE_RUNNING && status == 0)
			status = generate_step(fixture->generation, &text,
					       &state);
	}
	syscall(SYS_exit, status);
	__builtin_unreachable();
}

Test(generate, a_whole_answer_calls_the_system_not_once)
{
	struct generate_options options = greedy(0);
	struct fixture fixture;
	pid_t child;
	int status;

	options.temperature = 1;
	options.top_p = 0.9f;
	open_tiny(&fixture);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		answer_confined(&fixture, &options);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  status);
	close_model(&fixture);
}

/* --- Somebody else's weights --- */

#define STORIES "stories260K/stories260K.gguf"

Test(stories, greedy_text_is_that_of_other_engines)
{
	const struct generate_options options = greedy(60);
	struct fixture fixture;

	open_model(&fixture, model_files_load(STORIES), CONTEXT);
	answer_text(&fixture, "Once upon a time", &options, &first);
	cr_assert_eq(strncmp(first.text,
			     ", there was a little girl named Lily. She loved "
			     "to play outside in the park. One day, she saw a "
			     "big, red ball",
			     107),
		     0, "%s", first.text);
	close_model(&fixture);
}

struct surprise {
	double total; /* -ln p of each token that came */
	size_t tokens;
};

/* -ln p of one token, from the logits before it. */
static double surprise_of(const float *logits, size_t count, uint32_t token)
{
	double sum = 0, most = (double)logits[0];

	for (size_t i = 1; i < count; i++)
		most = fmax(most, (double)logits[i]);
	for (size_t i = 0; i < count; i++)
		sum += exp((double)logits[i] - most);
	return log(sum) + most - (double)logits[token];
}

#define CHUNK 32

static void add_surprise(struct fixture *fixture, const uint32_t *tokens,
			 size_t count, struct surprise *out)
{
	const struct work_model model = model_for_engine(fixture->model);
	const struct session_shape shape = { 512, CHUNK, KERNEL_F16 };
	const struct engine_shape room = { .rows = CHUNK,
					   .logits = 1,
					   .context = 512 };
	struct session session;
	struct engine engine;
	const float *logits;

	arena_wipe(&fixture->arena);
	cr_assert_eq(
		session_open(&session, model.config, &shape, &fixture->arena),
		ERR_OK);
	cr_assert_eq(engine_open(&engine, &model, &room, NULL, &fixture->arena),
		     ERR_OK);
	for (size_t at = 0; at + 1 < count; at += CHUNK) {
		size_t left = count - 1 - at;
		size_t rows = left < CHUNK ? left : CHUNK;
		const struct engine_input input = { &session, tokens + at,
						    rows };

		cr_assert_eq(engine_advance(&engine, ENGINE_PROMPT, &input, 1),
			     ERR_OK);
		for (size_t r = 0; r < rows; r++) {
			cr_assert_eq(engine_logits(&engine, &r, 1, &logits),
				     ERR_OK);
			out->total +=
				surprise_of(logits, 512, tokens[at + r + 1]);
			out->tokens++;
		}
	}
}

/* <s> and a text, cut to the context. */
static size_t tokens_of(struct fixture *fixture, const char *text,
			uint32_t tokens[4096])
{
	struct encode_list list = { tokens, 1, 4096 };

	tokens[0] = fixture->model->tokenizer.bos;
	arena_wipe(&fixture->arena);
	cr_assert_eq(encode_text(&fixture->model->tokenizer,
				 bytes_of_string(text), &fixture->arena, &list),
		     ERR_OK);
	return list.count > 512 ? 512 : list.count;
}

Test(stories, perplexity_is_that_of_other_engines, .timeout = 300)
{
	static uint32_t tokens[4096];
	struct bytes corpus;
	struct surprise surprise = { 0 };
	struct fixture fixture;
	json_t *stories;

	open_model(&fixture, model_files_load(STORIES), 512);
	corpus = model_files_load("corpora/tinystories_1000.json");
	stories = json_loadb((const char *)corpus.data, corpus.len, 0, NULL);
	cr_assert_not_null(stories);
	for (size_t i = 0; i < 100; i++) {
		const char *text =
			json_string_value(json_array_get(stories, i));
		size_t count = tokens_of(&fixture, text, tokens);

		add_surprise(&fixture, tokens, count, &surprise);
	}
	cr_assert_eq(surprise.tokens, 38168);
	cr_assert_float_eq(exp(surprise.total / (double)surprise.tokens), 5.280,
			   0.0005);
	json_decref(stories);
	model_files_free(corpus);
	close_model(&fixture);
}

/* --- The model of this project --- */

#define HOME "models/home.gguf"
#define HOME_GOLDEN "tests/reference/home.golden"

static struct bytes load_home(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		cr_skip_test("%s is not present", path);
	(void)fclose(file);
	return model_files_own(path);
}

/* A record that is text, one float a byte. */
static void read_text(struct bytes golden, const char *name, char *out)
{
	static uint32_t codes[TEXT_MAX / 2];
	size_t count =
		golden_file_integers(golden, name, codes, TEXT_MAX / 2 - 1);

	for (size_t i = 0; i < count; i++)
		out[i] = (char)codes[i];
	out[count] = '\0';
}

static void compare_prompt(struct fixture *fixture, struct bytes golden,
			   const char *language)
{
	static uint32_t tokens[CONTEXT];
	char name[32];
	size_t count;

	(void)snprintf(name, sizeof(name), "%s.prompt", language);
	count = golden_file_integers(golden, name, tokens, CONTEXT);
	cr_assert_eq(generate_usage(fixture->generation).prompt_tokens, count);
	(void)snprintf(name, sizeof(name), "%s.output", language);
	count = golden_file_integers(golden, name, tokens, CONTEXT);
	cr_assert_eq(first.usage.answer_tokens, count + 1, "with </s>");
}

Test(home, answers_are_those_of_the_reference)
{
	static const char *const languages[] = { "de", "en", "es", "fr",
						 "it", "nl", "pl", "pt" };
	static char request[TEXT_MAX], expected[TEXT_MAX];
	const struct generate_options options = greedy(0);
	struct bytes golden = load_home(HOME_GOLDEN);
	struct fixture fixture;
	char name[32];

	open_model(&fixture, load_home(HOME), CONTEXT);
	for (size_t i = 0; i < sizeof(languages) / sizeof(*languages); i++) {
		(void)snprintf(name, sizeof(name), "%s.request", languages[i]);
		read_text(golden, name, request);
		(void)snprintf(name, sizeof(name), "%s.answer", languages[i]);
		read_text(golden, name, expected);
		cr_assert_eq(start_chat(&fixture, request, &options), ERR_OK);
		run(&fixture, &first);
		cr_expect_eq(first.state, GENERATE_STOP);
		cr_expect_str_eq(first.text, expected, "%s", languages[i]);
		compare_prompt(&fixture, golden, languages[i]);
	}
	model_files_free(golden);
	close_model(&fixture);
}

Test(home, a_request_becomes_a_call)
{
	const struct generate_options options = greedy(0);
	struct fixture fixture;
	json_t *call;

	open_model(&fixture, load_home(HOME), CONTEXT);
	cr_assert_str_eq(model_describe(fixture.model).chat, "jinja");
	cr_assert_eq(start_chat(&fixture, "Turn on the lights in the kitchen",
				&options),
		     ERR_OK);
	run(&fixture, &first);
	cr_assert_eq(first.state, GENERATE_STOP);
	call = json_loads(first.text, 0, NULL);
	cr_assert_not_null(call, "%s", first.text);
	cr_assert_str_eq(json_string_value(json_object_get(call, "name")),
			 "HassTurnOn");
	json_decref(call);
	close_model(&fixture);
}
