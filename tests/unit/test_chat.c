/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "wire/json.h"

static _Alignas(JSON_ALIGNMENT) uint8_t memory[(size_t)1 << 20];

static const struct chat_limits limits = {
	.json_depth = 8,
	.messages = 4,
	.stops = 4,
	.stop_bytes = 8,
	.output_tokens = 1000,
};

static struct chat_request request;
static struct chat_refusal refusal;

static void warm(void)
{
	json_warm(memory, sizeof(memory), 1);
}

TestSuite(chat, .init = warm);

static enum err parse_at(enum chat_endpoint endpoint, const char *body)
{
	json_wipe();
	return chat_request_parse(bytes_of_string(body), endpoint, &limits,
				  &request, &refusal);
}

static enum err parse(const char *body)
{
	return parse_at(CHAT_ENDPOINT_CHAT, body);
}

/* A chat of one message with these further members. */
static enum err parse_with(const char *members)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s%s}",
		 *members == '\0' ? "" : ",", members);
	return parse(body);
}

#define IS(view, text) bytes_equal(view, BYTES_LITERAL(text))

static void expect_refusal(enum err err, const char *code, const char *param)
{
	cr_assert_neq(err, ERR_OK);
	cr_assert_str_eq(refusal.code, code);
	if (param == NULL)
		cr_assert_null(refusal.param);
	else
		cr_assert_str_eq(refusal.param, param);
}

Test(chat, a_conversation_is_read)
{
	cr_assert_eq(parse("{\"model\":\"m\",\"messages\":["
			   "{\"role\":\"system\",\"content\":\"be brief\"},"
			   "{\"role\":\"user\",\"content\":\"hi\","
			   "\"name\":\"ann\"},"
			   "{\"role\":\"assistant\",\"content\":\"hello\"},"
			   "{\"role\":\"tool\",\"tool_call_id\":\"c1\","
			   "\"content\":\"4\"}]}"),
		     ERR_OK);
	cr_assert_eq(request.message_count, 4);
	cr_assert_eq(request.messages[0].role, CHAT_ROLE_SYSTEM);
	cr_assert_eq(request.messages[1].role, CHAT_ROLE_USER);
	cr_assert_eq(request.messages[2].role, CHAT_ROLE_ASSISTANT);
	cr_assert_eq(request.messages[3].role, CHAT_ROLE_TOOL);
	cr_assert(IS(request.messages[0].content, "be brief"));
	cr_assert(IS(request.messages[1].name, "ann"));
	cr_assert(IS(request.messages[3].tool_call_id, "c1"));
	cr_assert(IS(request.model, "m"));
}

Test(chat, there_are_messages_and_not_too_many)
{
	expect_refusal(parse("{}"), "missing_required_parameter", "messages");
	expect_refusal(parse("{\"messages\":null}"),
		       "missing_required_parameter", "messages");
	expect_refusal(parse("{\"messages\":\"hi\"}"), "invalid_type",
		       "messages");
	expect_refusal(parse("{\"messages\":[]}"), "invalid_value", "messages");
	expect_refusal(parse("{\"messages\":[1]}"), "invalid_type",
		       "messages[]");
	cr_assert_eq(parse("{\"messages\":[1,2,3,4,5]}"), ERR_TOO_LARGE);
	expect_refusal(ERR_TOO_LARGE, "request_too_large", "messages");
	cr_assert_eq(refusal.status, 413);
}

Test(chat, what_is_absent_or_null_has_its_default_and_is_not_given)
{
	static const char *const members[] = {
		"",
		"\"model\":null,\"stream\":null,\"stream_options\":null,"
		"\"max_tokens\":null,\"max_completion_tokens\":null,"
		"\"temperature\":null,\"top_p\":null,\"top_k\":null,"
		"\"seed\":null,\"stop\":null,\"n\":null,\"tools\":null,"
		"\"response_format\":null,\"logit_bias\":null",
	};

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(parse_with(members[i]), ERR_OK);
		cr_assert_eq(request.given, 0);
		cr_assert_not(request.stream);
		cr_assert_not(request.include_usage);
		cr_assert_eq(request.max_tokens, 1000);
		cr_assert_float_eq(request.temperature, 1, 0);
		cr_assert_float_eq(request.top_p, 1, 0);
		cr_assert_eq(request.top_k, 0);
		cr_assert_eq(request.seed, 0);
		cr_assert_eq(request.stop_count, 0);
		cr_assert_eq(request.model.len, 0);
	}
}

