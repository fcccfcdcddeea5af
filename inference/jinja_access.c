/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_access.h"

#include "inference/jinja_method.h"

static const struct jinja_value undefined = { .kind = JINJA_VALUE_UNDEFINED };

static struct jinja_value integer(size_t number)
{
	return jinja_value_integer(number, JINJA_TEMPLATE);
}

/* loop.first and so on. */
static enum err loop_attribute(const struct jinja_loop *loop, struct bytes name,
			       struct jinja_value *out)
{
	size_t left = loop->count - loop->at;
	const struct {
		const char *name;
		struct jinja_value value;
	} table[] = {
		{ "index", integer(loop->at + 1) },
		{ "index0", integer(loop->at) },
		{ "revindex", integer(left) },
		{ "revindex0", integer(left - 1) },
		{ "first", jinja_value_boolean(loop->at == 0) },
		{ "last", jinja_value_boolean(left == 1) },
		{ "length", integer(loop->count) },
		{ "previtem",
		  loop->at > 0 ? loop->items[loop->at - 1] : undefined },
		{ "nextitem",
		  left > 1 ? loop->items[loop->at + 1] : undefined },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!bytes_equal(name, bytes_of_string(table[i].name)))
			continue;
		*out = table[i].value;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static struct jinja_value space_attribute(const struct jinja_machine *machine,
					  const struct jinja_namespace *space,
					  struct bytes name)
{
	for (size_t i = 0; i < space->count; i++) {
		if (bytes_equal(machine->program
					->strings[space->attributes[i].name],
				name))
			return space->attributes[i].value;
	}
	return undefined;
}

static struct jinja_value dict_item(const struct jinja_value *dict,
				    struct bytes name)
{
	const struct jinja_value key =
		jinja_value_string(jinja_text_of(name, JINJA_TEMPLATE));
	const struct jinja_pair *found = jinja_value_at(dict, &key);

	return found == NULL ? undefined : found->value;
}

/* Of things that have neither keys nor methods. */
static enum err plain_attribute(struct jinja_machine *machine,
				const struct jinja_value *object,
				struct bytes name, struct jinja_value *out)
{
	if (object->kind == JINJA_VALUE_LOOP)
		return loop_attribute(object->loop, name, out);
	if (object->kind == JINJA_VALUE_UNDEFINED)
		return ERR_MALFORMED;
	if (object->kind >= JINJA_VALUE_MACRO ||
	    object->kind == JINJA_VALUE_SAFE)
		return ERR_UNSUPPORTED;
	*out = object->kind == JINJA_VALUE_NAMESPACE
		       ? space_attribute(machine, object->space, name)
		       : undefined;
	return ERR_OK;
}

enum err jinja_access_attribute(struct jinja_machine *machine,
				const struct jinja_value *object,
				struct bytes name, struct jinja_value *out)
{
	if (jinja_method_is(object, name))
		return ERR_UNSUPPORTED;
	return jinja_access_key(machine, object, name, out);
}

enum err jinja_access_key(struct jinja_machine *machine,
			  const struct jinja_value *object, struct bytes name,
			  struct jinja_value *out)
{
	if (object->kind != JINJA_VALUE_DICT)
		return plain_attribute(machine, object, name, out);
	TRY(jinja_heap_work(&machine->heap, object->dict.count));
	*out = dict_item(object, name);
	/* Where a dict has no such key its method answers. */
	return out->kind == JINJA_VALUE_UNDEFINED &&
			       jinja_method_is(object, name)
		       ? ERR_UNSUPPORTED
		       : ERR_OK;
}

/* The n-th character, of which none is left over. */
static struct jinja_value character(struct jinja_text text, size_t at)
{
	struct jinja_text one = { .len = 0 };
	uint32_t code;

	for (size_t i = 0; i <= at; i++)
		one = jinja_text_take(&text, &code);
	return jinja_value_string(one);
}

/* By place, from the end where it is negative. */
static enum err item_at(struct jinja_machine *machine,
			const struct jinja_value *object, int64_t at,
			struct jinja_value *out)
{
	bool text = object->kind == JINJA_VALUE_STRING;
	size_t count = object->list.count;

	if (text) {
		TRY(jinja_heap_read(&machine->heap, object->text.len));
		count = jinja_text_length(object->text);
	}
	if (at < 0)
		at += (int64_t)count;
	*out = undefined;
	if (at >= 0 && (uint64_t)at < count)
		*out = text ? character(object->text, (size_t)at)
			    : object->list.items[at];
	return ERR_OK;
}

enum err jinja_access_item(struct jinja_machine *machine,
			   const struct jinja_value *object,
			   const struct jinja_value *key,
			   struct jinja_value *out)
{
	const struct jinja_pair *found;

