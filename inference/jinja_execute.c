/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_execute.h"

#include "inference/jinja_evaluate.h"

typedef enum err execute_function(struct jinja_machine *machine,
				  const struct jinja_node *node);

static const struct jinja_node *node_at(const struct jinja_machine *machine,
					uint32_t node)
{
	return jinja_machine_node(machine, node);
}

static uint32_t next_of(const struct jinja_machine *machine, uint32_t node)
{
	return jinja_machine_node(machine, node)->next;
}

static enum err body(struct jinja_machine *machine,
		     const struct jinja_node *node)
{
	for (uint32_t i = node->child;
	     i != JINJA_PROGRAM_NONE && machine->leave == JINJA_STAY;
	     i = next_of(machine, i))
		TRY(jinja_execute(machine, i));
	return ERR_OK;
}

static enum err text(struct jinja_machine *machine,
		     const struct jinja_node *node)
{
	return jinja_text_put(&machine->out,
			      jinja_text_of(jinja_machine_text(machine, node),
					    JINJA_TEMPLATE));
}

static enum err print(struct jinja_machine *machine,
		      const struct jinja_node *node)
{
	size_t mark = machine->heap.used;
	struct jinja_value value;

	TRY(jinja_evaluate(machine, node->child, &value));
	TRY(jinja_value_print(&machine->out, &value));
	jinja_heap_release(&machine->heap, mark);
	return ERR_OK;
}

static enum err branch(struct jinja_machine *machine,
		       const struct jinja_node *node)
{
	uint32_t at = node->child;
	bool truth;

	while (at != JINJA_PROGRAM_NONE) {
		uint32_t then = next_of(machine, at);

		/* The last is "else", which has no condition. */
		if (node_at(machine, at)->kind == JINJA_BODY)
			return jinja_execute(machine, at);
		TRY(jinja_evaluate_truth(machine, at, &truth));
		if (truth)
			return jinja_execute(machine, then);
		at = next_of(machine, then);
	}
	return ERR_OK;
}

/* One name, or as many as the value has items. */
static enum err assign(struct jinja_machine *machine, uint32_t target,
		       const struct jinja_value *value)
{
	const struct jinja_node *node = node_at(machine, target);
	struct jinja_value items;
	size_t at = 0;

	if (node->kind == JINJA_NAME)
		return jinja_machine_bind(machine, node->text, value);
	TRY(jinja_value_items(&machine->heap, value, &items));
	for (uint32_t i = node->child; i != JINJA_PROGRAM_NONE;
	     i = next_of(machine, i)) {
		if (at == items.list.count)
			return ERR_MALFORMED;
		TRY(assign(machine, i, &items.list.items[at++]));
	}
	return at == items.list.count ? ERR_OK : ERR_MALFORMED;
}

/* The items for which a loop's condition is true. */
static enum err keep_items(struct jinja_machine *machine, uint32_t target,
			   uint32_t condition, struct jinja_value *list)
{
	struct jinja_value *kept;
	size_t count = 0;

	if (node_at(machine, condition)->kind == JINJA_NOTHING)
		return ERR_OK;
	TRY(jinja_heap_alloc(&machine->heap, list->list.count, sizeof(*kept),
			     &kept));
	for (size_t i = 0; i < list->list.count; i++) {
		const struct jinja_value *item = &list->list.items[i];
		struct jinja_frame before =
			jinja_machine_open(machine, JINJA_FRAME_INNER);
		bool keep;

		TRY(assign(machine, target, item));
		TRY(jinja_evaluate_truth(machine, condition, &keep));
		jinja_machine_close(machine, before);
		if (keep)
			kept[count++] = *item;
	}
	*list = jinja_value_list(kept, count);
	return ERR_OK;
}

