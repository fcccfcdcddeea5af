/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_filter.h"

#include "inference/jinja_choose.h"
#include "inference/jinja_json.h"
#include "inference/jinja_method.h"
#include "inference/jinja_string.h"

#define INDENT_MAX 16

/* Filters of strings take what is printed of anything else. */
static enum err as_text(const struct jinja_call *call,
			const struct jinja_value *value, struct jinja_text *out)
{
	return jinja_value_as_text(&call->machine->heap, &call->machine->out,
				   value, out);
}

static enum err change_case(const struct jinja_call *call, enum jinja_case to,
			    struct jinja_value *out)
{
	struct jinja_text text;

	TRY(as_text(call, call->subject, &text));
	return jinja_string_case(call->machine, to, text, out);
}

static enum err upper(const struct jinja_call *call, struct jinja_value *out)
{
	return change_case(call, JINJA_CASE_UPPER, out);
}

static enum err lower(const struct jinja_call *call, struct jinja_value *out)
{
	return change_case(call, JINJA_CASE_LOWER, out);
}

static enum err title(const struct jinja_call *call, struct jinja_value *out)
{
	return change_case(call, JINJA_CASE_WORDS, out);
}

static enum err capitalize(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return change_case(call, JINJA_CASE_CAPITALIZE, out);
}

static enum err trim(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_text text;

	TRY(as_text(call, call->subject, &text));
	return jinja_string_strip(call->machine, JINJA_TEXT_BOTH, text,
				  &call->values[0], out);
}

static enum err replace(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_string_change change = { .most = JINJA_STRING_ALL };
	const struct jinja_value *most = &call->values[2];
	struct jinja_text text;

	if (call->count < 2)
		return ERR_MALFORMED;
	TRY(as_text(call, call->subject, &text));
	TRY(as_text(call, &call->values[0], &change.old));
	TRY(as_text(call, &call->values[1], &change.with));
	if (jinja_value_is_number(most) && most->number >= 0)
		change.most = (size_t)most->number;
	return jinja_string_replace(call->machine, text, &change, out);
}

static enum err string(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_text text;

	TRY(as_text(call, call->subject, &text));
	*out = jinja_value_string(text);
	return ERR_OK;
}

static enum err safe(const struct jinja_call *call, struct jinja_value *out)
{
	TRY(string(call, out));
	out->kind = JINJA_VALUE_SAFE;
	return ERR_OK;
}

static enum err integer(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_value made = { .kind = JINJA_VALUE_INTEGER };
	enum err err;

	if (call->subject->kind == JINJA_VALUE_STRING) {
		made.source = JINJA_USER;
		err = jinja_string_integer(call->subject->text, &made.number);
		if (err != ERR_OK && err != ERR_DENIED)
			return err;
		if (err == ERR_DENIED && call->count > 0)
			made = call->values[0];
	} else if (jinja_value_is_number(call->subject)) {
		made.source = call->subject->source;
		made.number = call->subject->number;
	} else if (call->subject->kind == JINJA_VALUE_UNDEFINED) {
		return ERR_MALFORMED;
	} else if (call->count > 0) {
		made = call->values[0];
	}
	*out = made;
	return ERR_OK;
}

/* The separators of JSON: given, or as Python chooses them. */
static enum err read_separators(const struct jinja_value *value,
				struct jinja_json_style *style)
{
	style->between = jinja_text_of(style->indent < 0 ? BYTES_LITERAL(", ")
							 : BYTES_LITERAL(","),
				       JINJA_TEMPLATE);
	style->after = jinja_text_of(BYTES_LITERAL(": "), JINJA_TEMPLATE);
	if (value->kind == JINJA_VALUE_UNDEFINED ||
	    value->kind == JINJA_VALUE_NONE)
		return ERR_OK;
	if (value->kind != JINJA_VALUE_LIST || value->list.count != 2 ||
	    value->list.items[0].kind != JINJA_VALUE_STRING ||
	    value->list.items[1].kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	style->between = value->list.items[0].text;
	style->after = value->list.items[1].text;
	return ERR_OK;
}

/* tojson(value, ensure_ascii, indent, separators, sort_keys) */
static enum err tojson(const struct jinja_call *call, struct jinja_value *out)
{
	const struct jinja_value *indent = &call->values[1];
	struct jinja_json_style style = { .characters = JINJA_JSON_UTF8,
					  .indent = -1 };
	size_t start = call->machine->out.len;

