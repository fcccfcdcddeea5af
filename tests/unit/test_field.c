/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/field.h"

#include <criterion/criterion.h>

static struct bytes one(const uint8_t *byte)
{
	return (struct bytes){ byte, 1 };
}

/* RFC 9110, section 5.6.2, spelt out. */
static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
			     "abcdefghijklmnopqrstuvwxyz";

static bool is_in(const char *set, int c)
{
	for (; *set != '\0'; set++)
		if ((uint8_t)*set == c)
			return true;
	return false;
}

Test(field, a_name_is_a_token_in_lower_case)
{
	for (int c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;

		cr_assert_eq(field_name_is_valid(one(&byte)), is_in(tokens, c),
			     "byte %d", c);
	}
	cr_assert(field_name_is_valid(BYTES_LITERAL("content-type")));
	cr_assert_not(field_name_is_valid(BYTES_LITERAL("")));
	cr_assert_not(field_name_is_valid(BYTES_LITERAL("Content-type")));
	cr_assert_not(field_name_is_valid(BYTES_LITERAL(":path")));
	cr_assert_not(field_name_is_valid(BYTES_LITERAL("a b")));
}

Test(field, a_value_holds_no_control_character_but_an_inner_tab)
{
	for (int c = 0; c < 256; c++) {
		uint8_t text[] = { 'a', (uint8_t)c, 'b' };
		bool allowed = c == '\t' || (c >= ' ' && c != 0x7f);

		cr_assert_eq(field_value_is_valid(BYTES_ARRAY(text)), allowed,
			     "byte %d", c);
	}
	cr_assert(field_value_is_valid(BYTES_LITERAL("")));
}

Test(field, a_value_neither_begins_nor_ends_with_white_space)
{
	cr_assert_not(field_value_is_valid(BYTES_LITERAL(" a")));
	cr_assert_not(field_value_is_valid(BYTES_LITERAL("a ")));
	cr_assert_not(field_value_is_valid(BYTES_LITERAL("\ta")));
	cr_assert_not(field_value_is_valid(BYTES_LITERAL("a\t")));
	cr_assert_not(field_value_is_valid(BYTES_LITERAL(" ")));
}

Test(field, a_method_is_a_token)
{
	cr_assert(field_method_is_valid(BYTES_LITERAL("POST")));
	cr_assert_not(field_method_is_valid(BYTES_LITERAL("")));
	cr_assert_not(field_method_is_valid(BYTES_LITERAL("PO ST")));
	cr_assert_not(field_method_is_valid(BYTES_LITERAL("POST\0")));
}

Test(field, a_scheme_begins_with_a_letter)
{
	cr_assert(field_scheme_is_valid(BYTES_LITERAL("https")));
	cr_assert(field_scheme_is_valid(BYTES_LITERAL("a+b-c.1")));
	cr_assert_not(field_scheme_is_valid(BYTES_LITERAL("")));
	cr_assert_not(field_scheme_is_valid(BYTES_LITERAL("1http")));
	cr_assert_not(field_scheme_is_valid(BYTES_LITERAL("http:")));
}

Test(field, an_authority_names_no_user)
{
	cr_assert(field_authority_is_valid(BYTES_LITERAL("")));
	cr_assert(field_authority_is_valid(BYTES_LITERAL("example.com:443")));
	cr_assert(field_authority_is_valid(BYTES_LITERAL("[::1]:80")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("me@host")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("@host")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("host\x7f")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("host/path")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("a b")));
	cr_assert_not(field_authority_is_valid(BYTES_LITERAL("a\0")));
}

Test(field, a_path_begins_with_a_slash)
{
	cr_assert(field_path_is_valid(BYTES_LITERAL("/")));
	cr_assert(field_path_is_valid(BYTES_LITERAL("/v1/models?x=1")));
	cr_assert(field_path_is_valid(BYTES_LITERAL("*")));
	cr_assert_not(field_path_is_valid(BYTES_LITERAL("")));
	cr_assert_not(field_path_is_valid(BYTES_LITERAL("v1")));
	cr_assert_not(field_path_is_valid(BYTES_LITERAL("/a#b")));
	cr_assert_not(field_path_is_valid(BYTES_LITERAL("/a b")));
	cr_assert_not(field_path_is_valid(BYTES_LITERAL("/\x80")));
}
