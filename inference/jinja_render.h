/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jinja_render: a program and a conversation in, a prompt out, of which every
 * byte is the template's or a user's.
 *
 *     messages                 a list of { role, content }
 *     add_generation_prompt    true
 *     tools, documents         none
 *     bos_token and the like   where they are given
 *
 * Roles are this program's own words and count as the template's; contents are
 * a user's.  Everything else is undefined, as in the reference.
 */
#ifndef INFERENCE_JINJA_RENDER_H
#define INFERENCE_JINJA_RENDER_H

#include "inference/jinja_machine.h"

#define JINJA_RENDER_TOKENS_MAX 4

struct jinja_render_message {
	const char *role;
	struct bytes content;
};

struct jinja_render_input {
	const struct jinja_render_message *messages;
	size_t count;
	struct {
		const char *name; /* NULL: no more */
		struct bytes text;
	} tokens[JINJA_RENDER_TOKENS_MAX];
	struct jinja_date date; /* zero: no day is told */
};

/* Bytes of memory for that many messages and bytes of text, all told. */
size_t jinja_render_memory(size_t messages, size_t text_bytes);

/*
 * Append the prompt to `out`, using `memory` (aligned to 8) on the way; it is
 * left as it is.  ERR_MALFORMED where the template refuses the conversation,
 * ERR_UNSUPPORTED where it needs what is not served, ERR_TOO_LARGE where it
 * goes beyond memory, `out`, or the work and depth that are allowed.
 */
MUST_CHECK enum err jinja_render(const struct jinja_program *program,
				 const struct jinja_render_input *input,
				 struct writer memory, struct jinja_out *out);

#endif
