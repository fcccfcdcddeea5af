/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any template over any conversation: it parses or does not, and renders
 * within its bounds or does not.  What users wrote is marked as a user's in
 * the prompt, whatever the template did to it: here they write in characters
 * of their own (U+E000 to U+E03F), which no template has.
 *
 * Input: a byte for the memory, a template up to a zero byte, then messages,
 * each a byte for its role and bytes, of which each is one such character, up
 * to the next zero byte.
 */
#include <string.h>

#include "inference/jinja_parse.h"
#include "inference/jinja_render.h"

#define INPUT_MAX 8192
#define TEXT_MAX 32768
#define MESSAGES_MAX 8
#define LEAD 0xee /* of U+E000 to U+EFFF */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t written[3 * INPUT_MAX];
static uint8_t prompt[TEXT_MAX], marks[TEXT_MAX];
static uint64_t memory[1u << 15];

static struct bytes take_string(struct bytes *in)
{
	const uint8_t *end = in->len == 0 ? NULL : memchr(in->data, 0, in->len);
	struct bytes taken = *in;

	if (end != NULL)
		taken.len = (size_t)(end - in->data);
	in->data += taken.len + (end != NULL);
	in->len -= taken.len + (end != NULL);
	return taken;
}

/* In the users' own characters, appended to `written`. */
static struct bytes rewrite(struct bytes text, struct writer *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t character[] = {
			LEAD, 0x80, (uint8_t)(0x80 | (text.data[i] & 0x3f))
		};
		enum err err = bytes_put(out, BYTES_ARRAY(character));

		invariant(err == ERR_OK);
	}
	return (struct bytes){ out->data + start, out->len - start };
}

static size_t read_messages(struct bytes in,
			    struct jinja_render_message out[MESSAGES_MAX])
{
	static const char *const roles[] = { "system", "user", "assistant" };
	struct writer text = WRITER_OVER(written);
	size_t count = 0;

	for (; in.len > 0 && count < MESSAGES_MAX; count++) {
		struct bytes one = take_string(&in);
		uint8_t role = one.len == 0 ? 1 : one.data[0];

		if (one.len > 0)
			one = (struct bytes){ one.data + 1, one.len - 1 };
		out[count] =
			(struct jinja_render_message){ roles[role % 3],
						       rewrite(one, &text) };
	}
	return count;
}

/* Nothing of a user's is the template's. */
static void check_marks(const struct jinja_out *out)
{
	for (size_t i = 0; i < out->len; i++) {
		invariant(out->marks[i] == JINJA_USER ||
			  out->marks[i] == JINJA_TEMPLATE);
		invariant(out->data[i] != LEAD || out->marks[i] == JINJA_USER);
	}
}

static void render(const struct jinja_program *program, struct bytes in,
		   size_t memory_bytes)
{
	struct jinja_render_message messages[MESSAGES_MAX];
	const struct jinja_render_input input = {
		.messages = messages,
		.count = read_messages(in, messages),
		.tokens = { { "bos_token", BYTES_LITERAL("<s>") } },
		.date = { 2024, 7, 26 },
	};
	struct jinja_out out = { prompt, marks, 0, TEXT_MAX };
	enum err err = jinja_render(
		program, &input,
		(struct writer){ (uint8_t *)memory, 0, memory_bytes }, &out);

	invariant(err == ERR_OK || err == ERR_MALFORMED ||
		  err == ERR_UNSUPPORTED || err == ERR_TOO_LARGE);
	invariant(err == ERR_OK || out.len == 0);
	check_marks(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data + 1, size - 1 };
	struct jinja_program program;
	struct bytes template;
	enum err err;

	if (size == 0 || size > INPUT_MAX)
		return -1;
	template = take_string(&in);
	/* An escape could spell a character of the users'. */
	if (template.len > 0 && (memchr(template.data, LEAD, template.len) ||
				 memchr(template.data, '\\', template.len)))
		in.len = 0;
	err = jinja_parse(template, &program);
	if (err != ERR_OK) {
		invariant(err == ERR_MALFORMED || err == ERR_UNSUPPORTED ||
			  err == ERR_TOO_LARGE);
		return 0;
	}
	if (in.len > 0)
		render(&program, in,
		       sizeof(memory) >> (data[0] % 8 == 0 ? 4 : 0));
	jinja_program_close(&program);
	return 0;
}
