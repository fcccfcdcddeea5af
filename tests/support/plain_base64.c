/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/plain_base64.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/vector.h"

static uint8_t value_of(uint8_t letter)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				      "mnopqrstuvwxyz0123456789+/";
	const char *found = letter == 0 ? NULL : strchr(letters, letter);

	cr_assert_not_null(found, "not base64");
	return (uint8_t)(found - letters);
}

struct bytes plain_base64_decode(struct bytes text)
{
	uint8_t *out = vector_copy(text);
	size_t len = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '=' || text.data[i] == '\n')
			continue;
		bits = bits << 6 | value_of(text.data[i]);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (uint8_t)(bits >> have);
		}
	}
	return (struct bytes){ out, len };
}
