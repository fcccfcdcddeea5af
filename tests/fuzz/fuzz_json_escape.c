/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes become UTF-8; what was UTF-8 reads back as it was; pieces cut
 * anywhere write the same; what fits does, and one character more does not.
 *
 *     cut | room | text
 */
#include <string.h>

#include "wire/json.h"
#include "wire/json_escape.h"
#include "wire/utf8.h"

#define INPUT_MAX 4096

static _Alignas(JSON_ALIGNMENT) uint8_t memory[1 << 20];
static uint8_t whole_buffer[6 * INPUT_MAX + 2];
static uint8_t piece_buffer[6 * INPUT_MAX + 2];

static void check_read_back(struct bytes text, struct bytes written)
{
	const struct json *value;
	struct bytes read;
	enum err err;

	json_warm(memory, sizeof(memory), 7);
	err = json_parse(written, 0, &value);
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		return; /* the escaped NUL is refused on reading */
	invariant(err == ERR_OK && json_as_string(value, &read) == ERR_OK);
	if (utf8_is_valid(text))
		invariant(bytes_equal(read, text));
}

static void check_pieces(struct bytes text, size_t cut, struct bytes inner)
{
	struct json_escape escape = { .pending_len = 0 };
	struct writer out = WRITER_OVER(piece_buffer);
	struct bytes rest = text;
	struct bytes piece;

	while (rest.len > 0) {
		size_t len = cut < rest.len ? cut : rest.len;

		invariant(bytes_take(&rest, len, &piece) == ERR_OK);
		invariant(json_escape_put(&escape, piece, &out) == ERR_OK);
	}
	invariant(json_escape_end(&escape, &out) == ERR_OK);
	invariant(bytes_equal(bytes_written(&out), inner));
}

static void check_fit(struct bytes text, size_t room)
{
	struct bytes front = json_escape_fit(text, room);
	struct bytes more = { text.data, 0 };

	invariant(json_escape_size(front) <= room);
	if (front.len == text.len)
		return;
	more.len =
		front.len + utf8_front((struct bytes){ text.data + front.len,
						       text.len - front.len })
				    .len;
	invariant(json_escape_size(more) > room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct writer whole = WRITER_OVER(whole_buffer);
	struct bytes text;
	struct bytes inner;

	if (len < 2 || len > INPUT_MAX)
		return 0;
	text = (struct bytes){ data + 2, len - 2 };
	invariant(json_escape_string(&whole, text) == ERR_OK);
	invariant(utf8_is_valid(bytes_written(&whole)));
	inner = (struct bytes){ whole.data + 1, whole.len - 2 };
	invariant(json_escape_size(text) == inner.len);

	check_read_back(text, bytes_written(&whole));
	check_pieces(text, 1 + data[0] % 16, inner);
	check_fit(text, data[1]);
	invariant(utf8_complete(text).len + UTF8_BYTES_MAX > text.len);
	return 0;
}