/* Once through the body, with names of its own. */
static enum err go_round(struct jinja_machine *machine, uint32_t target,
			 const struct jinja_loop *loop, uint32_t inside)
{
	const struct jinja_value self = { .kind = JINJA_VALUE_LOOP,
					  .loop = loop };
	size_t mark = machine->heap.used;
	struct jinja_frame before =
		jinja_machine_open(machine, JINJA_FRAME_INNER);

	TRY(jinja_machine_bind(machine, machine->loop, &self));
	TRY(assign(machine, target, &loop->items[loop->at]));
	TRY(jinja_execute(machine, inside));
	jinja_machine_close(machine, before);
	jinja_heap_release(&machine->heap, mark);
	return ERR_OK;
}

static enum err go_through(struct jinja_machine *machine, uint32_t target,
			   const struct jinja_value *list, uint32_t inside)
{
	struct jinja_loop *loop;

	/* On the heap: a namespace may keep it for longer than this call. */
	TRY(jinja_heap_alloc(&machine->heap, 1, sizeof(*loop), &loop));
	*loop = (struct jinja_loop){ list->list.items, list->list.count, 0 };
	for (; loop->at < loop->count; loop->at++) {
		enum jinja_leave leave;

		TRY(go_round(machine, target, loop, inside));
		leave = machine->leave;
		machine->leave = JINJA_STAY;
		if (leave == JINJA_LEAVE_LOOP)
			break;
	}
	/* As the reference leaves it, for who looks at a loop that is over. */
	if (loop->at == loop->count)
		loop->at--;
	return ERR_OK;
}

/* target list condition BODY BODY? */
static enum err loop_over(struct jinja_machine *machine,
			  const struct jinja_node *node)
{
	uint32_t source = next_of(machine, node->child);
	uint32_t condition = next_of(machine, source);
	uint32_t inside = next_of(machine, condition);
	uint32_t otherwise = next_of(machine, inside);
	size_t mark = machine->heap.used;
	struct jinja_value value, list;

	TRY(jinja_evaluate(machine, source, &value));
	TRY(jinja_value_items(&machine->heap, &value, &list));
	TRY(keep_items(machine, node->child, condition, &list));
	if (list.list.count > 0)
		TRY(go_through(machine, node->child, &list, inside));
	else if (otherwise != JINJA_PROGRAM_NONE)
		TRY(jinja_execute(machine, otherwise));
	jinja_heap_release(&machine->heap, mark);
	return ERR_OK;
}

static enum err set(struct jinja_machine *machine,
		    const struct jinja_node *node)
{
	struct jinja_value value;

	TRY(jinja_evaluate(machine, node->child, &value));
	return jinja_machine_bind(machine, node->text, &value);
}

/* What a namespace is given outlives the statement, loop or macro. */
static enum err put_attribute(struct jinja_machine *machine,
			      struct jinja_namespace *space, uint32_t name,
			      const struct jinja_value *value)
{
	size_t at = 0;

	while (at < space->count && space->attributes[at].name != name)
		at++;
	if (at == JINJA_VALUE_ATTRIBUTES_MAX)
		return ERR_TOO_LARGE;
	if (at == space->count)
		space->count++;
	space->attributes[at] = (struct jinja_attribute){ name, *value };
	if (value->kind > JINJA_VALUE_INTEGER)
		jinja_heap_keep(&machine->heap);
	return ERR_OK;
}

static enum err set_attribute(struct jinja_machine *machine,
			      const struct jinja_node *node)
{
	struct jinja_value object, value;

	TRY(jinja_evaluate(machine, node->child, &object));
	TRY(jinja_evaluate(machine, next_of(machine, node->child), &value));
	if (object.kind != JINJA_VALUE_NAMESPACE)
		return ERR_MALFORMED;
	return put_attribute(machine, object.space, node->text, &value);
}

/* Run a body with names of its own; what it prints is a string. */
static enum err capture(struct jinja_machine *machine, uint32_t inside,
			struct jinja_value *out)
{
	size_t start = machine->out.len;

	TRY(jinja_execute(machine, inside));
	return jinja_machine_finish(machine, start, out);
}

static enum err set_block(struct jinja_machine *machine,
			  const struct jinja_node *node)
{
	struct jinja_frame before =
		jinja_machine_open(machine, JINJA_FRAME_INNER);
	struct jinja_value value;

	TRY(capture(machine, node->child, &value));
	jinja_machine_close(machine, before);
	return jinja_machine_bind(machine, node->text, &value);
}

