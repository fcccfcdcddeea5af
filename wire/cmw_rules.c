/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cmw_rules.h"

#include <string.h>

static bool is_digit(uint8_t letter)
{
	return letter >= '0' && letter <= '9';
}

static bool is_alphabetic(uint8_t letter)
{
	return (letter >= 'a' && letter <= 'z') ||
	       (letter >= 'A' && letter <= 'Z');
}

static bool is_one_of(uint8_t letter, const char *letters)
{
	return letter != '\0' && strchr(letters, letter) != NULL;
}

/* RFC 9110, 5.6.2. */
static size_t token_len(struct bytes text)
{
	size_t len = 0;

	while (len < text.len &&
	       (is_digit(text.data[len]) || is_alphabetic(text.data[len]) ||
		is_one_of(text.data[len], "!#$%&'*+-.^_`|~")))
		len++;
	return len;
}

static struct bytes from(struct bytes text, size_t at)
{
	return (struct bytes){ text.data + at, text.len - at };
}

enum err cmw_rules_media_type(struct bytes text)
{
	size_t len = token_len(text);

	if (len == 0 || len == text.len || text.data[len] != '/')
		return ERR_MALFORMED;
	text = from(text, len + 1);
	len = token_len(text);
	if (len == 0)
		return ERR_MALFORMED;
	text = from(text, len);
	if (text.len > 0 && text.data[0] != ';' && text.data[0] != ' ')
		return ERR_MALFORMED;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return ERR_MALFORMED;
	return ERR_OK;
}

/* Numbers and single dots between them; the first is 0, 1 or 2. */
static bool is_oid(struct bytes text)
{
	bool was_digit = false;

	if (text.len == 0 || text.data[0] > '2' ||
	    (text.len > 1 && text.data[1] != '.'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.data[i]) &&
		    (text.data[i] != '.' || !was_digit))
			return false;
		was_digit = is_digit(text.data[i]);
	}
	return was_digit;
}

static bool is_uri(struct bytes text)
{
	size_t len = 0;

	while (len < text.len &&
	       (is_alphabetic(text.data[len]) || is_digit(text.data[len]) ||
		is_one_of(text.data[len], "+-.")))
		len++;
	if (len == 0 || len + 1 >= text.len || text.data[len] != ':' ||
	    !is_alphabetic(text.data[0]))
		return false;
	for (size_t i = len; i < text.len; i++)
		if (text.data[i] <= 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

enum err cmw_rules_collection_type(struct bytes text)
{
	return is_uri(text) || is_oid(text) ? ERR_OK : ERR_MALFORMED;
}

enum err cmw_rules_indicator(uint64_t bits, unsigned *out)
{
	if (bits > CMW_INDICATORS)
		return ERR_MALFORMED;
	*out = (unsigned)bits;
	return ERR_OK;
}

enum err cmw_rules_add(struct cmw *cmw, size_t parent, struct cmw_item **out)
{
	size_t depth = cmw->count == 0 ? 0 : cmw->items[parent].depth + 1;

	if (cmw->count == CMW_ITEMS_MAX || depth > CMW_DEPTH)
		return ERR_TOO_LARGE;
	*out = &cmw->items[cmw->count++];
	**out = (struct cmw_item){ .parent = parent, .depth = depth };
	return ERR_OK;
}
