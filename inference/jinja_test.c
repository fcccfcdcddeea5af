/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_test.h"

/* Whether a collection holds a value: what "in" asks. */
static enum err holds(struct jinja_heap *heap, const struct jinja_value *value,
		      const struct jinja_value *collection, bool *out)
{
	struct jinja_value items;
	bool found = false;

	if (collection->kind == JINJA_VALUE_STRING) {
		if (value->kind != JINJA_VALUE_STRING)
			return ERR_MALFORMED;
		TRY(jinja_heap_read(heap, collection->text.len));
		*out = jinja_text_find(collection->text,
				       jinja_text_bytes(value->text),
				       0) != JINJA_TEXT_NOWHERE;
		return ERR_OK;
	}
	if (collection->kind == JINJA_VALUE_DICT) {
		if (!jinja_value_is_key(value))
			return ERR_MALFORMED;
		TRY(jinja_heap_work(heap, collection->dict.count));
		*out = jinja_value_at(collection, value) != NULL;
		return ERR_OK;
	}
	TRY(jinja_value_items(heap, collection, &items));
	for (size_t i = 0; !found && i < items.list.count; i++)
		TRY(jinja_value_equal(heap, value, &items.list.items[i],
				      &found));
	*out = found;
	return ERR_OK;
}

static enum err compare_order(enum jinja_comparison comparison,
			      const struct jinja_value *a,
			      const struct jinja_value *b, bool *out)
{
	int order;

	TRY(jinja_value_order(a, b, &order));
	if (comparison == JINJA_LESS)
		*out = order < 0;
	else if (comparison == JINJA_LESS_OR_EQUAL)
		*out = order <= 0;
	else if (comparison == JINJA_GREATER)
		*out = order > 0;
	else
		*out = order >= 0;
	return ERR_OK;
}

enum err jinja_test_compare(struct jinja_heap *heap,
			    enum jinja_comparison comparison,
			    const struct jinja_value *a,
			    const struct jinja_value *b, bool *out)
{
	bool found;

	if (comparison == JINJA_IN || comparison == JINJA_NOT_IN) {
		TRY(holds(heap, a, b, &found));
		*out = found == (comparison == JINJA_IN);
		return ERR_OK;
	}
	if (comparison == JINJA_EQUAL || comparison == JINJA_UNEQUAL) {
		TRY(jinja_value_equal(heap, a, b, &found));
		*out = found == (comparison == JINJA_EQUAL);
		return ERR_OK;
	}
	return compare_order(comparison, a, b, out);
}

static enum err answer(bool truth, struct jinja_value *out)
{
	*out = jinja_value_boolean(truth);
	return ERR_OK;
}

static enum jinja_value_kind kind_of(const struct jinja_call *call)
{
	return call->subject->kind;
}

static enum err is_defined(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return answer(kind_of(call) != JINJA_VALUE_UNDEFINED, out);
}

static enum err is_undefined(const struct jinja_call *call,
			     struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_UNDEFINED, out);
}

static enum err is_none(const struct jinja_call *call, struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_NONE, out);
}

static enum err is_string(const struct jinja_call *call,
			  struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_STRING ||
			      kind_of(call) == JINJA_VALUE_SAFE,
		      out);
}

static enum err is_mapping(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_DICT, out);
}

/* What has a length and is asked for items by key; Python counts dicts, and
 * what is undefined. */
static enum err is_sequence(const struct jinja_call *call,
			    struct jinja_value *out)
{
	enum jinja_value_kind kind = kind_of(call);

	return answer(kind == JINJA_VALUE_LIST || kind == JINJA_VALUE_DICT ||
			      kind == JINJA_VALUE_STRING ||
			      kind == JINJA_VALUE_SAFE ||
			      kind == JINJA_VALUE_UNDEFINED,
		      out);
}

static enum err is_iterable(const struct jinja_call *call,
			    struct jinja_value *out)
{
	if (kind_of(call) == JINJA_VALUE_STREAM ||
	    kind_of(call) == JINJA_VALUE_LOOP)
		return answer(true, out);
	return is_sequence(call, out);
}

static enum err is_number(const struct jinja_call *call,
			  struct jinja_value *out)
{
	return answer(jinja_value_is_number(call->subject), out);
}

static enum err is_integer(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_INTEGER, out);
}

static enum err is_float(const struct jinja_call *call, struct jinja_value *out)
{
	(void)call; /* there are none */
	return answer(false, out);
}

static enum err is_boolean(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_BOOLEAN, out);
}

