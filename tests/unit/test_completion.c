/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/completion.h"

#include <criterion/criterion.h>
#include <string.h>

#include "wire/json.h"

static _Alignas(JSON_ALIGNMENT) uint8_t memory[65536];
static uint8_t buffer[4096];
static struct writer out;
static const struct json *root;

static const struct completion chat = {
	.kind = COMPLETION_KIND_CHAT,
	.random = { 0x00, 0x01, 0xab, [15] = 0xff },
	.created = 1700000000,
	.model = { (const uint8_t *)"home\"1", 6 },
};

static struct completion text;
static const struct completion_usage usage = { 3, UINT32_MAX };

static void begin(void)
{
	json_warm(memory, sizeof(memory), 1);
	out = WRITER_OVER(buffer);
	text = chat;
	text.kind = COMPLETION_KIND_TEXT;
	text.include_usage = true;
}

TestSuite(completion, .init = begin);

/* Read back what was written, and start afresh. */
static void read_back(enum err err)
{
	cr_assert_eq(err, ERR_OK);
	json_wipe();
	cr_assert_eq(json_parse(bytes_written(&out), 8, &root), ERR_OK);
	out.len = 0;
}

static bool has_text(const struct json *object, const char *name,
		     const char *value)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_equals_text(member, value);
}

static bool has_null(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_kind_of(member) == JSON_KIND_NULL;
}

static int64_t integer_of(const struct json *object, const char *name)
{
	int64_t value = -1;

	cr_assert_eq(json_as_integer(json_member(object, name), &value), ERR_OK,
		     "%s", name);
	return value;
}

static const struct json *choice(void)
{
	const struct json *choices = json_member(root, "choices");

	cr_assert_eq(json_count(choices), 1);
	cr_assert_eq(integer_of(json_element(choices, 0), "index"), 0);
	return json_element(choices, 0);
}

static void expect_common(const char *id, const char *object)
{
	cr_assert(has_text(root, "id", id));
	cr_assert(has_text(root, "object", object));
	cr_assert(has_text(root, "model", "home\"1"));
	cr_assert_eq(integer_of(root, "created"), 1700000000);
}

static void expect_usage(void)
{
	const struct json *member = json_member(root, "usage");

	cr_assert_eq(integer_of(member, "prompt_tokens"), 3);
	cr_assert_eq(integer_of(member, "completion_tokens"), UINT32_MAX);
	cr_assert_eq(integer_of(member, "total_tokens"),
		     (int64_t)UINT32_MAX + 3);
}

#define CHAT_ID "chatcmpl-0001ab000000000000000000000000ff"
#define TEXT_ID "cmpl-0001ab000000000000000000000000ff"
#define CHUNK "chat.completion.chunk"

Test(completion, a_chat_begins_with_its_role)
{
	const struct json *delta;

	read_back(completion_put_role(&out, &chat));
	expect_common(CHAT_ID, CHUNK);
	delta = json_member(choice(), "delta");
	cr_assert(has_text(delta, "role", "assistant"));
	cr_assert(has_text(delta, "content", ""));
	cr_assert(has_null(choice(), "finish_reason"));
	cr_assert_null(json_member(root, "usage"));
}

Test(completion, text_goes_out_as_it_is)
{
	static const char words[] = "he said \"no\"\n\xf0\x9f\x98\x80";

	read_back(completion_put_text(&out, &chat, bytes_of_string(words)));
	expect_common(CHAT_ID, CHUNK);
	cr_assert(has_text(json_member(choice(), "delta"), "content", words));
	cr_assert(has_null(choice(), "finish_reason"));

	read_back(completion_put_text(&out, &text, bytes_of_string(words)));
	expect_common(TEXT_ID, "text_completion");
	cr_assert(has_text(choice(), "text", words));
	cr_assert(has_null(choice(), "logprobs"));
	cr_assert(has_null(choice(), "finish_reason"));
	cr_assert(has_null(root, "usage"), "as usage will follow");
}

Test(completion, the_finish_tells_why)
{
	read_back(completion_put_finish(&out, &chat, COMPLETION_FINISH_STOP));
	cr_assert_eq(json_count(json_member(choice(), "delta")), 0);
	cr_assert(has_text(choice(), "finish_reason", "stop"));
	read_back(completion_put_finish(&out, &text, COMPLETION_FINISH_LENGTH));
	cr_assert(has_text(choice(), "text", ""));
	cr_assert(has_text(choice(), "finish_reason", "length"));
}

Test(completion, usage_comes_last_and_without_a_choice)
{
	read_back(completion_put_usage(&out, &chat, &usage));
	expect_common(CHAT_ID, CHUNK);
	cr_assert_eq(json_kind_of(json_member(root, "choices")),
		     JSON_KIND_ARRAY);
	cr_assert_eq(json_count(json_member(root, "choices")), 0);
	expect_usage();
}

