/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_arithmetic.h"

/* A number that a user's text went into is a user's. */
static enum jinja_source source_of(const struct jinja_value values[2])
{
	return values[0].source == JINJA_USER || values[1].source == JINJA_USER
		       ? JINJA_USER
		       : JINJA_TEMPLATE;
}

static bool both_numbers(const struct jinja_value values[2])
{
	return jinja_value_is_number(&values[0]) &&
	       jinja_value_is_number(&values[1]);
}

static enum err join_lists(struct jinja_machine *machine,
			   const struct jinja_value values[2],
			   struct jinja_value *out)
{
	size_t first = values[0].list.count, count = values[1].list.count;
	struct jinja_value *items;

	TRY(jinja_heap_work(&machine->heap, first + count));
	TRY(jinja_heap_alloc(&machine->heap, first + count, sizeof(*items),
			     &items));
	for (size_t i = 0; i < first; i++)
		items[i] = values[0].list.items[i];
	for (size_t i = 0; i < count; i++)
		items[first + i] = values[1].list.items[i];
	*out = jinja_value_list(items, first + count);
	return ERR_OK;
}

/* Two that are not both strings. */
static enum err add_two(struct jinja_machine *machine,
			const struct jinja_value values[2],
			struct jinja_value *out)
{
	struct jinja_value sum = { .kind = JINJA_VALUE_INTEGER,
				   .source = source_of(values) };

	if (values[0].kind == JINJA_VALUE_SAFE ||
	    values[1].kind == JINJA_VALUE_SAFE)
		return ERR_UNSUPPORTED;
	if (values[0].kind == JINJA_VALUE_LIST &&
	    values[1].kind == JINJA_VALUE_LIST)
		return join_lists(machine, values, out);
	if (!both_numbers(values))
		return ERR_MALFORMED;
	if (__builtin_add_overflow(values[0].number, values[1].number,
				   &sum.number))
		return ERR_UNSUPPORTED;
	*out = sum;
	return ERR_OK;
}

/* As many strings as lie side by side, in one go. */
static enum err add_strings(struct jinja_machine *machine,
			    const struct jinja_value *first,
			    const struct jinja_value *values, size_t count,
			    struct jinja_value *out)
{
	size_t start = machine->out.len;

	TRY(jinja_text_put(&machine->out, first->text));
	for (size_t i = 0; i < count; i++)
		TRY(jinja_text_put(&machine->out, values[i].text));
	return jinja_machine_finish(machine, start, out);
}

static size_t count_strings(const struct jinja_value *values, size_t count)
{
	size_t found = 0;

	while (found < count && values[found].kind == JINJA_VALUE_STRING)
		found++;
	return found;
}

/* The next value, or with a string all strings that follow. */
static enum err add_next(struct jinja_machine *machine,
			 const struct jinja_value *values, size_t count,
			 size_t *at, struct jinja_value *sum)
{
	const struct jinja_value two[2] = { *sum, values[*at] };
	size_t strings = count_strings(values + *at, count - *at);

	if (sum->kind != JINJA_VALUE_STRING || strings == 0) {
		++*at;
		return add_two(machine, two, sum);
	}
	TRY(add_strings(machine, &two[0], values + *at, strings, sum));
	*at += strings;
	return ERR_OK;
}

enum err jinja_arithmetic_add(struct jinja_machine *machine,
			      const struct jinja_value *values, size_t count,
			      struct jinja_value *out)
{
	struct jinja_value sum = values[0];

	for (size_t at = 1; at < count;)
		TRY(add_next(machine, values, count, &at, &sum));
	*out = sum;
	return ERR_OK;
}

enum err jinja_arithmetic_concat(struct jinja_machine *machine,
				 const struct jinja_value *values, size_t count,
				 struct jinja_value *out)
{
	size_t start = machine->out.len;

	for (size_t i = 0; i < count; i++) {
		if (values[i].kind == JINJA_VALUE_SAFE)
			return ERR_UNSUPPORTED;
		TRY(jinja_value_print(&machine->out, &values[i]));
	}
	return jinja_machine_finish(machine, start, out);
}

static enum err repeat(struct jinja_machine *machine, struct jinja_text text,
		       int64_t times, struct jinja_value *out)
{
	size_t start = machine->out.len;
	size_t bytes;

	if (times < 0 || text.len == 0)
		times = 0;
	if (__builtin_mul_overflow(text.len, (size_t)times, &bytes))
		return ERR_TOO_LARGE;
	TRY(jinja_heap_read(&machine->heap, bytes));
	for (int64_t i = 0; i < times; i++)
		TRY(jinja_text_put(&machine->out, text));
	return jinja_machine_finish(machine, start, out);
}

/* Python's quotient is rounded down, and its remainder fits that. */
static enum err divide(enum jinja_node_kind operation, int64_t a, int64_t b,
		       int64_t *out)
{
	int64_t quotient, remainder;

	if (b == 0)
		return ERR_MALFORMED;
	if (b == -1)
		return ERR_UNSUPPORTED; /* the least number has no opposite */
	quotient = a / b;
	remainder = a % b;
	if (remainder != 0 && (remainder < 0) != (b < 0)) {
		quotient--;
		remainder += b;
	}
	*out = operation == JINJA_MODULO ? remainder : quotient;
	return ERR_OK;
}

static enum err combine_numbers(enum jinja_node_kind operation, int64_t a,
				int64_t b, int64_t *out)
{
	if (operation == JINJA_SUBTRACT)
		return __builtin_sub_overflow(a, b, out) ? ERR_UNSUPPORTED
							 : ERR_OK;
	if (operation == JINJA_MULTIPLY)
		return __builtin_mul_overflow(a, b, out) ? ERR_UNSUPPORTED
							 : ERR_OK;
	if (operation == JINJA_FLOOR_DIVIDE || operation == JINJA_MODULO)
		return divide(operation, a, b, out);
	return ERR_UNSUPPORTED;
}

enum err jinja_arithmetic_combine(struct jinja_machine *machine,
				  enum jinja_node_kind operation,
				  const struct jinja_value values[2],
				  struct jinja_value *out)
{
	struct jinja_value made = { .kind = JINJA_VALUE_INTEGER,
				    .source = source_of(values) };

	if (both_numbers(values)) {
		TRY(combine_numbers(operation, values[0].number,
				    values[1].number, &made.number));
		*out = made;
		return ERR_OK;
	}
	if (values[0].kind == JINJA_VALUE_STRING &&
	    operation == JINJA_MULTIPLY && jinja_value_is_number(&values[1]))
		return repeat(machine, values[0].text, values[1].number, out);
	if (values[0].kind == JINJA_VALUE_UNDEFINED ||
	    values[1].kind == JINJA_VALUE_UNDEFINED)
		return ERR_MALFORMED;
	return ERR_UNSUPPORTED;
}

enum err jinja_arithmetic_negate(const struct jinja_value *value,
				 struct jinja_value *out)
{
	struct jinja_value made = { .kind = JINJA_VALUE_INTEGER,
				    .source = value->source };

	if (!jinja_value_is_number(value))
		return ERR_MALFORMED;
	if (__builtin_sub_overflow(0, value->number, &made.number))
		return ERR_UNSUPPORTED;
	*out = made;
	return ERR_OK;
}
