/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/unpad.h"

#define SPACES \
	"                                                                "

void unpad_init(struct unpad *unpad, enum unpad_body body)
{
	*unpad = (struct unpad){ .body = body };
}

static struct bytes take_front(struct bytes *in, size_t len)
{
	struct bytes front = { in->data, len };

	in->data += len;
	in->len -= len;
	return front;
}

/* The bytes before the first one that is (or is not) a space. */
static size_t run(struct bytes in, bool of_spaces)
{
	size_t len = 0;

	while (len < in.len && (in.data[len] == ' ') == of_spaces)
		len++;
	return len;
}

/* Spaces inside are said once it is known that they are inside. */
static bool next_json(struct unpad *unpad, struct bytes *in, struct bytes *out)
{
	struct bytes spaces = BYTES_LITERAL(SPACES);
	size_t len = run(*in, true);

	(void)take_front(in, len);
	if (unpad->has_begun)
		unpad->spaces += len;
	if (in->len == 0)
		return false;
	if (unpad->spaces > 0) {
		if (spaces.len > unpad->spaces)
			spaces.len = (size_t)unpad->spaces;
		unpad->spaces -= spaces.len;
		*out = spaces;
		return true;
	}
	unpad->has_begun = true;
	*out = take_front(in, run(*in, false));
	return true;
}

/* The rest of the line under way, its line feed included, as far as it is
 * here. */
static struct bytes take_line(struct unpad *unpad, struct bytes *in)
{
	size_t len = 0;

	unpad->in_line = true;
	while (len < in->len && unpad->in_line)
		unpad->in_line = in->data[len++] != '\n';
	return take_front(in, len);
}

/* A line is judged by its first byte. */
static bool next_events(struct unpad *unpad, struct bytes *in,
			struct bytes *out)
{
	while (in->len > 0) {
		bool is_blank = !unpad->in_line && in->data[0] == '\n';
		bool was_said = unpad->has_lines;
		struct bytes line;

		if (!unpad->in_line)
			unpad->in_comment = in->data[0] == ':';
		line = take_line(unpad, in);
		if (unpad->in_comment)
			continue;
		unpad->has_lines = !is_blank;
		if (is_blank && !was_said)
			continue;
		*out = line;
		return true;
	}
	return false;
}

bool unpad_next(struct unpad *unpad, struct bytes *in, struct bytes *out)
{
	return unpad->body == UNPAD_JSON ? next_json(unpad, in, out)
					 : next_events(unpad, in, out);
}
