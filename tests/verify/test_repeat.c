/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer is drawn by the code of a node, and repeated: the same on every
 * path, and not the same where anything that decides it is another thing.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/conversation.h"
#include "crypto/merkle.h"
#include "policy/limits.h"
#include "tests/system.h"
#include "verify/repeat.h"
#include "wire/bhttp_write.h"
#include "wire/completion.h"
#include "wire/json.h"
#include "wire/sse.h"

#define CONTEXT 256
#define TOKENS 24
#define JSON_BYTES (1u << 20)

static const char question[] =
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
	"\"tell me of vexing quartz\"}],\"temperature\":2,"
	"\"max_tokens\":24}";

static struct bytes model_file;
static uint8_t root[MERKLE_HASH_BYTES];
static struct receipt_answer answer;
static uint8_t request_memory[2048], response_memory[16384];
static struct writer request, response;

static void map_model(void)
{
	const char *path = system_model();
	struct stat status;
	struct merkle tree;
	void *memory;
	int file;

	if (path == NULL)
		cr_skip_test("there is no model to run");
	file = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(fstat(file, &status), 0);
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	cr_assert_neq(memory, MAP_FAILED);
	close(file);
	model_file = (struct bytes){ memory, (size_t)status.st_size };
	merkle_init(&tree);
	for (size_t at = 0; at < model_file.len; at += LIMIT_MODEL_PIECE) {
		size_t left = model_file.len - at;

		merkle_add_leaf(&tree,
				(struct bytes){ model_file.data + at,
						left < LIMIT_MODEL_PIECE
							? left
							: LIMIT_MODEL_PIECE });
	}
	merkle_root(&tree, root);
}

static void write_request(void)
{
	struct bhttp_control control = {
		.method = BYTES_LITERAL("POST"),
		.scheme = BYTES_LITERAL("https"),
		.path = BYTES_LITERAL("/v1/chat/completions"),
	};
	struct bhttp_write_fields none = { NULL, 0 };

	request = (struct writer)WRITER_OVER(request_memory);
	cr_assert_eq(bhttp_write_request(&request, &control, none,
					 bytes_of_string(question)),
		     ERR_OK);
}

/* Each token's text as an event of its own, as a slow model's are. */
static void write_response(struct generation *generation)
{
	struct completion completion = { .kind = COMPLETION_KIND_CHAT,
					 .model = BYTES_LITERAL("m") };
	enum generate_state state = GENERATE_RUNNING;

	response = (struct writer)WRITER_OVER(response_memory);
	while (state == GENERATE_RUNNING) {
		struct bytes text;

		cr_assert_eq(generate_step(generation, &text, &state), ERR_OK);
		if (text.len == 0)
			continue;
		cr_assert_eq(sse_put_data_begin(&response), ERR_OK);
		cr_assert_eq(completion_put_text(&response, &completion, text),
			     ERR_OK);
		cr_assert_eq(sse_put_data_end(&response), ERR_OK);
	}
	answer.finish = state == GENERATE_STOP ? RECEIPT_FINISH_STOP
					       : RECEIPT_FINISH_LENGTH;
	cr_assert_eq(sse_put_data_begin(&response), ERR_OK);
	cr_assert_eq(completion_put_finish(&response, &completion,
					   state == GENERATE_STOP
						   ? COMPLETION_FINISH_STOP
						   : COMPLETION_FINISH_LENGTH),
		     ERR_OK);
	cr_assert_eq(sse_put_data_end(&response), ERR_OK);
	cr_assert_eq(sse_put_done(&response), ERR_OK);
}

static void draw(struct model *model, enum generate_numerics numerics)
{
	const struct generate_room room = { .context_max = CONTEXT,
					    .threads = 1,
					    .numerics = numerics };
	size_t size = generate_memory(model, &room) + (1u << 20);
	struct arena arena = { .base = aligned_alloc(64, (size + 63) / 64 * 64),
			       .size = size };
	const struct conversation_setup setup = { .model = model,
						  .arena = &arena,
						  .context_max = CONTEXT,
						  .tokens_max = TOKENS,
						  .numerics = numerics,
						  .seed = answer.seed };
	struct conversation talk;
	struct chat_refusal refusal;
	struct request parsed;
	struct generate_usage usage;

	memset(arena.base, 0, size);
	cr_assert_eq(request_parse(bytes_written(&request), &arena, &parsed),
		     ERR_OK);
	cr_assert_eq(conversation_read(&parsed, &talk, &refusal), ERR_OK);
	cr_assert_eq(conversation_start(&talk, &setup), ERR_OK);
	write_response(talk.generation);
	usage = generate_usage(talk.generation);
	answer.prompt_tokens = usage.prompt_tokens;
	answer.answer_tokens = usage.answer_tokens;
	answer.sampling = (struct receipt_sampling){
		.temperature = talk.options.temperature,
		.top_p = talk.options.top_p,
		.top_k = talk.options.top_k,
		.tokens_max = talk.options.tokens_max,
		.context_max = CONTEXT,
		.numerics = (enum receipt_numerics)numerics,
	};
	json_wipe();
	free(arena.base);
}

/* What a node would have answered, and said of it. */
static void answer_once(enum generate_numerics numerics)
{
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;
	static uint8_t json[JSON_BYTES] __attribute__((aligned(16)));
	struct model *model;

	map_model();
	json_warm(json, sizeof(json), 1);
	memset(answer.seed, 0x5e, sizeof(answer.seed));
	write_request();
	cr_assert_eq(model_open(model_file, &limits, NULL, &model), ERR_OK);
	draw(model, numerics);
	model_close(model);
}

