/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_function.h"

static enum err raise_exception(const struct jinja_call *call,
				struct jinja_value *out)
{
	(void)call;
	(void)out;
	return ERR_MALFORMED;
}

/* How many numbers lie from start up to stop. */
static enum err count_range(int64_t start, int64_t stop, int64_t step,
			    size_t *out)
{
	int64_t span;

	if (step == 0)
		return ERR_MALFORMED;
	if (step > INT32_MAX || step < -INT32_MAX ||
	    __builtin_sub_overflow(stop, start, &span))
		return ERR_UNSUPPORTED;
	*out = 0;
	if (span != 0 && (span > 0) == (step > 0))
		*out = (size_t)((span - (step > 0 ? 1 : -1)) / step) + 1;
	return ERR_OK;
}

static enum err range(const struct jinja_call *call, struct jinja_value *out)
{
	struct jinja_heap *heap = &call->machine->heap;
	int64_t numbers[3] = { 0, 0, 1 };
	struct jinja_value *items;
	size_t count;

	if (call->count == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < call->count; i++) {
		if (!jinja_value_is_number(&call->values[i]))
			return ERR_MALFORMED;
		numbers[call->count == 1 ? 1 : i] = call->values[i].number;
	}
	TRY(count_range(numbers[0], numbers[1], numbers[2], &count));
	TRY(jinja_heap_work(heap, count));
	TRY(jinja_heap_alloc(heap, count, sizeof(*items), &items));
	for (size_t i = 0; i < count; i++) {
		items[i] = jinja_value_integer(0, JINJA_TEMPLATE);
		items[i].number = numbers[0] + (int64_t)i * numbers[2];
	}
	*out = jinja_value_list(items, count);
	return ERR_OK;
}

static const char *const months[] = {
	"January", "February", "March",	    "April",   "May",	   "June",
	"July",	   "August",   "September", "October", "November", "December",
};

static const char *const weekdays[] = {
	"Sunday",   "Monday", "Tuesday",  "Wednesday",
	"Thursday", "Friday", "Saturday",
};

/* Zeller's congruence, with Sunday as 0. */
static size_t weekday(struct jinja_date date)
{
	unsigned int month = date.month < 3 ? date.month + 12u : date.month;
	unsigned int year = date.month < 3 ? date.year - 1u : date.year;

	return (date.day + 13 * (month + 1) / 5 + year + year / 4 - year / 100 +
		year / 400 + 6) %
	       7;
}

static enum err put_name(struct jinja_out *out, const char *name, size_t most)
{
	struct bytes text = bytes_of_string(name);

	if (text.len > most)
		text.len = most;
	return jinja_text_put(out, jinja_text_of(text, JINJA_TEMPLATE));
}

static enum err put_two_digits(struct jinja_out *out, int64_t number)
{
	if (number < 10)
		TRY(jinja_text_put_string(out, "0"));
	return jinja_text_put_number(out, number, JINJA_TEMPLATE);
}

/* What strftime() puts for a letter, of those that concern days. */
static enum err put_field(struct jinja_out *out, uint8_t letter,
			  struct jinja_date date)
{
	switch (letter) {
	case 'd':
		return put_two_digits(out, date.day);
	case 'm':
		return put_two_digits(out, date.month);
	case 'y':
		return put_two_digits(out, date.year % 100);
	case 'Y':
		return jinja_text_put_number(out, date.year, JINJA_TEMPLATE);
	case 'b':
		return put_name(out, months[date.month - 1], 3);
	case 'B':
		return put_name(out, months[date.month - 1], SIZE_MAX);
	case 'a':
		return put_name(out, weekdays[weekday(date)], 3);
	case 'A':
		return put_name(out, weekdays[weekday(date)], SIZE_MAX);
	case '%':
		return jinja_text_put_string(out, "%");
	default:
		return ERR_UNSUPPORTED;
	}
}

/* A character of a format, or a percent sign and its letter. */
static enum err put_next(struct jinja_machine *machine,
			 struct jinja_text *format)
{
	uint32_t code;
	struct jinja_text one = jinja_text_take(format, &code);

	if (code != '%')
		return jinja_text_put(&machine->out, one);
	if (format->len == 0)
		return ERR_UNSUPPORTED;
	one = jinja_text_take(format, &code);
	return put_field(&machine->out, one.data[0], machine->date);
}

static enum err strftime_now(const struct jinja_call *call,
			     struct jinja_value *out)
{
	struct jinja_machine *machine = call->machine;
	struct jinja_text format = call->values[0].text;
	size_t start = machine->out.len;

	if (call->values[0].kind != JINJA_VALUE_STRING)
		return ERR_MALFORMED;
	while (format.len > 0)
		TRY(put_next(machine, &format));
	return jinja_machine_finish(machine, start, out);
}

/* Those without a function exist, but are not served. */
static const struct jinja_callable functions[] = {
	{ "raise_exception", "message ", raise_exception },
	{ "range", "start stop step ", range },
	{ "strftime_now", "format ", strftime_now },
	{ "namespace", "", NULL },
	{ "dict", "", NULL },
	{ "lipsum", "", NULL },
	{ "cycler", "", NULL },
	{ "joiner", "", NULL },
};

#define STRFTIME_NOW 2
#define NAMESPACE 3

enum err jinja_function_define(struct jinja_machine *machine)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct jinja_value value = {
			.kind = JINJA_VALUE_FUNCTION,
			.number = (int64_t)i,
		};

		if (i == STRFTIME_NOW && machine->date.year == 0)
			continue;
		TRY(jinja_machine_define(machine, functions[i].name, &value));
	}
	return ERR_OK;
}

static enum err make_namespace(struct jinja_machine *machine,
			       const struct jinja_arguments *arguments,
			       struct jinja_value *out)
{
	struct jinja_namespace *space;

	TRY(jinja_heap_alloc(&machine->heap, 1, sizeof(*space), &space));
	space->count = 0;
	for (size_t i = 0; i < arguments->count; i++) {
		const struct jinja_argument *argument = &arguments->items[i];

		if (argument->name.len == 0 ||
		    space->count == JINJA_VALUE_ATTRIBUTES_MAX)
			return ERR_UNSUPPORTED;
		space->attributes[space->count++] =
			(struct jinja_attribute){ argument->symbol,
						  argument->value };
	}
	*out = (struct jinja_value){ .kind = JINJA_VALUE_NAMESPACE,
				     .space = space };
	return ERR_OK;
}

enum err jinja_function_run(struct jinja_machine *machine,
			    const struct jinja_value *function,
			    const struct jinja_arguments *arguments,
			    struct jinja_value *out)
{
	if (function->number == NAMESPACE)
		return make_namespace(machine, arguments, out);
	return jinja_call_run(&functions[function->number], machine, NULL,
			      arguments, out);
}
