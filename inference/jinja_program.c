/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_program.h"

#include <stdlib.h>
#include <string.h>

#include "inference/unicode.h"

/* Memory for the largest program is not touched, and so not taken, before it
 * is used. */
static enum err reserve(size_t template_bytes, struct jinja_program *program)
{
	program->nodes =
		calloc(JINJA_PROGRAM_NODES_MAX, sizeof(*program->nodes));
	program->strings =
		calloc(JINJA_PROGRAM_STRINGS_MAX, sizeof(*program->strings));
	program->pool.max = 2 * template_bytes + 1;
	program->pool.data = calloc(program->pool.max, 1);
	return program->nodes == NULL || program->strings == NULL ||
			       program->pool.data == NULL
		       ? ERR_UNAVAILABLE
		       : ERR_OK;
}

static enum err check_utf8(struct bytes text)
{
	uint32_t code;

	while (text.len > 0)
		if (unicode_take(&text, &code) != ERR_OK)
			return ERR_MALFORMED;
	return ERR_OK;
}

/* Whatever ends a line becomes a newline, and the last one goes. */
static enum err copy_lines(struct bytes text, struct writer *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '\r') {
			c = '\n';
			if (i + 1 < text.len && text.data[i + 1] == '\n')
				i++;
		}
		TRY(bytes_put_u8(out, c));
	}
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	return ERR_OK;
}

enum err jinja_program_open(struct bytes template, struct jinja_program *out)
{
	struct jinja_program made = { .body = JINJA_PROGRAM_NONE };
	enum err err;

	if (template.len > JINJA_PROGRAM_TEMPLATE_MAX)
		return ERR_TOO_LARGE;
	TRY(check_utf8(template));
	err = reserve(template.len, &made);
	if (err == ERR_OK)
		err = copy_lines(template, &made.pool);
	if (err != ERR_OK) {
		jinja_program_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void jinja_program_close(struct jinja_program *program)
{
	free(program->nodes);
	free(program->strings);
	free(program->pool.data);
	*program = (struct jinja_program){ 0 };
}

enum err jinja_program_add(struct jinja_program *program,
			   enum jinja_node_kind kind, uint32_t child,
			   uint32_t *out)
{
	if (program->count == JINJA_PROGRAM_NODES_MAX)
		return ERR_TOO_LARGE;
	program->nodes[program->count] = (struct jinja_node){
		.kind = kind,
		.text = JINJA_PROGRAM_NONE,
		.child = child,
		.next = JINJA_PROGRAM_NONE,
	};
	*out = (uint32_t)program->count++;
	return ERR_OK;
}

enum err jinja_program_add_named(struct jinja_program *program,
				 enum jinja_node_kind kind, uint32_t child,
				 uint32_t text, uint32_t *out)
{
	TRY(jinja_program_add(program, kind, child, out));
	program->nodes[*out].text = text;
	return ERR_OK;
}

enum err jinja_program_string(struct jinja_program *program, struct bytes text,
			      uint32_t *out)
{
	size_t i = 0;

	while (i < program->string_count &&
	       !bytes_equal(program->strings[i], text))
		i++;
	if (i == JINJA_PROGRAM_STRINGS_MAX)
		return ERR_TOO_LARGE;
	if (i == program->string_count)
		program->strings[program->string_count++] = text;
	*out = (uint32_t)i;
	return ERR_OK;
}
