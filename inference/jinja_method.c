/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_method.h"

#include "inference/jinja_string.h"

static enum err change_case(const struct jinja_call *call, enum jinja_case to,
			    struct jinja_value *out)
{
	return jinja_string_case(call->machine, to, call->subject->text, out);
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
	return change_case(call, JINJA_CASE_TITLE, out);
}

static enum err capitalize(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return change_case(call, JINJA_CASE_CAPITALIZE, out);
}

static enum err strip_side(const struct jinja_call *call,
			   enum jinja_text_side side, struct jinja_value *out)
{
	return jinja_string_strip(call->machine, side, call->subject->text,
				  &call->values[0], out);
}

static enum err strip(const struct jinja_call *call, struct jinja_value *out)
{
	return strip_side(call, JINJA_TEXT_BOTH, out);
}

static enum err lstrip(const struct jinja_call *call, struct jinja_value *out)
{
	return strip_side(call, JINJA_TEXT_LEFT, out);
}

static enum err rstrip(const struct jinja_call *call, struct jinja_value *out)
{
	return strip_side(call, JINJA_TEXT_RIGHT, out);
}

/* Whether a text has another at one of its ends. */
static bool has_end(struct jinja_text text, struct jinja_text end,
		    enum jinja_text_side side)
{
	size_t at = side == JINJA_TEXT_LEFT ? 0 : text.len - end.len;

	return end.len <= text.len &&
	       bytes_equal(jinja_text_bytes(jinja_text_part(text, at, end.len)),
			   jinja_text_bytes(end));
}

/* With a list, whether it has any of these ends. */
static enum err has_ends(const struct jinja_call *call,
			 enum jinja_text_side side, struct jinja_value *out)
{
	const struct jinja_value *ends = &call->values[0];
	size_t count = 1;
	bool found = false;

	if (ends->kind == JINJA_VALUE_LIST) {
		count = ends->list.count;
		ends = ends->list.items;
	}
	for (size_t i = 0; i < count && !found; i++) {
		if (ends[i].kind != JINJA_VALUE_STRING)
			return ERR_MALFORMED;
		found = has_end(call->subject->text, ends[i].text, side);
	}
	*out = jinja_value_boolean(found);
	return ERR_OK;
}

static enum err startswith(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return has_ends(call, JINJA_TEXT_LEFT, out);
}

static enum err endswith(const struct jinja_call *call, struct jinja_value *out)
{
	return has_ends(call, JINJA_TEXT_RIGHT, out);
}

/* How often at most: where nothing or less than nothing is said, always. */
static enum err read_most(const struct jinja_value *value, size_t *out)
{
	*out = JINJA_STRING_ALL;
	if (value->kind == JINJA_VALUE_UNDEFINED)
		return ERR_OK;
	if (!jinja_value_is_number(value))
		return ERR_MALFORMED;
	if (value->number >= 0)
		*out = (size_t)value->number;
	return ERR_OK;
}

static enum err split(const struct jinja_call *call, struct jinja_value *out)
{
	const struct jinja_value *separator = &call->values[0];
	struct bytes text;
	size_t most;

