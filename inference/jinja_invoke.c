/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_invoke.h"

#include "inference/jinja_evaluate.h"
#include "inference/jinja_execute.h"
#include "inference/jinja_filter.h"
#include "inference/jinja_function.h"
#include "inference/jinja_method.h"
#include "inference/jinja_test.h"

static const struct jinja_node *node_at(const struct jinja_machine *machine,
					uint32_t node)
{
	return jinja_machine_node(machine, node);
}

static uint32_t next_of(const struct jinja_machine *machine, uint32_t node)
{
	return jinja_machine_node(machine, node)->next;
}

static enum err one_argument(struct jinja_machine *machine, uint32_t node,
			     struct jinja_argument *out)
{
	const struct jinja_node *what = node_at(machine, node);

	*out = (struct jinja_argument){ .symbol = JINJA_PROGRAM_NONE };
	if (what->kind == JINJA_KEYWORD) {
		out->name = jinja_machine_text(machine, what);
		out->symbol = what->text;
		node = what->child;
	}
	return jinja_evaluate(machine, node, &out->value);
}

static enum err arguments_of(struct jinja_machine *machine, uint32_t first,
			     struct jinja_arguments *out)
{
	struct jinja_argument *items;
	size_t count = 0;

	for (uint32_t i = first; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i))
		count++;
	TRY(jinja_heap_alloc(&machine->heap, count, sizeof(*items), &items));
	count = 0;
	for (uint32_t i = first; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i))
		TRY(one_argument(machine, i, &items[count++]));
	*out = (struct jinja_arguments){ items, count };
	return ERR_OK;
}

enum err jinja_invoke_call(struct jinja_machine *machine,
			   const struct jinja_node *node,
			   struct jinja_value *out)
{
	struct jinja_arguments arguments;
	struct jinja_value callee;

	TRY(jinja_evaluate(machine, node->child, &callee));
	TRY(arguments_of(machine, next_of(machine, node->child), &arguments));
	if (callee.kind == JINJA_VALUE_MACRO)
		return jinja_execute_macro(machine, (uint32_t)callee.number,
					   &arguments, out);
	if (callee.kind == JINJA_VALUE_FUNCTION)
		return jinja_function_run(machine, &callee, &arguments, out);
	return ERR_MALFORMED;
}

/* The subject of a method, filter or test, and its arguments. */
static enum err subject_of(struct jinja_machine *machine,
			   const struct jinja_node *node,
			   struct jinja_value *subject,
			   struct jinja_arguments *arguments)
{
	TRY(jinja_evaluate(machine, node->child, subject));
	return arguments_of(machine, next_of(machine, node->child), arguments);
}

enum err jinja_invoke_method(struct jinja_machine *machine,
			     const struct jinja_node *node,
			     struct jinja_value *out)
{
	struct jinja_arguments arguments;
	struct jinja_value subject;

	TRY(subject_of(machine, node, &subject, &arguments));
	return jinja_method_run(machine, jinja_machine_text(machine, node),
				&subject, &arguments, out);
}

enum err jinja_invoke_filter(struct jinja_machine *machine,
			     const struct jinja_node *node,
			     struct jinja_value *out)
{
	struct jinja_arguments arguments;
	struct jinja_value subject;

	TRY(subject_of(machine, node, &subject, &arguments));
	return jinja_filter_run(machine, jinja_machine_text(machine, node),
				&subject, &arguments, out);
}

enum err jinja_invoke_test(struct jinja_machine *machine,
			   const struct jinja_node *node,
			   struct jinja_value *out)
{
	struct jinja_arguments arguments;
	struct jinja_value subject;
	bool truth;

	TRY(subject_of(machine, node, &subject, &arguments));
	TRY(jinja_test_run(machine, jinja_machine_text(machine, node), &subject,
			   &arguments, &truth));
	*out = jinja_value_boolean(truth);
	return ERR_OK;
}
