/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a model says, the answer is JSON that says the same; and whatever a
 * node says, what a client reads of it is text.
 *
 *     kind | length of the model's name | name | text
 */
#include <string.h>

#include "wire/completion.h"
#include "wire/completion_read.h"
#include "wire/json.h"
#include "wire/utf8.h"

#define INPUT_MAX 1024

static _Alignas(JSON_ALIGNMENT) uint8_t memory[1 << 18];
static uint8_t buffer[16 * INPUT_MAX];

/* The text of the only choice, in whichever shape it is. */
static const struct json *text_of(const struct json *root)
{
	const struct json *choice =
		json_element(json_member(root, "choices"), 0);
	static const char *const homes[] = { "delta", "message" };

	for (size_t i = 0; i < 2; i++) {
		const struct json *home = json_member(choice, homes[i]);

		if (home != NULL)
			return json_member(home, "content");
	}
	return json_member(choice, "text");
}

/* As a client reads it. */
static void check_read(struct bytes document, struct bytes text)
{
	struct completion_read read;

	invariant(completion_read(document, 8, &read) == ERR_OK);
	invariant(!utf8_is_valid(text) || bytes_equal(read.text, text));
	json_wipe();
}

static void read_foreign(struct bytes document)
{
	struct completion_read read;

	if (completion_read(document, 8, &read) == ERR_OK)
		invariant(utf8_is_valid(read.text) &&
			  utf8_is_valid(read.finish));
	json_wipe();
}

static void check(struct writer *out, struct bytes text)
{
	const struct json *root;
	struct bytes read;

	json_wipe();
	check_read(bytes_written(out), text);
	invariant(json_parse(bytes_written(out), 8, &root) == ERR_OK);
	invariant(json_as_string(text_of(root), &read) == ERR_OK);
	invariant(!utf8_is_valid(text) || bytes_equal(read, text));
	out->len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct writer out = WRITER_OVER(buffer);
	struct bytes text = { data, len };
	struct completion completion = { .created = len };
	struct completion_answer answer = { .usage = { 1, 2 } };
	uint8_t kind;
	uint8_t name_len;

	if (len > INPUT_MAX || memchr(data, '\0', len) != NULL ||
	    bytes_take_u8(&text, &kind) != ERR_OK ||
	    bytes_take_u8(&text, &name_len) != ERR_OK ||
	    bytes_take(&text, name_len, &completion.model) != ERR_OK)
		return 0;
	json_warm(memory, sizeof(memory), 7);
	read_foreign(text);
	completion.kind =
		(kind & 1) != 0 ? COMPLETION_KIND_TEXT : COMPLETION_KIND_CHAT;
	completion.include_usage = (kind & 2) != 0;
	answer.text = text;

	invariant(completion_put_text(&out, &completion, text) == ERR_OK);
	check(&out, text);
	invariant(completion_put_whole(&out, &completion, &answer) == ERR_OK);
	check(&out, text);
	return 0;
}