	TRY(read_most(&call->values[1], &most));
	if (separator->kind == JINJA_VALUE_UNDEFINED ||
	    separator->kind == JINJA_VALUE_NONE)
		return jinja_string_split(call->machine, call->subject->text,
					  NULL, most, out);
	if (separator->kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	text = jinja_text_bytes(separator->text);
	return jinja_string_split(call->machine, call->subject->text, &text,
				  most, out);
}

static enum err replace(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_string_change change = { 0 };

	if (call->values[0].kind != JINJA_VALUE_STRING ||
	    call->values[1].kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	change.old = call->values[0].text;
	change.with = call->values[1].text;
	TRY(read_most(&call->values[2], &change.most));
	return jinja_string_replace(call->machine, call->subject->text, &change,
				    out);
}

/* In characters from the start; -1 where it is not found. */
static enum err find(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_text text = call->subject->text;
	size_t at;

	if (call->values[0].kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	TRY(jinja_heap_read(&call->machine->heap, text.len));
	at = jinja_text_find(text, jinja_text_bytes(call->values[0].text), 0);
	*out = jinja_value_integer(0, JINJA_USER);
	out->number = -1;
	if (at != JINJA_TEXT_NOWHERE) {
		*out = jinja_value_integer(
			jinja_text_length(jinja_text_part(text, 0, at)),
			JINJA_USER);
	}
	return ERR_OK;
}

static enum err count(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_text text = call->subject->text;
	size_t found = 0, at = 0;
	struct bytes wanted;

	if (call->values[0].kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	wanted = jinja_text_bytes(call->values[0].text);
	if (wanted.len == 0)
		return ERR_UNSUPPORTED;
	TRY(jinja_heap_read(&call->machine->heap, text.len));
	while ((at = jinja_text_find(text, wanted, at)) != JINJA_TEXT_NOWHERE) {
		at += wanted.len;
		found++;
	}
	*out = jinja_value_integer(found, JINJA_USER);
	return ERR_OK;
}

/* "{}" is the next argument; nothing else is served between braces. */
static enum err put_argument(const struct jinja_call *call,
			     struct jinja_text *text, size_t *used)
{
	uint32_t code;

	if (text->len == 0 || text->data[0] != '}')
		return ERR_UNSUPPORTED;
	(void)jinja_text_take(text, &code);
	if (*used == call->count)
		return ERR_MALFORMED;
	return jinja_value_print(&call->machine->out, &call->values[(*used)++]);
}

static enum err format(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_machine *machine = call->machine;
	struct jinja_text text = call->subject->text;
	size_t start = machine->out.len, used = 0;

	TRY(jinja_heap_read(&machine->heap, text.len));
	while (text.len > 0) {
		uint32_t code;
		struct jinja_text one = jinja_text_take(&text, &code);

		if (code == '}')
			return ERR_UNSUPPORTED;
		TRY(code == '{' ? put_argument(call, &text, &used)
				: jinja_text_put(&machine->out, one));
	}
	return jinja_machine_finish(machine, start, out);
}

static enum err get(const struct jinja_call *call, struct jinja_value *out)
{
	const struct jinja_pair *found;

	if (call->count == 0 || !jinja_value_is_key(&call->values[0]))
		return ERR_MALFORMED;
	TRY(jinja_heap_work(&call->machine->heap, call->subject->dict.count));
	found = jinja_value_at(call->subject, &call->values[0]);
	if (found != NULL)
		*out = found->value;
	else if (call->count > 1)
		*out = call->values[1];
	else
		*out = (struct jinja_value){ .kind = JINJA_VALUE_NONE };
	return ERR_OK;
}

enum err jinja_method_items(struct jinja_heap *heap,
			    const struct jinja_value *dict,
			    struct jinja_value *out)
{
	size_t pairs = dict->dict.count;
	struct jinja_value *items, *both;

	TRY(jinja_heap_alloc(heap, pairs, sizeof(*items), &items));
	TRY(jinja_heap_alloc(heap, 2 * pairs, sizeof(*both), &both));
	for (size_t i = 0; i < pairs; i++) {
		both[2 * i] = dict->dict.pairs[i].key;
		both[2 * i + 1] = dict->dict.pairs[i].value;
		items[i] = jinja_value_list(&both[2 * i], 2);
	}
	*out = jinja_value_list(items, pairs);
	return ERR_OK;
}

static enum err items_of(const struct jinja_call *call, struct jinja_value *out)
{
	return jinja_method_items(&call->machine->heap, call->subject, out);
}

static enum err keys(const struct jinja_call *call, struct jinja_value *out)
{
	return jinja_value_items(&call->machine->heap, call->subject, out);
}

static enum err values(const struct jinja_call *call, struct jinja_value *out)
{
	size_t pairs = call->subject->dict.count;
	struct jinja_value *items;

	TRY(jinja_heap_alloc(&call->machine->heap, pairs, sizeof(*items),
			     &items));
	for (size_t i = 0; i < pairs; i++)
		items[i] = call->subject->dict.pairs[i].value;
	*out = jinja_value_list(items, pairs);
	return ERR_OK;
}

/* The sandbox that templates are written for forbids changes. */
static enum err refuse(const struct jinja_call *call, struct jinja_value *out)
{
	(void)call;
	(void)out;
	return ERR_MALFORMED;
}

static const struct jinja_callable of_strings[] = {
	{ "strip", "chars ", strip },
	{ "lstrip", "chars ", lstrip },
	{ "rstrip", "chars ", rstrip },
	{ "startswith", "prefix ", startswith },
	{ "endswith", "suffix ", endswith },
	{ "split", "sep maxsplit ", split },
	{ "replace", "old new count ", replace },
	{ "upper", "", upper },
	{ "lower", "", lower },
	{ "title", "", title },
	{ "capitalize", "", capitalize },
	{ "find", "sub ", find },
	{ "count", "sub ", count },
	{ "format", "0 1 2 3 ", format },
	{ "join", "", NULL },
	{ "index", "", NULL },
	{ "encode", "", NULL },
	{ NULL, NULL, NULL },
};

static const struct jinja_callable of_dicts[] = {
	{ "get", "key default ", get },
	{ "items", "", items_of },
	{ "keys", "", keys },
	{ "values", "", values },
	{ "copy", "", NULL },
	{ "pop", "key default ", refuse },
	{ "update", "other ", refuse },
	{ "setdefault", "key default ", refuse },
	{ "clear", "", refuse },
	{ "popitem", "", refuse },
	{ NULL, NULL, NULL },
};

static const struct jinja_callable of_lists[] = {
	{ "append", "item ", refuse },
	{ "extend", "items ", refuse },
	{ "insert", "at item ", refuse },
	{ "pop", "at ", refuse },
	{ "remove", "item ", refuse },
	{ "reverse", "", refuse },
	{ "sort", "", refuse },
	{ "clear", "", refuse },
	{ "index", "item ", NULL },
	{ "count", "item ", NULL },
	{ "copy", "", NULL },
	{ NULL, NULL, NULL },
};

static const struct jinja_callable *table_of(const struct jinja_value *subject)
{
	if (subject->kind == JINJA_VALUE_STRING)
		return of_strings;
	if (subject->kind == JINJA_VALUE_DICT)
		return of_dicts;
	if (subject->kind == JINJA_VALUE_LIST)
		return of_lists;
	return NULL;
}

bool jinja_method_is(const struct jinja_value *subject, struct bytes name)
{
	const struct jinja_callable *table = table_of(subject);

	return table != NULL && jinja_call_find(table, name) != NULL;
}

enum err jinja_method_run(struct jinja_machine *machine, struct bytes name,
			  const struct jinja_value *subject,
			  const struct jinja_arguments *arguments,
			  struct jinja_value *out)
{
	const struct jinja_callable *table = table_of(subject);

	if (subject->kind == JINJA_VALUE_UNDEFINED ||
	    subject->kind == JINJA_VALUE_NONE)
		return ERR_MALFORMED;
	if (table == NULL)
		return ERR_UNSUPPORTED;
	return jinja_call_run(jinja_call_find(table, name), machine, subject,
			      arguments, out);
}
