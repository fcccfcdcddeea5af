/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_choose.h"

#include <string.h>

#include "inference/jinja_access.h"
#include "inference/jinja_filter.h"
#include "inference/jinja_test.h"

static const char *const names[] = {
	[JINJA_CHOOSE_SELECT] = "select",
	[JINJA_CHOOSE_REJECT] = "reject",
	[JINJA_CHOOSE_SELECT_ATTRIBUTE] = "selectattr",
	[JINJA_CHOOSE_REJECT_ATTRIBUTE] = "rejectattr",
	[JINJA_CHOOSE_MAP] = "map",
};

bool jinja_choose_find(struct bytes name, enum jinja_choose_kind *kind)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!bytes_equal(bytes_of_string(names[i]), name))
			continue;
		*kind = (enum jinja_choose_kind)i;
		return true;
	}
	return false;
}

/* The name that the n-th argument is; a path or a number is not served. */
static enum err read_name(const struct jinja_argument *argument,
			  struct bytes *out)
{
	struct bytes text;

	if (argument->value.kind != JINJA_VALUE_STRING)
		return ERR_UNSUPPORTED;
	text = jinja_text_bytes(argument->value.text);
	if (text.len == 0 || memchr(text.data, '.', text.len) != NULL ||
	    (text.data[0] >= '0' && text.data[0] <= '9'))
		return ERR_UNSUPPORTED;
	*out = text;
	return ERR_OK;
}

/* Whether an item passes: the test named by the first argument, if any. */
static enum err passes(struct jinja_machine *machine,
		       const struct jinja_value *item,
		       const struct jinja_arguments *arguments, bool *out)
{
	struct jinja_arguments rest = jinja_call_rest(arguments, 1);
	struct bytes test;

	if (arguments->count == 0) {
		*out = jinja_value_truth(item);
		return ERR_OK;
	}
	TRY(read_name(&arguments->items[0], &test));
	return jinja_test_run(machine, test, item, &rest, out);
}

/* What is asked about: the item, or an attribute of it. */
static enum err look(struct jinja_machine *machine, enum jinja_choose_kind kind,
		     const struct jinja_value *item,
		     const struct jinja_arguments *arguments, bool *out)
{
	struct jinja_arguments rest = *arguments;
	struct jinja_value value = *item;
	struct bytes name;
	bool passed;

	if (kind >= JINJA_CHOOSE_SELECT_ATTRIBUTE) {
		if (arguments->count == 0)
			return ERR_MALFORMED;
		TRY(read_name(&arguments->items[0], &name));
		TRY(jinja_access_key(machine, item, name, &value));
		rest = jinja_call_rest(arguments, 1);
	}
	TRY(passes(machine, &value, &rest, &passed));
	*out = passed == (kind == JINJA_CHOOSE_SELECT ||
			  kind == JINJA_CHOOSE_SELECT_ATTRIBUTE);
	return ERR_OK;
}

/* map(attribute=name, default=value) */
static enum err map_attribute(struct jinja_machine *machine,
			      const struct jinja_value *item,
			      const struct jinja_arguments *arguments,
			      struct jinja_value *out)
{
	const struct jinja_argument *other = &arguments->items[1];
	struct bytes name;

	TRY(read_name(&arguments->items[0], &name));
	if (arguments->count > 2 ||
	    (arguments->count == 2 &&
	     !bytes_equal(other->name, BYTES_LITERAL("default"))))
		return ERR_UNSUPPORTED;
	TRY(jinja_access_key(machine, item, name, out));
	if (out->kind == JINJA_VALUE_UNDEFINED && arguments->count == 2)
		*out = other->value;
	return ERR_OK;
}

static enum err map(struct jinja_machine *machine,
		    const struct jinja_value *item,
		    const struct jinja_arguments *arguments,
		    struct jinja_value *out)
{
	struct jinja_arguments rest = jinja_call_rest(arguments, 1);
	struct bytes filter;

	if (arguments->count == 0)
		return ERR_MALFORMED;
	if (bytes_equal(arguments->items[0].name, BYTES_LITERAL("attribute")))
		return map_attribute(machine, item, arguments, out);
	TRY(read_name(&arguments->items[0], &filter));
	return jinja_filter_run(machine, filter, item, &rest, out);
}

enum err jinja_choose_run(struct jinja_machine *machine,
			  enum jinja_choose_kind kind,
			  const struct jinja_value *subject,
			  const struct jinja_arguments *arguments,
			  struct jinja_value *out)
{
	struct jinja_value items, *chosen;
	size_t count = 0;

	/* What is not true has no items, even where it cannot have any. */
	if (!jinja_value_truth(subject))
		return jinja_value_stream(&machine->heap, NULL, 0, out);
	TRY(jinja_heap_enter(&machine->heap));
	TRY(jinja_value_items(&machine->heap, subject, &items));
	TRY(jinja_heap_alloc(&machine->heap, items.list.count, sizeof(*chosen),
			     &chosen));
	for (size_t i = 0; i < items.list.count; i++) {
		const struct jinja_value *item = &items.list.items[i];
		bool keep = true;

		TRY(jinja_heap_work(&machine->heap, 1));
		chosen[count] = *item;
		if (kind == JINJA_CHOOSE_MAP)
			TRY(map(machine, item, arguments, &chosen[count]));
		else
			TRY(look(machine, kind, item, arguments, &keep));
		count += keep;
	}
	jinja_heap_leave(&machine->heap);
	return jinja_value_stream(&machine->heap, chosen, count, out);
}
