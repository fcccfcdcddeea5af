/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/field.h"

#include <string.h>

static bool is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* memchr() rather than strchr(), to which zero would belong. */
static bool is_among(uint8_t c, struct bytes set)
{
	return memchr(set.data, c, set.len) != NULL;
}

/* RFC 9110, section 5.6.2. */
static bool is_token_char(uint8_t c)
{
	return is_alpha(c) || is_digit(c) ||
	       is_among(c, BYTES_LITERAL("!#$%&'*+-.^_`|~"));
}

static bool is_visible(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

bool field_method_is_valid(struct bytes method)
{
	for (size_t i = 0; i < method.len; i++)
		if (!is_token_char(method.data[i]))
			return false;
	return method.len > 0;
}

bool field_name_is_valid(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] >= 'A' && name.data[i] <= 'Z')
			return false;
	return field_method_is_valid(name);
}

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/*
 * RFC 9110, section 5.5, allows other control characters to be kept; here they
 * are refused, as no field that the node reads has a use for them.
 */
bool field_value_is_valid(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return value.len == 0 || (!is_white(value.data[0]) &&
				  !is_white(value.data[value.len - 1]));
}

bool field_scheme_is_valid(struct bytes scheme)
{
	for (size_t i = 0; i < scheme.len; i++) {
		uint8_t c = scheme.data[i];

		if (!is_alpha(c) && !is_digit(c) &&
		    !is_among(c, BYTES_LITERAL("+-.")))
			return false;
	}
	return scheme.len > 0 && is_alpha(scheme.data[0]);
}

static bool is_visible_without(struct bytes text, struct bytes refused)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (!is_visible(c) || is_among(c, refused))
			return false;
	}
	return true;
}

bool field_authority_is_valid(struct bytes authority)
{
	return is_visible_without(authority, BYTES_LITERAL("/?#@\\"));
}

bool field_path_is_valid(struct bytes path)
{
	if (bytes_equal(path, BYTES_LITERAL("*")))
		return true;
	return path.len > 0 && path.data[0] == '/' &&
	       is_visible_without(path, BYTES_LITERAL("#"));
}