static enum err is_true(const struct jinja_call *call, struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_BOOLEAN &&
			      call->subject->number != 0,
		      out);
}

static enum err is_false(const struct jinja_call *call, struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_BOOLEAN &&
			      call->subject->number == 0,
		      out);
}

static enum err is_callable(const struct jinja_call *call,
			    struct jinja_value *out)
{
	return answer(kind_of(call) == JINJA_VALUE_MACRO ||
			      kind_of(call) == JINJA_VALUE_FUNCTION,
		      out);
}

/* The remainder of the subject by a divisor, which is not zero. */
static enum err divides(const struct jinja_call *call, int64_t divisor,
			int64_t remainder, struct jinja_value *out)
{
	if (!jinja_value_is_number(call->subject) || divisor == 0)
		return ERR_MALFORMED;
	if (divisor < 0)
		return ERR_UNSUPPORTED;
	return answer((call->subject->number % divisor + divisor) % divisor ==
			      remainder,
		      out);
}

static enum err is_odd(const struct jinja_call *call, struct jinja_value *out)
{
	return divides(call, 2, 1, out);
}

static enum err is_even(const struct jinja_call *call, struct jinja_value *out)
{
	return divides(call, 2, 0, out);
}

static enum err is_divisible(const struct jinja_call *call,
			     struct jinja_value *out)
{
	if (!jinja_value_is_number(&call->values[0]))
		return ERR_MALFORMED;
	return divides(call, call->values[0].number, 0, out);
}

static enum err compare(const struct jinja_call *call,
			enum jinja_comparison comparison,
			struct jinja_value *out)
{
	bool truth;

	if (call->count != 1)
		return ERR_MALFORMED;
	TRY(jinja_test_compare(&call->machine->heap, comparison, call->subject,
			       &call->values[0], &truth));
	return answer(truth, out);
}

static enum err is_equal(const struct jinja_call *call, struct jinja_value *out)
{
	return compare(call, JINJA_EQUAL, out);
}

static enum err is_unequal(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return compare(call, JINJA_UNEQUAL, out);
}

static enum err is_less(const struct jinja_call *call, struct jinja_value *out)
{
	return compare(call, JINJA_LESS, out);
}

static enum err is_at_most(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return compare(call, JINJA_LESS_OR_EQUAL, out);
}

static enum err is_greater(const struct jinja_call *call,
			   struct jinja_value *out)
{
	return compare(call, JINJA_GREATER, out);
}

static enum err is_at_least(const struct jinja_call *call,
			    struct jinja_value *out)
{
	return compare(call, JINJA_GREATER_OR_EQUAL, out);
}

static enum err is_in(const struct jinja_call *call, struct jinja_value *out)
{
	return compare(call, JINJA_IN, out);
}

static const struct jinja_callable tests[] = {
	{ "defined", "", is_defined },
	{ "undefined", "", is_undefined },
	{ "none", "", is_none },
	{ "string", "", is_string },
	{ "mapping", "", is_mapping },
	{ "sequence", "", is_sequence },
	{ "iterable", "", is_iterable },
	{ "number", "", is_number },
	{ "integer", "", is_integer },
	{ "float", "", is_float },
	{ "boolean", "", is_boolean },
	{ "true", "", is_true },
	{ "false", "", is_false },
	{ "callable", "", is_callable },
	{ "odd", "", is_odd },
	{ "even", "", is_even },
	{ "divisibleby", "num ", is_divisible },
	{ "equalto", "b ", is_equal },
	{ "eq", "b ", is_equal },
	{ "==", "b ", is_equal },
	{ "ne", "b ", is_unequal },
	{ "!=", "b ", is_unequal },
	{ "lt", "b ", is_less },
	{ "lessthan", "b ", is_less },
	{ "<", "b ", is_less },
	{ "le", "b ", is_at_most },
	{ "<=", "b ", is_at_most },
	{ "gt", "b ", is_greater },
	{ "greaterthan", "b ", is_greater },
	{ ">", "b ", is_greater },
	{ "ge", "b ", is_at_least },
	{ ">=", "b ", is_at_least },
	{ "in", "seq ", is_in },
	{ NULL, NULL, NULL },
};

enum err jinja_test_run(struct jinja_machine *machine, struct bytes name,
			const struct jinja_value *subject,
			const struct jinja_arguments *arguments, bool *out)
{
	struct jinja_value value;

	TRY(jinja_call_run(jinja_call_find(tests, name), machine, subject,
			   arguments, &value));
	*out = jinja_value_truth(&value);
	return ERR_OK;
}
