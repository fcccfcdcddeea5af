/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/blank.h"

#include "inference/unicode.h"

bool blank_is(uint32_t code)
{
	return unicode_kind_of(code) == UNICODE_SPACE ||
	       (code >= 0x1c && code <= 0x1f);
}

struct bytes blank_skip(struct bytes text)
{
	while (text.len > 0) {
		struct bytes rest = text;

		if (!blank_is(unicode_take_lossy(&rest)))
			break;
		text = rest;
	}
	return text;
}

/* One pass: `end` is where the last character that is not blank ended. */
struct bytes blank_cut(struct bytes text)
{
	struct bytes rest = text;
	size_t end = 0;

	while (rest.len > 0)
		if (!blank_is(unicode_take_lossy(&rest)))
			end = text.len - rest.len;
	text.len = end;
	return text;
}
