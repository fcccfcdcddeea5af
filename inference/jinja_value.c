/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_value.h"

#include <string.h>

struct jinja_value jinja_value_boolean(bool truth)
{
	return (struct jinja_value){ .kind = JINJA_VALUE_BOOLEAN,
				     .number = truth };
}

struct jinja_value jinja_value_integer(size_t number, enum jinja_source source)
{
	return (struct jinja_value){ .kind = JINJA_VALUE_INTEGER,
				     .source = source,
				     .number = (int64_t)number };
}

struct jinja_value jinja_value_string(struct jinja_text text)
{
	return (struct jinja_value){ .kind = JINJA_VALUE_STRING, .text = text };
}

struct jinja_value jinja_value_list(const struct jinja_value *items,
				    size_t count)
{
	return (struct jinja_value){ .kind = JINJA_VALUE_LIST,
				     .list = { items, count, NULL } };
}

bool jinja_value_is_number(const struct jinja_value *value)
{
	return value->kind == JINJA_VALUE_INTEGER ||
	       value->kind == JINJA_VALUE_BOOLEAN;
}

/* Lists and dicts cannot be looked for. */
bool jinja_value_is_key(const struct jinja_value *value)
{
	return value->kind != JINJA_VALUE_LIST &&
	       value->kind != JINJA_VALUE_DICT;
}

bool jinja_value_truth(const struct jinja_value *value)
{
	switch (value->kind) {
	case JINJA_VALUE_UNDEFINED:
	case JINJA_VALUE_NONE:
		return false;
	case JINJA_VALUE_BOOLEAN:
	case JINJA_VALUE_INTEGER:
		return value->number != 0;
	case JINJA_VALUE_STRING:
	case JINJA_VALUE_SAFE:
		return value->text.len > 0;
	case JINJA_VALUE_LIST:
		return value->list.count > 0;
	case JINJA_VALUE_DICT:
		return value->dict.count > 0;
	case JINJA_VALUE_STREAM: /* even where it holds nothing */
	case JINJA_VALUE_NAMESPACE:
	case JINJA_VALUE_LOOP:
	case JINJA_VALUE_MACRO:
	case JINJA_VALUE_FUNCTION:
		return true;
	}
	return false;
}

/* Keys of dicts: strings, numbers and none. */
static bool equal_scalars(const struct jinja_value *a,
			  const struct jinja_value *b)
{
	if (jinja_value_is_number(a) && jinja_value_is_number(b))
		return a->number == b->number;
	if (a->kind != b->kind)
		return false;
	if (a->kind == JINJA_VALUE_STRING)
		return bytes_equal(jinja_text_bytes(a->text),
				   jinja_text_bytes(b->text));
	return a->kind == JINJA_VALUE_NONE || a->kind == JINJA_VALUE_UNDEFINED;
}

static enum err equal_lists(struct jinja_heap *heap,
			    const struct jinja_value *a,
			    const struct jinja_value *b, bool *out)
{
	bool equal = a->list.count == b->list.count;

	for (size_t i = 0; equal && i < a->list.count; i++)
		TRY(jinja_value_equal(heap, &a->list.items[i],
				      &b->list.items[i], &equal));
	*out = equal;
	return ERR_OK;
}

static enum err equal_dicts(struct jinja_heap *heap,
			    const struct jinja_value *a,
			    const struct jinja_value *b, bool *out)
{
	bool equal = a->dict.count == b->dict.count;

	for (size_t i = 0; equal && i < a->dict.count; i++) {
		const struct jinja_pair *pair = &a->dict.pairs[i];
		const struct jinja_pair *other = jinja_value_at(b, &pair->key);

		TRY(jinja_heap_work(heap, b->dict.count));
		if (other == NULL)
			equal = false;
		else
			TRY(jinja_value_equal(heap, &pair->value, &other->value,
					      &equal));
	}
	*out = equal;
	return ERR_OK;
}

/* Depth counts because lists hold lists. */
enum err jinja_value_equal(struct jinja_heap *heap, const struct jinja_value *a,
			   const struct jinja_value *b, bool *out)
{
	TRY(jinja_heap_enter(heap));
	if (a->kind == JINJA_VALUE_LIST && b->kind == JINJA_VALUE_LIST) {
		TRY(equal_lists(heap, a, b, out));
	} else if (a->kind == JINJA_VALUE_DICT && b->kind == JINJA_VALUE_DICT) {
		TRY(equal_dicts(heap, a, b, out));
	} else if (a->kind == JINJA_VALUE_SAFE || b->kind == JINJA_VALUE_SAFE ||
		   (a->kind == b->kind && a->kind > JINJA_VALUE_DICT)) {
		return ERR_UNSUPPORTED;
	} else {
		if (a->kind == JINJA_VALUE_STRING)
			TRY(jinja_heap_read(heap, a->text.len));
		*out = equal_scalars(a, b);
	}
	jinja_heap_leave(heap);
	return ERR_OK;
}

