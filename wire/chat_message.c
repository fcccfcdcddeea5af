/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat_message.h"

#include <string.h>

/* Which message it was is not told: an index is a number of the user's. */
#define PARAM_MESSAGE "messages[]"
#define PARAM_ROLE "messages[].role"
#define PARAM_CONTENT "messages[].content"
#define PARAM_TEXT "messages[].content[].text"
#define PARAM_TYPE "messages[].content[].type"

static const char *const role_names[] = {
	[CHAT_ROLE_SYSTEM] = "system", [CHAT_ROLE_DEVELOPER] = "developer",
	[CHAT_ROLE_USER] = "user",     [CHAT_ROLE_ASSISTANT] = "assistant",
	[CHAT_ROLE_TOOL] = "tool",
};

#define ROLES (sizeof(role_names) / sizeof(role_names[0]))

/* What a message may have that this node could not honour. */
struct unsupported {
	const char *name;
	const char *param;
};

static const struct unsupported unsupported[] = {
	{ "tool_calls", "messages[].tool_calls" },
	{ "function_call", "messages[].function_call" },
	{ "refusal", "messages[].refusal" },
	{ "audio", "messages[].audio" },
};

#define UNSUPPORTED (sizeof(unsupported) / sizeof(unsupported[0]))

static enum err read_role(struct json_fields *fields, struct chat_message *out,
			  struct chat_refusal *refusal)
{
	struct bytes name;

	if (json_fields_string(fields, "role", JSON_FIELDS_REQUIRED, &name) !=
	    ERR_OK)
		return chat_refusal_give_fault(refusal, fields->fault,
					       PARAM_ROLE);
	for (size_t i = 0; i < ROLES; i++) {
		if (bytes_equal(name, bytes_of_string(role_names[i]))) {
			out->role = (enum chat_role)i;
			return ERR_OK;
		}
	}
	return chat_refusal_give(refusal, CHAT_REFUSAL_OUT_OF_RANGE,
				 PARAM_ROLE);
}

/* The text of {"type": "text", "text": "..."}. */
static enum err read_part(const struct json *part, struct bytes *out,
			  struct chat_refusal *refusal)
{
	struct json_fields fields = { .object = part };
	const struct json *type;

	if (json_kind_of(part) != JSON_KIND_OBJECT)
		return chat_refusal_give(refusal, CHAT_REFUSAL_WRONG_TYPE,
					 PARAM_CONTENT);
	type = json_fields_given(&fields, "type");
	if (type == NULL)
		return chat_refusal_give(refusal, CHAT_REFUSAL_MISSING,
					 PARAM_TYPE);
	if (!json_equals_text(type, "text"))
		return chat_refusal_give(
			refusal, CHAT_REFUSAL_UNSUPPORTED_VALUE, PARAM_TYPE);
	if (json_fields_string(&fields, "text", JSON_FIELDS_REQUIRED, out) !=
	    ERR_OK)
		return chat_refusal_give_fault(refusal, fields.fault,
					       PARAM_TEXT);
	return ERR_OK;
}

/* Measured first, as memory of the document is never given back singly. */
static enum err join_parts(const struct json *parts, struct bytes *out,
			   struct chat_refusal *refusal)
{
	size_t count = json_count(parts);
	size_t len = count - 1;
	struct writer joined = { 0 };
	struct bytes text = { 0 };

	for (size_t i = 0; i < count; i++) {
		TRY(read_part(json_element(parts, i), &text, refusal));
		len += text.len;
	}
	joined.data = json_take(len, 1);
	joined.max = len;
	if (joined.data == NULL)
		return chat_refusal_give(refusal, CHAT_REFUSAL_TOO_LARGE,
					 PARAM_CONTENT);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			TRY(bytes_put_u8(&joined, '\n'));
		TRY(read_part(json_element(parts, i), &text, refusal));
		TRY(bytes_put(&joined, text));
	}
	*out = bytes_written(&joined);
	return ERR_OK;
}

static enum err read_content(const struct json_fields *fields,
			     struct bytes *out, struct chat_refusal *refusal)
{
	const struct json *content = json_fields_given(fields, "content");

	if (content == NULL)
		return chat_refusal_give(refusal, CHAT_REFUSAL_MISSING,
					 PARAM_CONTENT);
	if (json_as_string(content, out) == ERR_OK)
		return ERR_OK;
	if (json_kind_of(content) != JSON_KIND_ARRAY)
		return chat_refusal_give(refusal, CHAT_REFUSAL_WRONG_TYPE,
					 PARAM_CONTENT);
	if (json_count(content) == 0)
		return chat_refusal_give(refusal, CHAT_REFUSAL_OUT_OF_RANGE,
					 PARAM_CONTENT);
	if (json_count(content) == 1)
		return read_part(json_element(content, 0), out, refusal);
	return join_parts(content, out, refusal);
}

/* Absent, null, "", [] and {} ask for nothing. */
static enum err refuse_unsupported(const struct json_fields *fields,
				   struct chat_refusal *refusal)
{
	for (size_t i = 0; i < UNSUPPORTED; i++) {
		const struct json *value =
			json_fields_given(fields, unsupported[i].name);

		if (value != NULL && !json_is_empty(value)) {
			return chat_refusal_give(refusal,
						 CHAT_REFUSAL_UNSUPPORTED,
						 unsupported[i].param);
		}
	}
	return ERR_OK;
}

/* Only a tool's answer must say which call it answers. */
static enum err read_names(struct json_fields *fields, struct chat_message *out,
			   struct chat_refusal *refusal)
{
	enum json_fields_need need = out->role == CHAT_ROLE_TOOL
					     ? JSON_FIELDS_REQUIRED
					     : JSON_FIELDS_OPTIONAL;

	if (json_fields_string(fields, "name", JSON_FIELDS_OPTIONAL,
			       &out->name) != ERR_OK)
		return chat_refusal_give_fault(refusal, fields->fault,
					       "messages[].name");
	if (json_fields_string(fields, "tool_call_id", need,
			       &out->tool_call_id) != ERR_OK)
		return chat_refusal_give_fault(refusal, fields->fault,
					       "messages[].tool_call_id");
	return ERR_OK;
}

enum err chat_message_read(const struct json *value, struct chat_message *out,
			   struct chat_refusal *refusal)
{
	struct json_fields fields = { .object = value };
	struct chat_message message = { .role = CHAT_ROLE_USER };

	if (json_kind_of(value) != JSON_KIND_OBJECT)
		return chat_refusal_give(refusal, CHAT_REFUSAL_WRONG_TYPE,
					 PARAM_MESSAGE);
	TRY(read_role(&fields, &message, refusal));
	TRY(refuse_unsupported(&fields, refusal));
	TRY(read_content(&fields, &message.content, refusal));
	TRY(read_names(&fields, &message, refusal));
	*out = message;
	return ERR_OK;
}
