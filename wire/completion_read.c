/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/completion_read.h"

#include "wire/json.h"

/* Chunks without text have null there, or nothing at all. */
static enum err read_text(const struct json *value, struct bytes *out)
{
	if (value == NULL || json_kind_of(value) == JSON_KIND_NULL)
		return ERR_OK;
	return json_as_string(value, out);
}

/* The value that holds the text of a choice; NULL where there is none. */
static const struct json *text_of(const struct json *choice)
{
	const struct json *message = json_member(choice, "delta");

	if (message == NULL)
		message = json_member(choice, "message");
	if (message == NULL)
		return json_member(choice, "text");
	return json_member(message, "content");
}

enum err completion_read(struct bytes document, size_t depth_max,
			 struct completion_read *out)
{
	struct completion_read found = { 0 };
	const struct json *value;
	const struct json *choices;

	TRY(json_parse(document, depth_max, &value));
	if (json_member(value, "error") != NULL)
		return ERR_UNAVAILABLE;
	choices = json_member(value, "choices");
	if (choices != NULL && json_count(choices) > 0) {
		const struct json *choice = json_element(choices, 0);

		TRY(read_text(text_of(choice), &found.text));
		TRY(read_text(json_member(choice, "finish_reason"),
			      &found.finish));
	}
	*out = found;
	return ERR_OK;
}