static enum err scope(struct jinja_machine *machine,
		      const struct jinja_node *node)
{
	struct jinja_frame before =
		jinja_machine_open(machine, JINJA_FRAME_INNER);

	TRY(jinja_execute(machine, node->child));
	jinja_machine_close(machine, before);
	return ERR_OK;
}

/* One inside of a loop would see its names: no template needs that. */
static enum err define_macro(struct jinja_machine *machine,
			     const struct jinja_node *node)
{
	const struct jinja_value value = {
		.kind = JINJA_VALUE_MACRO,
		.number = node - machine->program->nodes,
	};

	if (!jinja_machine_is_global(machine))
		return ERR_UNSUPPORTED;
	return jinja_machine_bind(machine, node->text, &value);
}

static enum err leave(struct jinja_machine *machine,
		      const struct jinja_node *node)
{
	machine->leave = node->kind == JINJA_BREAK ? JINJA_LEAVE_LOOP
						   : JINJA_LEAVE_ROUND;
	return ERR_OK;
}

static execute_function *const functions[] = {
	[JINJA_BODY] = body,
	[JINJA_TEXT] = text,
	[JINJA_PRINT] = print,
	[JINJA_IF] = branch,
	[JINJA_FOR] = loop_over,
	[JINJA_SET] = set,
	[JINJA_SET_ATTRIBUTE] = set_attribute,
	[JINJA_SET_BLOCK] = set_block,
	[JINJA_MACRO] = define_macro,
	[JINJA_PARAMETER] = NULL,
	[JINJA_SCOPE] = scope,
	[JINJA_BREAK] = leave,
	[JINJA_CONTINUE] = leave,
};

enum err jinja_execute(struct jinja_machine *machine, uint32_t node)
{
	const struct jinja_node *what = node_at(machine, node);

	TRY(jinja_heap_enter(&machine->heap));
	invariant(functions[what->kind] != NULL);
	TRY(functions[what->kind](machine, what));
	jinja_heap_leave(&machine->heap);
	return ERR_OK;
}

/* The argument for a parameter, by place or by name; NULL for none. */
static const struct jinja_argument *
argument_for(const struct jinja_arguments *arguments, size_t place,
	     uint32_t name, size_t *used)
{
	for (size_t i = 0; i < arguments->count; i++) {
		const struct jinja_argument *argument = &arguments->items[i];

		if (argument->name.len == 0 ? i != place
					    : argument->symbol != name)
			continue;
		++*used;
		return argument;
	}
	return NULL;
}

/* Parameters get their arguments, or what stands for one that is missing. */
static enum err bind_parameters(struct jinja_machine *machine, uint32_t *at,
				const struct jinja_arguments *arguments)
{
	size_t place = 0, used = 0;

	for (; node_at(machine, *at)->kind == JINJA_PARAMETER;
	     *at = next_of(machine, *at)) {
		const struct jinja_node *node = node_at(machine, *at);
		const struct jinja_argument *argument =
			argument_for(arguments, place++, node->text, &used);
		struct jinja_value value = { .kind = JINJA_VALUE_UNDEFINED };

		if (argument != NULL)
			value = argument->value;
		else if (node->child != JINJA_PROGRAM_NONE)
			TRY(jinja_evaluate(machine, node->child, &value));
		TRY(jinja_machine_bind(machine, node->text, &value));
	}
	return used == arguments->count ? ERR_OK : ERR_MALFORMED;
}

enum err jinja_execute_macro(struct jinja_machine *machine, uint32_t macro,
			     const struct jinja_arguments *arguments,
			     struct jinja_value *out)
{
	struct jinja_frame before =
		jinja_machine_open(machine, JINJA_FRAME_MACRO);
	uint32_t at = node_at(machine, macro)->child;

	TRY(bind_parameters(machine, &at, arguments));
	TRY(capture(machine, at, out));
	jinja_machine_close(machine, before);
	return machine->leave == JINJA_STAY ? ERR_OK : ERR_MALFORMED;
}
