/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/jinja_string.h"

#include <strings.h>

#include "inference/blank.h"
#include "inference/unicode.h"

enum err jinja_string_case(struct jinja_machine *machine, enum jinja_case to,
			   struct jinja_text text, struct jinja_value *out)
{
	size_t start = machine->out.len;

	TRY(jinja_heap_read(&machine->heap, text.len));
	TRY(jinja_case_put(&machine->out, to, text));
	return jinja_machine_finish(machine, start, out);
}

enum err jinja_string_strip(struct jinja_machine *machine,
			    enum jinja_text_side side, struct jinja_text text,
			    const struct jinja_value *set,
			    struct jinja_value *out)
{
	const struct bytes *characters = NULL;
	struct bytes given;

	if (set->kind == JINJA_VALUE_STRING) {
		given = jinja_text_bytes(set->text);
		characters = &given;
		TRY(jinja_heap_read(&machine->heap, given.len * text.len));
	} else if (set->kind != JINJA_VALUE_UNDEFINED &&
		   set->kind != JINJA_VALUE_NONE) {
		return ERR_MALFORMED;
	}
	TRY(jinja_heap_read(&machine->heap, text.len));
	*out = jinja_value_string(jinja_text_strip(text, side, characters));
	return ERR_OK;
}

/* Nothing is found before every character, and at the end. */
static enum err replace_nothing(struct jinja_out *out, struct jinja_text text,
				const struct jinja_string_change *change)
{
	uint32_t code;

	for (size_t i = 0; i < change->most; i++) {
		TRY(jinja_text_put(out, change->with));
		if (text.len == 0)
			return ERR_OK;
		TRY(jinja_text_put(out, jinja_text_take(&text, &code)));
	}
	return jinja_text_put(out, text);
}

static enum err replace(struct jinja_out *out, struct jinja_text text,
			const struct jinja_string_change *change)
{
	const struct bytes old = jinja_text_bytes(change->old);
	size_t from = 0, at;

	for (size_t i = 0; i < change->most; i++) {
		at = jinja_text_find(text, old, from);
		if (at == JINJA_TEXT_NOWHERE)
			break;
		TRY(jinja_text_put(out,
				   jinja_text_part(text, from, at - from)));
		TRY(jinja_text_put(out, change->with));
		from = at + old.len;
	}
	return jinja_text_put(out,
			      jinja_text_part(text, from, text.len - from));
}

enum err jinja_string_replace(struct jinja_machine *machine,
			      struct jinja_text text,
			      const struct jinja_string_change *change,
			      struct jinja_value *out)
{
	size_t start = machine->out.len;

	TRY(jinja_heap_read(&machine->heap, text.len));
	if (change->old.len == 0)
		TRY(replace_nothing(&machine->out, text, change));
	else
		TRY(replace(&machine->out, text, change));
	return jinja_machine_finish(machine, start, out);
}

/* The piece at the front, which may be the last; *more is then false. */
static struct jinja_text take_piece(struct jinja_text *rest,
				    struct bytes separator, bool *more)
{
	size_t at = jinja_text_find(*rest, separator, 0);
	struct jinja_text piece = *rest;

	*more = at != JINJA_TEXT_NOWHERE;
	if (*more) {
		piece = jinja_text_part(*rest, 0, at);
		at += separator.len;
		*rest = jinja_text_part(*rest, at, rest->len - at);
	}
	return piece;
}

/* The word at the front, and the blanks after it. */
static struct jinja_text take_word(struct jinja_text *rest, bool *more)
{
	struct bytes after = jinja_text_bytes(*rest);
	struct jinja_text word;
	size_t len = 0;

	while (after.len > 0 && !blank_is(unicode_take_lossy(&after)))
		len = rest->len - after.len;
	word = jinja_text_part(*rest, 0, len);
	*rest = jinja_text_part(*rest, len, rest->len - len);
	*rest = jinja_text_strip(*rest, JINJA_TEXT_LEFT, NULL);
	*more = rest->len > 0;
	return word;
}

/* Pieces lie one after the other on the heap: nothing else is taken. */
static enum err add_piece(struct jinja_machine *machine,
			  struct jinja_text piece, struct jinja_value *list)
{
	struct jinja_value *item;

	TRY(jinja_heap_alloc(&machine->heap, 1, sizeof(*item), &item));
	*item = jinja_value_string(piece);
	if (list->list.count == 0)
		list->list.items = item;
	list->list.count++;
	return ERR_OK;
}

_Static_assert(sizeof(struct jinja_value) % JINJA_HEAP_ALIGNMENT == 0,
	       "values that are taken one by one are a list");

enum err jinja_string_split(struct jinja_machine *machine,
			    struct jinja_text text,
			    const struct bytes *separator, size_t most,
			    struct jinja_value *out)
{
	struct jinja_value list = jinja_value_list(NULL, 0);
	bool more = true;

	if (separator != NULL && separator->len == 0)
		return ERR_MALFORMED;
	TRY(jinja_heap_read(&machine->heap, text.len));
	if (separator == NULL) {
		text = jinja_text_strip(text, JINJA_TEXT_LEFT, NULL);
		more = text.len > 0;
	}
	while (more && list.list.count < most) {
		TRY(jinja_heap_work(&machine->heap, 1));
		TRY(add_piece(machine,
			      separator != NULL
				      ? take_piece(&text, *separator, &more)
				      : take_word(&text, &more),
			      &list));
	}
	if (more && separator == NULL)
		text = jinja_text_strip(text, JINJA_TEXT_RIGHT, NULL);
	if (more)
		TRY(add_piece(machine, text, &list));
	*out = list;
	return ERR_OK;
}

/* Whether digits were found, or Python may find a number where we do not: in
 * 1_000, 1e3, inf, nan and the digits of other scripts. */
static bool may_be_number(struct bytes rest, size_t digits)
{
	static const char *const words[] = { "inf", "nan" };

	if (digits > 0 || rest.data[0] == '.' || rest.data[0] >= 0x80)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (rest.len >= 3 &&
		    strncasecmp((const char *)rest.data, words[i], 3) == 0)
			return true;
	}
	return false;
}

enum err jinja_string_integer(struct jinja_text text, int64_t *out)
{
	struct bytes rest = blank_cut(blank_skip(jinja_text_bytes(text)));
	bool negative = rest.len > 0 && rest.data[0] == '-';
	int64_t number = 0;
	size_t digits = 0;

	if (negative || (rest.len > 0 && rest.data[0] == '+'))
		rest = (struct bytes){ rest.data + 1, rest.len - 1 };
	for (; rest.len > 0; digits++) {
		uint8_t c = rest.data[0];

		if (c < '0' || c > '9')
			break;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, c - '0', &number))
			return ERR_UNSUPPORTED;
		rest = (struct bytes){ rest.data + 1, rest.len - 1 };
	}
	if (rest.len > 0 && may_be_number(rest, digits))
		return ERR_UNSUPPORTED;
	if (rest.len > 0 || digits == 0)
		return ERR_DENIED;
	*out = negative ? -number : number;
	return ERR_OK;
}
