/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value that is taken has one encoding: written in the shortest form again it
 * is the bytes that were taken; what is refused is left as it was.
 */
#include <string.h>

#include "wire/der.h"

#define DEPTH 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t header_bytes(size_t len)
{
	return len < 0x80 ? 2 : len < 0x100 ? 3 : len < 0x10000 ? 4 : 5;
}

/* The bytes of a number, as the distinguished encoding has them. */
static size_t number_bytes(uint64_t value)
{
	size_t bytes = 1;

	while (value >= 0x80) {
		value >>= 8;
		bytes++;
	}
	return bytes;
}

static void check_number(struct bytes in, enum der_tag tag)
{
	struct bytes rest = in;
	struct bytes content;
	uint64_t value;

	if (der_take_unsigned(&rest, tag, &value) != ERR_OK) {
		invariant(rest.data == in.data && rest.len == in.len);
		return;
	}
	invariant(der_take(&in, tag, &content) == ERR_OK);
	invariant(in.data == rest.data);
	invariant(content.len == number_bytes(value));
	for (size_t i = content.len; i > 0; i--, value >>= 8)
		invariant(content.data[i - 1] == (uint8_t)value);
}

static void check_boolean(struct bytes in)
{
	struct bytes rest = in;
	bool value;

	if (der_take_boolean(&rest, &value) == ERR_OK) {
		invariant(in.len - rest.len == 3);
		invariant(in.data[2] == (value ? 0xff : 0));
	}
}

static void walk(struct bytes in, int depth)
{
	static const enum der_tag tags[] = {
		DER_BOOLEAN,	DER_INTEGER, DER_OCTETS,    DER_OID,
		DER_ENUMERATED, DER_UTF8,    DER_PRINTABLE, DER_IA5,
		DER_SEQUENCE,	DER_SET,
	};
	bool taken = true;

	while (taken && depth > 0) {
		taken = false;
		check_number(in, DER_INTEGER);
		check_number(in, DER_ENUMERATED);
		check_boolean(in);
		for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
			struct bytes rest = in, again = in;
			struct bytes content;

			if (der_take(&rest, tags[i], &content) != ERR_OK) {
				invariant(rest.data == in.data &&
					  rest.len == in.len);
				continue;
			}
			invariant(der_is_next(&in, tags[i]));
			invariant((size_t)(content.data - in.data) ==
				  header_bytes(content.len));
			invariant(rest.data == content.data + content.len);
			if (tags[i] == DER_OID)
				invariant(der_expect_oid(&again, content) ==
					  ERR_OK);
			if (tags[i] == DER_SEQUENCE || tags[i] == DER_SET ||
			    tags[i] == DER_OCTETS)
				walk(content, depth - 1);
			in = rest;
			taken = true;
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk((struct bytes){ data, size }, DEPTH);
	return 0;
}
