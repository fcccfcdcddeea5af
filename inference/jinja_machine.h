/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_machine: a rendering on its way: its program, what it may use up, and
 * which names have values.
 *
 *     globals | loop | loop | macro: parameters | loop   bindings
 *                             ^ floor                ^ frame
 *
 * A name is looked for from the newest binding down to the floor, and then
 * among the globals: a macro does not see the loops that it is called from.
 */
#ifndef INFERENCE_JINJA_MACHINE_H
#define INFERENCE_JINJA_MACHINE_H

#include "inference/jinja_program.h"
#include "inference/jinja_value.h"

#define JINJA_MACHINE_BINDINGS_MAX 256

enum jinja_leave {
	JINJA_STAY,
	JINJA_LEAVE_ROUND, /* continue */
	JINJA_LEAVE_LOOP,  /* break */
};

/* A day, or all zero where there is none. */
struct jinja_date {
	uint16_t year;
	uint8_t month; /* from 1 */
	uint8_t day;   /* from 1 */
};

struct jinja_binding {
	uint32_t name; /* of the program's strings */
	struct jinja_value value;
};

struct jinja_machine {
	const struct jinja_program *program;
	struct jinja_heap heap;
	struct jinja_out out;
	struct jinja_date date;
	struct jinja_binding *bindings; /* [JINJA_MACHINE_BINDINGS_MAX] */
	size_t count;
	size_t globals; /* once a frame is open; until then, count */
	size_t floor;
	size_t frame;
	uint32_t loop; /* the name "loop" */
	enum jinja_leave leave;
};

/* What to go back to. */
struct jinja_frame {
	size_t count;
	size_t floor;
	size_t frame;
};

enum jinja_frame_kind {
	JINJA_FRAME_INNER, /* sees what is around it */
	JINJA_FRAME_MACRO, /* sees globals alone */
};

struct jinja_frame jinja_machine_open(struct jinja_machine *machine,
				      enum jinja_frame_kind kind);
void jinja_machine_close(struct jinja_machine *machine,
			 struct jinja_frame before);

/* Whether no frame is open. */
bool jinja_machine_is_global(const struct jinja_machine *machine);

/* Give a name a value, in the frame that is open. */
MUST_CHECK enum err jinja_machine_bind(struct jinja_machine *machine,
				       uint32_t name,
				       const struct jinja_value *value);

/* The number of a name, or JINJA_PROGRAM_NONE where the program lacks it. */
uint32_t jinja_machine_name(const struct jinja_machine *machine,
			    const char *name);

/* Give such a name a value, if the program has it. */
MUST_CHECK enum err jinja_machine_define(struct jinja_machine *machine,
					 const char *name,
					 const struct jinja_value *value);

/* NULL for a name without a value. */
const struct jinja_value *
jinja_machine_find(const struct jinja_machine *machine, uint32_t name);

/* A node's text, and its parts. */
struct bytes jinja_machine_text(const struct jinja_machine *machine,
				const struct jinja_node *node);
const struct jinja_node *jinja_machine_node(const struct jinja_machine *machine,
					    uint32_t node);

/* The string that `out` holds from `start` on. */
MUST_CHECK enum err jinja_machine_finish(struct jinja_machine *machine,
					 size_t start, struct jinja_value *out);

#endif