	if (jinja_value_truth(&call->values[0]))
		style.characters = JINJA_JSON_ASCII;
	if (jinja_value_is_number(indent))
		style.indent = indent->number;
	else if (indent->kind != JINJA_VALUE_UNDEFINED &&
		 indent->kind != JINJA_VALUE_NONE)
		return ERR_UNSUPPORTED;
	if (style.indent > INDENT_MAX || style.indent < -1)
		return ERR_UNSUPPORTED;
	TRY(read_separators(&call->values[2], &style));
	if (jinja_value_truth(&call->values[3]))
		return ERR_UNSUPPORTED;
	TRY(jinja_json_put(&call->machine->heap, &call->machine->out, &style,
			   call->subject));
	return jinja_machine_finish(call->machine, start, out);
}

/* How many characters a user wrote is a user's number. */
static enum err length(const struct jinja_call *call, struct jinja_value *out)
{
	const struct jinja_value *value = call->subject;

	if (value->kind == JINJA_VALUE_STRING) {
		TRY(jinja_heap_read(&call->machine->heap, value->text.len));
		*out = jinja_value_integer(jinja_text_length(value->text),
					   JINJA_USER);
	} else if (value->kind == JINJA_VALUE_LIST) {
		*out = jinja_value_integer(value->list.count, JINJA_TEMPLATE);
	} else if (value->kind == JINJA_VALUE_DICT) {
		*out = jinja_value_integer(value->dict.count, JINJA_TEMPLATE);
	} else if (value->kind == JINJA_VALUE_UNDEFINED) {
		*out = jinja_value_integer(0, JINJA_TEMPLATE);
	} else {
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err list(const struct jinja_call *call, struct jinja_value *out)
{
	return jinja_value_items(&call->machine->heap, call->subject, out);
}

static enum err first(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_value items;

	TRY(jinja_value_items(&call->machine->heap, call->subject, &items));
	*out = (struct jinja_value){ .kind = JINJA_VALUE_UNDEFINED };
	if (items.list.count > 0)
		*out = items.list.items[0];
	return ERR_OK;
}

static enum err last(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_value items;

	if (call->subject->kind == JINJA_VALUE_STREAM)
		return ERR_MALFORMED;
	TRY(jinja_value_items(&call->machine->heap, call->subject, &items));
	*out = (struct jinja_value){ .kind = JINJA_VALUE_UNDEFINED };
	if (items.list.count > 0)
		*out = items.list.items[items.list.count - 1];
	return ERR_OK;
}

static enum err reverse(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_value items, *turned;
	size_t count;

	if (call->subject->kind == JINJA_VALUE_STRING)
		return ERR_UNSUPPORTED;
	TRY(jinja_value_items(&call->machine->heap, call->subject, &items));
	count = items.list.count;
	TRY(jinja_heap_alloc(&call->machine->heap, count, sizeof(*turned),
			     &turned));
	for (size_t i = 0; i < count; i++)
		turned[i] = items.list.items[count - 1 - i];
	return jinja_value_stream(&call->machine->heap, turned, count, out);
}

static enum err join(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_out *text = &call->machine->out;
	size_t start = text->len;
	struct jinja_value items;

	if (call->count > 1)
		return ERR_UNSUPPORTED;
	TRY(jinja_value_items(&call->machine->heap, call->subject, &items));
	for (size_t i = 0; i < items.list.count; i++) {
		const struct jinja_value *item = &items.list.items[i];

		TRY(jinja_heap_work(&call->machine->heap, 1));
		if (item->kind == JINJA_VALUE_SAFE)
			return ERR_UNSUPPORTED;
		if (i > 0)
			TRY(jinja_value_print(text, &call->values[0]));
		TRY(jinja_value_print(text, item));
	}
	return jinja_machine_finish(call->machine, start, out);
}

static enum err items_of(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_value items = jinja_value_list(NULL, 0);

	if (call->subject->kind == JINJA_VALUE_DICT) {
		TRY(jinja_method_items(&call->machine->heap, call->subject,
				       &items));
	} else if (call->subject->kind != JINJA_VALUE_UNDEFINED) {
		return ERR_MALFORMED;
	}
	return jinja_value_stream(&call->machine->heap, items.list.items,
				  items.list.count, out);
}

/* The reference compares letters as small ones. */
static enum err check_key(const struct jinja_value *key)
{
	if (key->kind != JINJA_VALUE_STRING)
		return ERR_OK;
	for (size_t i = 0; i < key->text.len; i++) {
		if (key->text.data[i] >= 0x80 ||
		    (key->text.data[i] >= 'A' && key->text.data[i] <= 'Z'))
			return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

/* Into its place among the first `count`; each is a key and a value. */
static enum err insert_pair(struct jinja_heap *heap, struct jinja_value *sorted,
			    size_t count, const struct jinja_value *pair)
{
	size_t at = count;
	int order = 0;

	TRY(check_key(&pair->list.items[0]));
	for (; at > 0; at--) {
		TRY(jinja_heap_work(heap, 1));
		TRY(jinja_value_order(&pair->list.items[0],
				      &sorted[at - 1].list.items[0], &order));
		if (order >= 0)
			break;
		sorted[at] = sorted[at - 1];
	}
	sorted[at] = *pair;
	return ERR_OK;
}

/* By key, of numbers or of small ASCII letters. */
static enum err dictsort(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_heap *heap = &call->machine->heap;
	struct jinja_value items, *sorted;

	if (call->subject->kind != JINJA_VALUE_DICT)
		return ERR_MALFORMED;
	TRY(jinja_method_items(heap, call->subject, &items));
	TRY(jinja_heap_alloc(heap, items.list.count, sizeof(*sorted), &sorted));
	for (size_t i = 0; i < items.list.count; i++)
		TRY(insert_pair(heap, sorted, i, &items.list.items[i]));
	*out = jinja_value_list(sorted, items.list.count);
	return ERR_OK;
}

/* For what is undefined; with `boolean`, for all that is not true. */
static enum err otherwise(const struct jinja_call *call,
			  struct jinja_value *out)
{
	bool keep = jinja_value_truth(&call->values[1])
			    ? jinja_value_truth(call->subject)
			    : call->subject->kind != JINJA_VALUE_UNDEFINED;

	*out = call->values[0];
	if (keep)
		*out = *call->subject;
	else if (call->count == 0)
		*out = jinja_value_string((struct jinja_text){ .len = 0 });
	return ERR_OK;
}

static const struct jinja_callable filters[] = {
	{ "trim", "chars ", trim },
	{ "upper", "", upper },
	{ "lower", "", lower },
	{ "title", "", title },
	{ "capitalize", "", capitalize },
	{ "replace", "old new count ", replace },
	{ "string", "", string },
	{ "safe", "", safe },
	{ "int", "default ", integer },
	{ "tojson", "ensure_ascii indent separators sort_keys ", tojson },
	{ "length", "", length },
	{ "count", "", length },
	{ "list", "", list },
	{ "first", "", first },
	{ "last", "", last },
	{ "reverse", "", reverse },
	{ "join", "d attribute ", join },
	{ "items", "", items_of },
	{ "dictsort", "", dictsort },
	{ "default", "default_value boolean ", otherwise },
	{ "d", "default_value boolean ", otherwise },
	{ NULL, NULL, NULL },
};

enum err jinja_filter_run(struct jinja_machine *machine, struct bytes name,
			  const struct jinja_value *subject,
			  const struct jinja_arguments *arguments,
			  struct jinja_value *out)
{
	enum jinja_choose_kind kind;

	/* What is made of a safe string may be safe or not. */
	if (subject->kind == JINJA_VALUE_SAFE)
		return ERR_UNSUPPORTED;
	if (jinja_choose_find(name, &kind))
		return jinja_choose_run(machine, kind, subject, arguments, out);
	return jinja_call_run(jinja_call_find(filters, name), machine, subject,
			      arguments, out);
}