	if (object->kind == JINJA_VALUE_UNDEFINED)
		return ERR_MALFORMED;
	if (key->kind == JINJA_VALUE_STRING)
		return jinja_access_key(machine, object,
					jinja_text_bytes(key->text), out);
	if (object->kind == JINJA_VALUE_DICT) {
		TRY(jinja_heap_work(&machine->heap, object->dict.count));
		found = jinja_value_at(object, key);
		*out = found == NULL ? undefined : found->value;
		return ERR_OK;
	}
	if ((object->kind == JINJA_VALUE_LIST ||
	     object->kind == JINJA_VALUE_STRING) &&
	    jinja_value_is_number(key))
		return item_at(machine, object, key->number, out);
	*out = undefined;
	return object->kind == JINJA_VALUE_SAFE ? ERR_UNSUPPORTED : ERR_OK;
}

/* A slice in places of a list: `count` of them, `step` apart. */
struct places {
	int64_t start;
	int64_t step;
	size_t count;
};

/* Where a bound falls; -1 and len are just outside. */
static enum err read_bound(const struct jinja_value *bound, int64_t len,
			   int64_t step, int64_t missing, int64_t *out)
{
	int64_t least = step < 0 ? -1 : 0;
	int64_t most = step < 0 ? len - 1 : len;
	int64_t at;

	*out = missing;
	if (bound->kind == JINJA_VALUE_NONE)
		return ERR_OK;
	if (!jinja_value_is_number(bound))
		return ERR_MALFORMED;
	at = bound->number;
	if (at < 0 && __builtin_add_overflow(at, len, &at))
		at = least;
	if (at < least)
		at = least;
	*out = at > most ? most : at;
	return ERR_OK;
}

/* As slice.indices() does it. */
static enum err read_places(const struct jinja_value bounds[3], size_t count,
			    struct places *out)
{
	int64_t len = (int64_t)count, step = 1, start, stop, span;

	if (jinja_value_is_number(&bounds[2]))
		step = bounds[2].number;
	else if (bounds[2].kind != JINJA_VALUE_NONE)
		return ERR_MALFORMED;
	if (step == 0)
		return ERR_MALFORMED;
	if (step > INT32_MAX || step < -INT32_MAX)
		return ERR_UNSUPPORTED;
	TRY(read_bound(&bounds[0], len, step, step < 0 ? len - 1 : 0, &start));
	TRY(read_bound(&bounds[1], len, step, step < 0 ? -1 : len, &stop));
	span = step < 0 ? start - stop : stop - start;
	*out = (struct places){ start, step, 0 };
	if (span > 0)
		out->count =
			(size_t)((span - 1) / (step < 0 ? -step : step)) + 1;
	return ERR_OK;
}

static enum err slice_list(struct jinja_machine *machine,
			   const struct jinja_value *list,
			   const struct places *places, struct jinja_value *out)
{
	struct jinja_value *items;

	TRY(jinja_heap_work(&machine->heap, places->count));
	if (places->step == 1 && places->count > 0) {
		*out = jinja_value_list(list->list.items + places->start,
					places->count);
		return ERR_OK;
	}
	TRY(jinja_heap_alloc(&machine->heap, places->count, sizeof(*items),
			     &items));
	for (size_t i = 0; i < places->count; i++)
		items[i] = list->list.items[places->start +
					    (int64_t)i * places->step];
	*out = jinja_value_list(items, places->count);
	return ERR_OK;
}

/* So many characters from the front. */
static struct jinja_text take_characters(struct jinja_text *text, size_t count)
{
	struct jinja_text before = *text;
	uint32_t code;

	for (size_t i = 0; i < count; i++)
		(void)jinja_text_take(text, &code);
	return jinja_text_part(before, 0, before.len - text->len);
}

/* Side by side they are a part of the text; otherwise they are copied. */
static enum err slice_text(struct jinja_machine *machine,
			   struct jinja_text text, const struct places *places,
			   struct jinja_value *out)
{
	const struct jinja_value whole = jinja_value_string(text);
	size_t start = machine->out.len;
	struct jinja_value items, chosen;

	TRY(jinja_heap_read(&machine->heap, text.len));
	if (places->step == 1 && places->count > 0) {
		(void)take_characters(&text, (size_t)places->start);
		*out = jinja_value_string(
			take_characters(&text, places->count));
		return ERR_OK;
	}
	TRY(jinja_value_items(&machine->heap, &whole, &items));
	TRY(slice_list(machine, &items, places, &chosen));
	for (size_t i = 0; i < chosen.list.count; i++)
		TRY(jinja_text_put(&machine->out, chosen.list.items[i].text));
	return jinja_machine_finish(machine, start, out);
}

enum err jinja_access_slice(struct jinja_machine *machine,
			    const struct jinja_value *object,
			    const struct jinja_value bounds[3],
			    struct jinja_value *out)
{
	bool text = object->kind == JINJA_VALUE_STRING;
	struct places places;

	if (object->kind == JINJA_VALUE_UNDEFINED)
		return ERR_MALFORMED;
	if (!text && object->kind != JINJA_VALUE_LIST) {
		*out = undefined;
		return object->kind == JINJA_VALUE_NONE ? ERR_OK
							: ERR_UNSUPPORTED;
	}
	TRY(read_places(bounds,
			text ? jinja_text_length(object->text)
			     : object->list.count,
			&places));
	return text ? slice_text(machine, object->text, &places, out)
		    : slice_list(machine, object, &places, out);
}
