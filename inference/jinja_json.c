/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_json.h"

#include <string.h>

/* Where a value is being written. */
struct json {
	struct jinja_heap *heap;
	struct jinja_out *out;
	const struct jinja_json_style *style;
	int64_t level;
};

static enum err put_value(struct json *json, const struct jinja_value *value);

static enum err put_escape(struct json *json, uint32_t unit,
			   enum jinja_source source)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t text[] = { '\\',
				 'u',
				 (uint8_t)digits[unit >> 12 & 15],
				 (uint8_t)digits[unit >> 8 & 15],
				 (uint8_t)digits[unit >> 4 & 15],
				 (uint8_t)digits[unit & 15] };

	return jinja_text_put(json->out,
			      jinja_text_of(BYTES_ARRAY(text), source));
}

static enum err put_character(struct json *json, uint32_t code,
			      struct jinja_text one)
{
	static const char plain[] = "\"\\\n\r\t\b\f";
	static const char letters[] = "\"\\nrtbf";
	const char *found =
		code == 0 || code >= 0x80 ? NULL : strchr(plain, (int)code);

	if (found != NULL) {
		const uint8_t text[] = { '\\',
					 (uint8_t)letters[found - plain] };

		return jinja_text_put(
			json->out,
			jinja_text_of(BYTES_ARRAY(text), one.source));
	}
	if (code >= 0x20 &&
	    (code < 0x7f || json->style->characters == JINJA_JSON_UTF8))
		return jinja_text_put(json->out, one);
	if (code == 0x7f)
		return jinja_text_put(json->out, one);
	if (code < 0x10000)
		return put_escape(json, code, one.source);
	code -= 0x10000;
	TRY(put_escape(json, 0xd800 + (code >> 10), one.source));
	return put_escape(json, 0xdc00 + (code & 0x3ff), one.source);
}

static enum err put_text(struct json *json, struct jinja_text text)
{
	uint32_t code;

	TRY(jinja_heap_read(json->heap, text.len));
	TRY(jinja_text_put_string(json->out, "\""));
	while (text.len > 0) {
		struct jinja_text one = jinja_text_take(&text, &code);

		TRY(put_character(json, code, one));
	}
	return jinja_text_put_string(json->out, "\"");
}

/* To a line of its own, where there are lines. */
static enum err put_line(struct json *json)
{
	if (json->style->indent < 0)
		return ERR_OK;
	TRY(jinja_text_put_string(json->out, "\n"));
	for (int64_t i = 0; i < json->level * json->style->indent; i++)
		TRY(jinja_text_put_string(json->out, " "));
	return ERR_OK;
}

static enum err put_separator(struct json *json, size_t at)
{
	if (at > 0)
		TRY(jinja_text_put(json->out, json->style->between));
	return put_line(json);
}

static enum err put_list(struct json *json, const struct jinja_value *value)
{
	if (value->list.count == 0)
		return jinja_text_put_string(json->out, "[]");
	TRY(jinja_text_put_string(json->out, "["));
	json->level++;
	for (size_t i = 0; i < value->list.count; i++) {
		TRY(put_separator(json, i));
		TRY(put_value(json, &value->list.items[i]));
	}
	json->level--;
	TRY(put_line(json));
	return jinja_text_put_string(json->out, "]");
}

static enum err put_dict(struct json *json, const struct jinja_value *value)
{
	if (value->dict.count == 0)
		return jinja_text_put_string(json->out, "{}");
	TRY(jinja_text_put_string(json->out, "{"));
	json->level++;
	for (size_t i = 0; i < value->dict.count; i++) {
		const struct jinja_pair *pair = &value->dict.pairs[i];

		/* Python makes strings of other keys, each in its way. */
		if (pair->key.kind != JINJA_VALUE_STRING)
			return ERR_UNSUPPORTED;
		TRY(put_separator(json, i));
		TRY(put_text(json, pair->key.text));
		TRY(jinja_text_put(json->out, json->style->after));
		TRY(put_value(json, &pair->value));
	}
	json->level--;
	TRY(put_line(json));
	return jinja_text_put_string(json->out, "}");
}

static enum err put_any(struct json *json, const struct jinja_value *value)
{
	if (value->kind == JINJA_VALUE_NONE)
		return jinja_text_put_string(json->out, "null");
	if (value->kind == JINJA_VALUE_BOOLEAN)
		return jinja_text_put_string(
			json->out, value->number != 0 ? "true" : "false");
	if (value->kind == JINJA_VALUE_INTEGER)
		return jinja_value_print(json->out, value);
	if (value->kind == JINJA_VALUE_STRING)
		return put_text(json, value->text);
	if (value->kind == JINJA_VALUE_LIST)
		return put_list(json, value);
	if (value->kind == JINJA_VALUE_DICT)
		return put_dict(json, value);
	return ERR_MALFORMED;
}

static enum err put_value(struct json *json, const struct jinja_value *value)
{
	TRY(jinja_heap_enter(json->heap));
	TRY(put_any(json, value));
	jinja_heap_leave(json->heap);
	return ERR_OK;
}

enum err jinja_json_put(struct jinja_heap *heap, struct jinja_out *out,
			const struct jinja_json_style *style,
			const struct jinja_value *value)
{
	struct json json = { heap, out, style, 0 };

	return put_value(&json, value);
}
