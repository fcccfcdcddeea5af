/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat_message.h"

#include <criterion/criterion.h>
#include <stdio.h>

static _Alignas(JSON_ALIGNMENT) uint8_t memory[65536];
static struct chat_message message;
static struct chat_refusal refusal;

static enum err read_message(const char *text)
{
	const struct json *value;

	json_warm(memory, sizeof(memory), 1);
	cr_assert_eq(json_parse(bytes_of_string(text), 8, &value), ERR_OK);
	return chat_message_read(value, &message, &refusal);
}

/* A message of a user with this content, which is JSON. */
static enum err read_content(const char *content)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"role\":\"user\",\"content\":%s}",
		 content);
	return read_message(text);
}

#define IS(view, text) bytes_equal(view, BYTES_LITERAL(text))

static void expect_refusal(enum err err, const char *code, const char *param)
{
	cr_assert_neq(err, ERR_OK);
	cr_assert_str_eq(refusal.code, code);
	cr_assert_str_eq(refusal.param, param);
}

Test(chat_message, every_role_is_told_apart)
{
	static const char *const names[] = { "system", "developer", "user",
					     "assistant", "tool" };

	for (size_t i = 0; i < 5; i++) {
		char text[128];

		snprintf(text, sizeof(text),
			 "{\"role\":\"%s\",\"content\":\"\","
			 "\"tool_call_id\":\"c\"}",
			 names[i]);
		cr_assert_eq(read_message(text), ERR_OK);
		cr_assert_eq((size_t)message.role, i);
	}
}

Test(chat_message, a_stranger_has_no_role)
{
	expect_refusal(read_message("{\"role\":\"root\",\"content\":\"\"}"),
		       "invalid_value", "messages[].role");
	expect_refusal(read_message("{\"role\":\"User\",\"content\":\"\"}"),
		       "invalid_value", "messages[].role");
	expect_refusal(read_message("{\"role\":1,\"content\":\"\"}"),
		       "invalid_type", "messages[].role");
	expect_refusal(read_message("{\"content\":\"\"}"),
		       "missing_required_parameter", "messages[].role");
	expect_refusal(read_message("[]"), "invalid_type", "messages[]");
}

Test(chat_message, text_parts_are_joined_by_line_feeds)
{
	cr_assert_eq(read_content("[{\"type\":\"text\",\"text\":\"a\"},"
				  "{\"type\":\"text\",\"text\":\"\"},"
				  "{\"text\":\"b\\u00e9\",\"type\":\"text\"}]"),
		     ERR_OK);
	cr_assert(IS(message.content, "a\n\nb\xc3\xa9"));
	cr_assert_eq(read_content("[{\"type\":\"text\",\"text\":\"one\"}]"),
		     ERR_OK);
	cr_assert(IS(message.content, "one"));
	cr_assert_eq(read_content("\"two\""), ERR_OK);
	cr_assert(IS(message.content, "two"));
}

static const struct {
	const char *content;
	const char *code;
	const char *param;
} wrong[] = {
	{ "null", "missing_required_parameter", "messages[].content" },
	{ "5", "invalid_type", "messages[].content" },
	{ "{}", "invalid_type", "messages[].content" },
	{ "[]", "invalid_value", "messages[].content" },
	{ "[\"a\"]", "invalid_type", "messages[].content" },
	{ "[{}]", "missing_required_parameter", "messages[].content[].type" },
	{ "[{\"type\":\"image_url\"}]", "unsupported_value",
	  "messages[].content[].type" },
	{ "[{\"type\":\"text\"}]", "missing_required_parameter",
	  "messages[].content[].text" },
	{ "[{\"type\":\"text\",\"text\":1}]", "invalid_type",
	  "messages[].content[].text" },
	{ "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"file\"}]",
	  "unsupported_value", "messages[].content[].type" },
};

Test(chat_message, content_of_other_kinds_is_refused_by_name)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_refusal(read_content(wrong[i].content), wrong[i].code,
			       wrong[i].param);
}

Test(chat_message, what_a_model_without_tools_cannot_honour_is_refused)
{
	static const char *const names[] = { "tool_calls", "function_call",
					     "refusal", "audio" };

	for (size_t i = 0; i < 4; i++) {
		char param[64];
		char text[128];

		snprintf(param, sizeof(param), "messages[].%s", names[i]);
		snprintf(text, sizeof(text),
			 "{\"role\":\"assistant\",\"content\":\"a\","
			 "\"%s\":[1]}",
			 names[i]);
		expect_refusal(read_message(text), "unsupported_parameter",
			       param);
	}
	cr_assert_eq(read_message("{\"role\":\"assistant\",\"content\":\"a\","
				  "\"tool_calls\":[],\"refusal\":null,"
				  "\"function_call\":null,\"audio\":null}"),
		     ERR_OK);
}

Test(chat_message, a_tool_says_which_call_it_answers)
{
	expect_refusal(read_message("{\"role\":\"tool\",\"content\":\"4\"}"),
		       "missing_required_parameter", "messages[].tool_call_id");
	cr_assert_eq(read_message("{\"role\":\"tool\",\"content\":\"4\","
				  "\"tool_call_id\":\"c1\"}"),
		     ERR_OK);
	cr_assert(IS(message.tool_call_id, "c1"));
}

Test(chat_message, a_refused_message_leaves_the_output_as_it_was)
{
	cr_assert_eq(read_message("{\"role\":\"user\",\"content\":\"a\","
				  "\"name\":\"ann\"}"),
		     ERR_OK);
	expect_refusal(read_message("{\"role\":\"system\",\"content\":\"b\","
				    "\"name\":1}"),
		       "invalid_type", "messages[].name");
	cr_assert_eq(message.role, CHAT_ROLE_USER);
	cr_assert_eq(message.name.len, 3);
}