Test(completion, a_whole_answer_has_all_of_it)
{
	const struct completion_answer answer = {
		.text = BYTES_LITERAL("yes"),
		.finish = COMPLETION_FINISH_STOP,
		.usage = usage,
	};
	const struct json *message;

	read_back(completion_put_whole(&out, &chat, &answer));
	expect_common(CHAT_ID, "chat.completion");
	expect_usage();
	message = json_member(choice(), "message");
	cr_assert(has_text(message, "role", "assistant"));
	cr_assert(has_text(message, "content", "yes"));
	cr_assert(has_null(message, "refusal"));
	cr_assert(has_null(choice(), "logprobs"));
	cr_assert(has_text(choice(), "finish_reason", "stop"));

	read_back(completion_put_whole(&out, &text, &answer));
	expect_common(TEXT_ID, "text_completion");
	expect_usage();
	cr_assert(has_text(choice(), "text", "yes"));
	cr_assert(has_null(choice(), "logprobs"));
}

Test(completion, the_overhead_of_text_is_exact)
{
	struct bytes words = BYTES_LITERAL("plain");

	for (int with_usage = 0; with_usage < 2; with_usage++) {
		struct completion both[] = { chat, text };

		for (size_t i = 0; i < 2; i++) {
			both[i].include_usage = with_usage == 1;
			out.len = 0;
			cr_assert_eq(completion_put_text(&out, &both[i], words),
				     ERR_OK);
			cr_assert_eq(out.len,
				     completion_text_overhead(&both[i]) + 5);
		}
	}
}

Test(completion, every_refusal_is_an_error_object)
{
	for (int reason = 0; reason <= CHAT_REFUSAL_SERVER_ERROR; reason++) {
		struct chat_refusal refusal = chat_refusal_for(
			(enum chat_refusal_reason)reason, "stop");
		const struct json *error;

		read_back(completion_put_error(&out, &refusal));
		error = json_member(root, "error");
		cr_assert_eq(json_count(error), 4);
		cr_assert(has_text(error, "message", refusal.message));
		cr_assert(has_text(error, "type", refusal.type));
		cr_assert(has_text(error, "param", "stop"));
		cr_assert(has_text(error, "code", refusal.code));
		cr_assert(refusal.status >= 400 && refusal.status < 600);

		refusal.param = NULL;
		read_back(completion_put_error(&out, &refusal));
		cr_assert(has_null(json_member(root, "error"), "param"));
	}
}

Test(completion, models_are_listed)
{
	const struct completion_model models[] = {
		{ BYTES_LITERAL("a"), BYTES_LITERAL("us"), 5 },
		{ BYTES_LITERAL("b"), BYTES_LITERAL("us"), 6 },
	};
	const struct json *data;

	read_back(completion_put_model_list(&out, models, 2));
	cr_assert(has_text(root, "object", "list"));
	data = json_member(root, "data");
	cr_assert_eq(json_count(data), 2);
	cr_assert(has_text(json_element(data, 1), "id", "b"));

	read_back(completion_put_model(&out, &models[0]));
	cr_assert(has_text(root, "id", "a"));
	cr_assert(has_text(root, "object", "model"));
	cr_assert(has_text(root, "owned_by", "us"));
	cr_assert_eq(integer_of(root, "created"), 5);

	read_back(completion_put_model_list(&out, NULL, 0));
	cr_assert_eq(json_count(json_member(root, "data")), 0);
}

Test(completion, a_full_writer_is_left_as_it_was)
{
	const struct completion_model model = { BYTES_LITERAL("a"),
						BYTES_LITERAL("us"), 5 };
	const struct completion_answer answer = { .text = BYTES_LITERAL("a") };
	struct chat_refusal refusal =
		chat_refusal_for(CHAT_REFUSAL_METHOD, NULL);

	for (size_t max = 0; max < 60; max++) {
		struct writer full = { buffer, 0, max };

		cr_assert_eq(completion_put_role(&full, &chat), ERR_TOO_LARGE);
		cr_assert_eq(completion_put_text(&full, &chat, answer.text),
			     ERR_TOO_LARGE);
		cr_assert_eq(completion_put_finish(&full, &chat,
						   COMPLETION_FINISH_STOP),
			     ERR_TOO_LARGE);
		cr_assert_eq(completion_put_usage(&full, &chat, &usage),
			     ERR_TOO_LARGE);
		cr_assert_eq(completion_put_whole(&full, &chat, &answer),
			     ERR_TOO_LARGE);
		cr_assert_eq(completion_put_error(&full, &refusal),
			     ERR_TOO_LARGE);
		cr_assert_eq(completion_put_model_list(&full, &model, 1),
			     ERR_TOO_LARGE);
		cr_assert_eq(full.len, 0);
	}
}
