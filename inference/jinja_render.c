/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_render.h"

#include "inference/jinja_execute.h"
#include "inference/jinja_function.h"

/*
 * Work: a template that looks at every message takes some hundred steps for
 * each; a fixed sum more is for tools and tables.  All of it is a fraction of
 * a second.
 */
#define WORK (1u << 18)
#define WORK_PER_MESSAGE (1u << 11)

/* Copies of a text that a template makes before it prints: joined, trimmed,
 * split; each with its marks. */
#define COPIES 8
#define MEMORY (1u << 15) /* namespaces, loops, what a template says itself */
#define PAIRS 2		  /* of a message: role and content */

static size_t message_bytes(void)
{
	return sizeof(struct jinja_value) + PAIRS * sizeof(struct jinja_pair);
}

size_t jinja_render_memory(size_t messages, size_t text_bytes)
{
	/* Once as they come, and once where a template slices them. */
	return MEMORY +
	       JINJA_MACHINE_BINDINGS_MAX * sizeof(struct jinja_binding) +
	       COPIES * text_bytes +
	       messages * (message_bytes() + sizeof(struct jinja_value));
}

static struct jinja_value template_string(const char *text)
{
	return jinja_value_string(
		jinja_text_of(bytes_of_string(text), JINJA_TEMPLATE));
}

static enum err define_messages(struct jinja_machine *machine,
				const struct jinja_render_input *input)
{
	struct jinja_value *items, list;
	struct jinja_pair *pairs;

	TRY(jinja_heap_alloc(&machine->heap, input->count, sizeof(*items),
			     &items));
	TRY(jinja_heap_alloc(&machine->heap, PAIRS * input->count,
			     sizeof(*pairs), &pairs));
	for (size_t i = 0; i < input->count; i++, pairs += PAIRS) {
		pairs[0].key = template_string("role");
		pairs[0].value = template_string(input->messages[i].role);
		pairs[1].key = template_string("content");
		pairs[1].value = jinja_value_string(
			jinja_text_of(input->messages[i].content, JINJA_USER));
		items[i] = (struct jinja_value){ .kind = JINJA_VALUE_DICT,
						 .dict = { pairs, PAIRS } };
	}
	list = jinja_value_list(items, input->count);
	return jinja_machine_define(machine, "messages", &list);
}

static enum err define_all(struct jinja_machine *machine,
			   const struct jinja_render_input *input)
{
	const struct jinja_value none = { .kind = JINJA_VALUE_NONE };
	const struct jinja_value yes = jinja_value_boolean(true);

	/* One that no program can name, so that there is always one. */
	TRY(jinja_machine_bind(machine, JINJA_PROGRAM_NONE, &none));
	TRY(define_messages(machine, input));
	TRY(jinja_machine_define(machine, "add_generation_prompt", &yes));
	TRY(jinja_machine_define(machine, "tools", &none));
	TRY(jinja_machine_define(machine, "documents", &none));
	for (size_t i = 0; i < JINJA_RENDER_TOKENS_MAX; i++) {
		struct jinja_value text;

		if (input->tokens[i].name == NULL)
			break;
		text = jinja_value_string(
			jinja_text_of(input->tokens[i].text, JINJA_TEMPLATE));
		TRY(jinja_machine_define(machine, input->tokens[i].name,
					 &text));
	}
	return jinja_function_define(machine);
}

enum err jinja_render(const struct jinja_program *program,
		      const struct jinja_render_input *input,
		      struct writer memory, struct jinja_out *out)
{
	struct jinja_machine machine = {
		.program = program,
		.heap = { .base = memory.data,
			  .size = memory.max,
			  .work = WORK + WORK_PER_MESSAGE * input->count },
		.out = *out,
		.date = input->date,
	};

	machine.loop = jinja_machine_name(&machine, "loop");
	TRY(jinja_heap_alloc(&machine.heap, JINJA_MACHINE_BINDINGS_MAX,
			     sizeof(*machine.bindings), &machine.bindings));
	TRY(define_all(&machine, input));
	TRY(jinja_execute(&machine, program->body));
	out->len = machine.out.len;
	return ERR_OK;
}