Test(chat, what_is_given_is_read_and_noted)
{
	cr_assert_eq(parse_with("\"model\":\"m\",\"stream\":true,"
				"\"stream_options\":{\"include_usage\":true},"
				"\"max_completion_tokens\":5,"
				"\"temperature\":0,\"top_p\":0.5,\"top_k\":40,"
				"\"seed\":-9223372036854775808,"
				"\"stop\":[\"a\",\"bc\"]"),
		     ERR_OK);
	cr_assert_eq(request.given,
		     CHAT_GIVEN_MODEL | CHAT_GIVEN_STREAM | CHAT_GIVEN_USAGE |
			     CHAT_GIVEN_MAX_TOKENS | CHAT_GIVEN_TEMPERATURE |
			     CHAT_GIVEN_TOP_P | CHAT_GIVEN_TOP_K |
			     CHAT_GIVEN_SEED | CHAT_GIVEN_STOP);
	cr_assert(request.stream && request.include_usage);
	cr_assert_eq(request.max_tokens, 5);
	cr_assert_float_eq(request.temperature, 0, 0);
	cr_assert_float_eq(request.top_p, 0.5, 0);
	cr_assert_eq(request.top_k, 40);
	cr_assert_eq(request.seed, INT64_MIN);
	cr_assert_eq(request.stop_count, 2);
	cr_assert(IS(request.stops[1], "bc"));
}

/* Members that are well-formed JSON and not a sound request. */
static const struct {
	const char *members;
	const char *code;
	const char *param;
} wrong[] = {
	{ "\"model\":1", "invalid_type", "model" },
	{ "\"stream\":1", "invalid_type", "stream" },
	{ "\"stream\":\"true\"", "invalid_type", "stream" },
	{ "\"stream_options\":{}", "invalid_parameter_mix", "stream_options" },
	{ "\"stream\":true,\"stream_options\":[]", "invalid_type",
	  "stream_options" },
	{ "\"stream\":true,\"stream_options\":{\"include_usage\":1}",
	  "invalid_type", "stream_options.include_usage" },
	{ "\"max_tokens\":0", "invalid_value", "max_tokens" },
	{ "\"max_tokens\":-1", "invalid_value", "max_tokens" },
	{ "\"max_tokens\":1.5", "invalid_type", "max_tokens" },
	{ "\"max_completion_tokens\":0", "invalid_value",
	  "max_completion_tokens" },
	{ "\"max_tokens\":1,\"max_completion_tokens\":2",
	  "invalid_parameter_mix", "max_tokens" },
	{ "\"temperature\":2.01", "invalid_value", "temperature" },
	{ "\"temperature\":-0.1", "invalid_value", "temperature" },
	{ "\"temperature\":\"1\"", "invalid_type", "temperature" },
	{ "\"top_p\":1.1", "invalid_value", "top_p" },
	{ "\"top_k\":-1", "invalid_value", "top_k" },
	{ "\"top_k\":4294967296", "invalid_value", "top_k" },
	{ "\"seed\":1.0", "invalid_type", "seed" },
	{ "\"stop\":\"\"", "invalid_value", "stop" },
	{ "\"stop\":\"123456789\"", "invalid_value", "stop" },
	{ "\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "invalid_value", "stop" },
	{ "\"stop\":[1]", "invalid_type", "stop" },
	{ "\"stop\":{}", "invalid_type", "stop" },
};

Test(chat, what_is_wrong_is_refused_by_name)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refusal(parse_with(wrong[i].members), wrong[i].code,
			       wrong[i].param);
		cr_assert_eq(refusal.status, 400);
		cr_assert_str_eq(refusal.type, "invalid_request_error");
	}
}

Test(chat, stop_strings_are_allowed_to_the_limits)
{
	cr_assert_eq(parse_with("\"stop\":\"12345678\""), ERR_OK);
	cr_assert_eq(request.stop_count, 1);
	cr_assert_eq(parse_with("\"stop\":[\"a\",\"b\",\"c\",\"d\"]"), ERR_OK);
	cr_assert_eq(request.stop_count, 4);
	cr_assert_eq(parse_with("\"stop\":[]"), ERR_OK);
	cr_assert_eq(request.stop_count, 0);
	cr_assert_eq(request.given, CHAT_GIVEN_STOP);
}

/* The value that asks for nothing, and one that asks for something. */
static const struct {
	const char *param;
	const char *neutral;
	const char *meant;
} unsupported[] = {
	{ "tools", "[]", "[{\"type\":\"function\"}]" },
	{ "tool_choice", "\"auto\"", "\"required\"" },
	{ "tool_choice", "\"none\"", "{\"type\":\"function\"}" },
	{ "functions", "[]", "[{}]" },
	{ "function_call", "\"none\"", "{\"name\":\"f\"}" },
	{ "response_format", "{\"type\":\"text\"}",
	  "{\"type\":\"json_object\"}" },
	{ "response_format", "null", "{}" },
	{ "modalities", "[\"text\"]", "[\"text\",\"audio\"]" },
	{ "audio", "null", "{\"voice\":\"v\"}" },
	{ "prediction", "null", "{}" },
	{ "web_search_options", "null", "{}" },
	{ "moderation", "null", "{}" },
	{ "logprobs", "false", "true" },
	{ "logprobs", "null", "5" },
	{ "top_logprobs", "0", "2" },
	{ "logit_bias", "{}", "{\"50256\":-100}" },
	{ "suffix", "\"\"", "\"end\"" },
	{ "echo", "false", "true" },
	{ "n", "1", "2" },
	{ "best_of", "1", "2" },
	{ "presence_penalty", "0.0", "0.5" },
	{ "frequency_penalty", "0", "-1" },
};

