/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_call.h"

#include <string.h>

const struct jinja_callable *jinja_call_find(const struct jinja_callable *table,
					     struct bytes name)
{
	for (; table->name != NULL; table++)
		if (bytes_equal(bytes_of_string(table->name), name))
			return table;
	return NULL;
}

/* The place of a name among parameters; one that has none is refused. */
static enum err place_of(const char *parameters, struct bytes name, size_t *out)
{
	size_t at = 0;

	for (; *parameters != '\0'; at++) {
		size_t len = strcspn(parameters, " ");
		struct bytes word = { (const uint8_t *)parameters, len };

		if (bytes_equal(word, name)) {
			*out = at;
			return ERR_OK;
		}
		parameters += len + 1;
	}
	return ERR_UNSUPPORTED;
}

static size_t count_words(const char *parameters)
{
	size_t count = 0;

	for (; *parameters != '\0'; parameters++)
		count += *parameters == ' ';
	return count;
}

static enum err place_arguments(const char *parameters,
				const struct jinja_arguments *arguments,
				struct jinja_call *call)
{
	size_t most = count_words(parameters);

	invariant(most <= JINJA_CALL_PARAMETERS_MAX);
	for (size_t i = 0; i < arguments->count; i++) {
		const struct jinja_argument *argument = &arguments->items[i];
		size_t at = i;

		if (argument->name.len > 0)
			TRY(place_of(parameters, argument->name, &at));
		if (at >= most)
			return ERR_UNSUPPORTED;
		call->values[at] = argument->value;
		if (at >= call->count)
			call->count = at + 1;
	}
	return ERR_OK;
}

enum err jinja_call_run(const struct jinja_callable *callable,
			struct jinja_machine *machine,
			const struct jinja_value *subject,
			const struct jinja_arguments *arguments,
			struct jinja_value *out)
{
	struct jinja_call call = { .machine = machine, .subject = subject };
	size_t start = machine->out.len;

	if (callable == NULL || callable->function == NULL)
		return ERR_UNSUPPORTED;
	TRY(place_arguments(callable->parameters, arguments, &call));
	TRY(callable->function(&call, out));
	/* Whatever was made in `out` has been taken back from it. */
	invariant(machine->out.len == start);
	return ERR_OK;
}

struct jinja_arguments jinja_call_rest(const struct jinja_arguments *arguments,
				       size_t from)
{
	if (from > arguments->count)
		from = arguments->count;
	return (struct jinja_arguments){ arguments->items + from,
					 arguments->count - from };
}
