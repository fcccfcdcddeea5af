/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_machine.h"

bool jinja_machine_is_global(const struct jinja_machine *machine)
{
	return machine->frame == 0;
}

struct jinja_frame jinja_machine_open(struct jinja_machine *machine,
				      enum jinja_frame_kind kind)
{
	const struct jinja_frame before = { machine->count, machine->floor,
					    machine->frame };

	/* Built-in names are bound before, so that no frame begins at 0. */
	invariant(machine->count > 0);
	if (machine->frame == 0)
		machine->globals = machine->count;
	if (kind == JINJA_FRAME_MACRO)
		machine->floor = machine->count;
	machine->frame = machine->count;
	return before;
}

void jinja_machine_close(struct jinja_machine *machine,
			 struct jinja_frame before)
{
	machine->count = before.count;
	machine->floor = before.floor;
	machine->frame = before.frame;
}

enum err jinja_machine_bind(struct jinja_machine *machine, uint32_t name,
			    const struct jinja_value *value)
{
	for (size_t i = machine->frame; i < machine->count; i++) {
		if (machine->bindings[i].name != name)
			continue;
		machine->bindings[i].value = *value;
		return ERR_OK;
	}
	if (machine->count == JINJA_MACHINE_BINDINGS_MAX)
		return ERR_TOO_LARGE;
	machine->bindings[machine->count++] =
		(struct jinja_binding){ name, *value };
	return ERR_OK;
}

uint32_t jinja_machine_name(const struct jinja_machine *machine,
			    const char *name)
{
	const struct bytes text = bytes_of_string(name);

	for (uint32_t i = 0; i < machine->program->string_count; i++)
		if (bytes_equal(machine->program->strings[i], text))
			return i;
	return JINJA_PROGRAM_NONE;
}

enum err jinja_machine_define(struct jinja_machine *machine, const char *name,
			      const struct jinja_value *value)
{
	uint32_t symbol = jinja_machine_name(machine, name);

	return symbol == JINJA_PROGRAM_NONE
		       ? ERR_OK
		       : jinja_machine_bind(machine, symbol, value);
}

static const struct jinja_value *find_in(const struct jinja_machine *machine,
					 size_t from, size_t to, uint32_t name)
{
	for (size_t i = to; i > from; i--)
		if (machine->bindings[i - 1].name == name)
			return &machine->bindings[i - 1].value;
	return NULL;
}

const struct jinja_value *
jinja_machine_find(const struct jinja_machine *machine, uint32_t name)
{
	const struct jinja_value *found =
		find_in(machine, machine->floor, machine->count, name);

	return found != NULL || machine->floor == 0
		       ? found
		       : find_in(machine, 0, machine->globals, name);
}

struct bytes jinja_machine_text(const struct jinja_machine *machine,
				const struct jinja_node *node)
{
	return machine->program->strings[node->text];
}

const struct jinja_node *jinja_machine_node(const struct jinja_machine *machine,
					    uint32_t node)
{
	return &machine->program->nodes[node];
}

enum err jinja_machine_finish(struct jinja_machine *machine, size_t start,
			      struct jinja_value *out)
{
	struct jinja_text text;

	TRY(jinja_text_finish(&machine->out, start, &machine->heap, &text));
	*out = jinja_value_string(text);
	return ERR_OK;
}