Test(chat, what_is_not_offered_is_refused_unless_it_asks_for_nothing)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]);
	     i++) {
		char member[128];

		snprintf(member, sizeof(member), "\"%s\":%s",
			 unsupported[i].param, unsupported[i].neutral);
		cr_assert_eq(parse_with(member), ERR_OK, "%s", member);
		snprintf(member, sizeof(member), "\"%s\":%s",
			 unsupported[i].param, unsupported[i].meant);
		cr_assert_eq(parse_with(member), ERR_UNSUPPORTED, "%s", member);
		cr_assert_str_eq(refusal.param, unsupported[i].param);
	}
}

Test(chat, what_changes_nothing_is_passed_over)
{
	cr_assert_eq(
		parse_with("\"user\":\"u\",\"metadata\":{\"a\":\"b\"},"
			   "\"store\":true,\"service_tier\":\"auto\","
			   "\"parallel_tool_calls\":true,"
			   "\"reasoning_effort\":\"low\",\"future\":[[1]]"),
		ERR_OK);
}

Test(chat, more_tokens_than_there_are_to_give_are_lowered)
{
	cr_assert_eq(parse_with("\"max_tokens\":9223372036854775807"), ERR_OK);
	cr_assert_eq(request.max_tokens, 1000);
	cr_assert_eq(request.given, CHAT_GIVEN_MAX_TOKENS);
	cr_assert_eq(parse_with("\"max_tokens\":7,"
				"\"max_completion_tokens\":7"),
		     ERR_OK);
	cr_assert_eq(request.max_tokens, 7);
}

Test(chat, what_is_no_object_is_refused)
{
	static const char *const bodies[] = { "",	  "[]",
					      "1",	  "{",
					      "\"text\"", "{\"a\":1,}",
					      "{}{}",	  "{\"a\":1,\"a\":1}" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		expect_refusal(parse(bodies[i]), "invalid_json", NULL);
	cr_assert_eq(parse("{\"a\":[[[[[[[[1]]]]]]]]}"), ERR_TOO_LARGE);
	expect_refusal(ERR_TOO_LARGE, "request_too_large", NULL);
}

Test(chat, a_completion_has_a_prompt)
{
	cr_assert_eq(parse_at(CHAT_ENDPOINT_COMPLETION,
			      "{\"prompt\":\"once\",\"max_tokens\":3}"),
		     ERR_OK);
	cr_assert_eq(request.endpoint, CHAT_ENDPOINT_COMPLETION);
	cr_assert(IS(request.prompt, "once"));
	cr_assert_eq(request.message_count, 0);
	expect_refusal(parse_at(CHAT_ENDPOINT_COMPLETION, "{}"),
		       "missing_required_parameter", "prompt");
	expect_refusal(parse_at(CHAT_ENDPOINT_COMPLETION,
				"{\"prompt\":[\"a\",\"b\"]}"),
		       "unsupported_value", "prompt");
	expect_refusal(parse_at(CHAT_ENDPOINT_COMPLETION, "{\"prompt\":1}"),
		       "invalid_type", "prompt");
}

Test(chat, a_refused_request_leaves_the_output_as_it_was)
{
	cr_assert_eq(parse_with("\"top_k\":3"), ERR_OK);
	cr_assert_neq(parse_with("\"top_k\":4,\"stop\":1"), ERR_OK);
	cr_assert_eq(request.top_k, 3);
}

Test(chat, a_cut_body_is_refused_at_every_length)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"\\u00e9\"}]}],\"stop\":[\"a\"],\"top_p\":"
		"0.5,\"stream\":true}";

	cr_assert_eq(parse(body), ERR_OK);
	for (size_t len = 0; len < sizeof(body) - 1; len++) {
		struct bytes cut = { (const uint8_t *)body, len };

		json_wipe();
		cr_assert_eq(chat_request_parse(cut, CHAT_ENDPOINT_CHAT,
						&limits, &request, &refusal),
			     ERR_MALFORMED);
	}
}

Test(chat, memory_that_runs_out_is_a_refusal)
{
	static const char body[] =
		"{\"messages\":[{\"role\":\"user\",\"content\":["
		"{\"type\":\"text\",\"text\":\"one\"},"
		"{\"type\":\"text\",\"text\":\"two\"}]}]}";

	for (size_t size = 16; size < 8192; size += 16) {
		enum err err;

		json_warm(memory, size, 1);
		err = parse(body);
		cr_assert(err == ERR_OK || err == ERR_TOO_LARGE);
		if (err != ERR_OK)
			cr_assert_str_eq(refusal.code, "request_too_large");
	}
	cr_assert_eq(parse(body), ERR_OK);
}