enum err jinja_value_order(const struct jinja_value *a,
			   const struct jinja_value *b, int *out)
{
	if (jinja_value_is_number(a) && jinja_value_is_number(b)) {
		*out = (a->number > b->number) - (a->number < b->number);
		return ERR_OK;
	}
	if (a->kind == JINJA_VALUE_STRING && b->kind == JINJA_VALUE_STRING) {
		/* UTF-8 orders as the code points do. */
		struct bytes x = jinja_text_bytes(a->text);
		struct bytes y = jinja_text_bytes(b->text);
		size_t len = x.len < y.len ? x.len : y.len;
		int order = len == 0 ? 0 : memcmp(x.data, y.data, len);

		*out = order != 0 ? order : (x.len > y.len) - (x.len < y.len);
		return ERR_OK;
	}
	return a->kind == JINJA_VALUE_LIST && b->kind == JINJA_VALUE_LIST
		       ? ERR_UNSUPPORTED
		       : ERR_MALFORMED;
}

const struct jinja_pair *jinja_value_at(const struct jinja_value *dict,
					const struct jinja_value *key)
{
	for (size_t i = 0; i < dict->dict.count; i++)
		if (equal_scalars(&dict->dict.pairs[i].key, key))
			return &dict->dict.pairs[i];
	return NULL;
}

static enum err characters(struct jinja_heap *heap, struct jinja_text text,
			   struct jinja_value *out)
{
	size_t count = jinja_text_length(text);
	struct jinja_value *items;
	uint32_t code;

	TRY(jinja_heap_read(heap, text.len));
	TRY(jinja_heap_alloc(heap, count, sizeof(*items), &items));
	for (size_t i = 0; i < count; i++)
		items[i] = jinja_value_string(jinja_text_take(&text, &code));
	*out = jinja_value_list(items, count);
	return ERR_OK;
}

static enum err keys(struct jinja_heap *heap, const struct jinja_value *dict,
		     struct jinja_value *out)
{
	size_t count = dict->dict.count;
	struct jinja_value *items;

	TRY(jinja_heap_alloc(heap, count, sizeof(*items), &items));
	for (size_t i = 0; i < count; i++)
		items[i] = dict->dict.pairs[i].key;
	*out = jinja_value_list(items, count);
	return ERR_OK;
}

enum err jinja_value_items(struct jinja_heap *heap,
			   const struct jinja_value *value,
			   struct jinja_value *out)
{
	if (value->kind == JINJA_VALUE_STRING)
		return characters(heap, value->text, out);
	if (value->kind == JINJA_VALUE_DICT)
		return keys(heap, value, out);
	if (value->kind == JINJA_VALUE_UNDEFINED) {
		*out = jinja_value_list(NULL, 0);
		return ERR_OK;
	}
	if (value->kind == JINJA_VALUE_STREAM) {
		if (*value->list.walked)
			return ERR_UNSUPPORTED;
		*value->list.walked = true;
		*out = jinja_value_list(value->list.items, value->list.count);
		return ERR_OK;
	}
	if (value->kind == JINJA_VALUE_SAFE)
		return ERR_UNSUPPORTED;
	if (value->kind != JINJA_VALUE_LIST)
		return ERR_MALFORMED;
	*out = *value;
	return ERR_OK;
}

enum err jinja_value_stream(struct jinja_heap *heap,
			    const struct jinja_value *items, size_t count,
			    struct jinja_value *out)
{
	struct jinja_value made = jinja_value_list(items, count);

	made.kind = JINJA_VALUE_STREAM;
	TRY(jinja_heap_alloc(heap, 1, sizeof(bool), &made.list.walked));
	*made.list.walked = false;
	*out = made;
	return ERR_OK;
}

enum err jinja_value_print(struct jinja_out *out,
			   const struct jinja_value *value)
{
	switch (value->kind) {
	case JINJA_VALUE_UNDEFINED:
		return ERR_OK;
	case JINJA_VALUE_NONE:
		return jinja_text_put_string(out, "None");
	case JINJA_VALUE_BOOLEAN:
		return jinja_text_put_string(out, value->number != 0 ? "True"
								     : "False");
	case JINJA_VALUE_INTEGER:
		return jinja_text_put_number(out, value->number, value->source);
	case JINJA_VALUE_STRING:
	case JINJA_VALUE_SAFE:
		return jinja_text_put(out, value->text);
	case JINJA_VALUE_LIST:
	case JINJA_VALUE_STREAM:
	case JINJA_VALUE_DICT:
	case JINJA_VALUE_NAMESPACE:
	case JINJA_VALUE_LOOP:
	case JINJA_VALUE_MACRO:
	case JINJA_VALUE_FUNCTION:
		break;
	}
	return ERR_UNSUPPORTED;
}

enum err jinja_value_as_text(struct jinja_heap *heap, struct jinja_out *out,
			     const struct jinja_value *value,
			     struct jinja_text *text)
{
	size_t start = out->len;

	if (value->kind == JINJA_VALUE_STRING) {
		*text = value->text;
		return ERR_OK;
	}
	/* A filter on a safe string would be safe again. */
	if (value->kind == JINJA_VALUE_SAFE)
		return ERR_UNSUPPORTED;
	TRY(jinja_value_print(out, value));
	return jinja_text_finish(out, start, heap, text);
}