static struct repeat repeat_with(const char *kernel, size_t threads)
{
	const struct repeat_setup setup = {
		.file = model_file,
		.threads = threads,
		.kernel = kernel,
		.answer = &answer,
		.model_root = root,
		.request = bytes_written(&request),
		.response = bytes_written(&response),
	};
	struct repeat repeat;

	cr_assert_eq(repeat_run(&setup, &repeat), ERR_OK);
	return repeat;
}

/* This question fails; those behind it may not be reached. */
static void expect_failure(enum repeat_code code)
{
	struct repeat repeat = repeat_with("scalar", 1);

	cr_assert_not(repeat_holds(&repeat));
	cr_assert_eq(repeat.records[code].mark, RECORD_FAIL, "%s",
		     repeat.records[code].text);
	for (size_t i = 0; i < (size_t)code; i++)
		cr_assert_eq(repeat.records[i].mark, RECORD_PASS, "%s: %s",
			     repeat_code_name((enum repeat_code)i),
			     repeat.records[i].text);
}

static void is_the_same_on_every_path(enum generate_numerics numerics)
{
	answer_once(numerics);
	for (size_t i = 0; model_kernel(i) != NULL; i++) {
		struct repeat repeat = repeat_with(model_kernel(i), 1 + i % 2);

		for (size_t k = 0; k < REPEAT_CODES; k++)
			cr_assert_eq(repeat.records[k].mark, RECORD_PASS,
				     "%s: %s", model_kernel(i),
				     repeat.records[k].text);
		cr_assert(repeat_holds(&repeat));
		cr_assert_str_eq(repeat.kernel, model_kernel(i));
		cr_assert_eq(repeat.tokens, answer.answer_tokens);
	}
}

Test(repeat, an_answer_is_the_same_on_every_path)
{
	is_the_same_on_every_path(GENERATE_INTEGERS);
}

Test(repeat, with_prompts_as_bf16_it_is_the_same_on_every_path)
{
	is_the_same_on_every_path(GENERATE_BF16_PROMPTS);
}

Test(repeat, another_seed_gives_other_tokens)
{
	struct repeat repeat;

	answer_once(GENERATE_INTEGERS);
	answer.seed[0] ^= 1;
	repeat = repeat_with("scalar", 1);
	cr_assert_not(repeat_holds(&repeat));
	cr_assert_eq(repeat.records[REPEAT_TOKENS].mark, RECORD_FAIL);
	cr_assert_gt(repeat.differs_at, 0);
	cr_assert_leq(repeat.differs_at, answer.answer_tokens);
}

Test(repeat, another_temperature_than_the_request_s_is_told)
{
	answer_once(GENERATE_INTEGERS);
	answer.sampling.temperature = 1.0F;
	expect_failure(REPEAT_SAMPLING);
}

Test(repeat, another_model_is_refused_before_it_is_run)
{
	answer_once(GENERATE_INTEGERS);
	root[31] ^= 1;
	expect_failure(REPEAT_MODEL);
}

/* Every letter of every event's text, each a response of its own. */
Test(repeat, a_token_that_was_changed_is_named)
{
	static const char mark[] = "\"content\":\"";
	size_t changes = 0;
	uint32_t last = 0;

	answer_once(GENERATE_INTEGERS);
	for (size_t at = 0; at + sizeof(mark) < response.len; at++) {
		uint8_t *letter = response_memory + at + sizeof(mark) - 1;
		uint8_t was = *letter;
		struct repeat repeat;

		if (memcmp(response_memory + at, mark, sizeof(mark) - 1) != 0 ||
		    was == '"' || was == '\\' || was >= 0x80)
			continue;
		*letter = was == 'x' ? 'y' : 'x';
		repeat = repeat_with("scalar", 1);
		*letter = was;
		cr_assert_eq(repeat.records[REPEAT_TOKENS].mark, RECORD_FAIL);
		cr_assert_gt(repeat.differs_at, last, "a later one");
		last = repeat.differs_at;
		changes++;
	}
	cr_assert_gt(changes, 0);
}

Test(repeat, other_counts_or_another_end_are_told)
{
	answer_once(GENERATE_INTEGERS);
	answer.answer_tokens++;
	expect_failure(REPEAT_USAGE);
	answer.answer_tokens--;
	answer.finish = answer.finish == RECEIPT_FINISH_STOP
				? RECEIPT_FINISH_LENGTH
				: RECEIPT_FINISH_STOP;
	expect_failure(REPEAT_FINISH);
}

Test(repeat, a_response_without_its_end_is_no_answer)
{
	answer_once(GENERATE_INTEGERS);
	response.len -= strlen("data: [DONE]\n\n");
	expect_failure(REPEAT_RESPONSE);
}

Test(repeat, a_request_of_another_kind_is_refused)
{
	answer_once(GENERATE_INTEGERS);
	request.len -= 10;
	expect_failure(REPEAT_REQUEST);
}

Test(repeat, a_context_beyond_the_model_s_is_refused)
{
	answer_once(GENERATE_INTEGERS);
	answer.sampling.context_max = UINT32_MAX;
	expect_failure(REPEAT_REQUEST);
}
