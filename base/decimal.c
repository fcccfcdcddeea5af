/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

enum err decimal_parse(struct bytes digits, uint64_t min, uint64_t max,
		       uint64_t *out)
{
	uint64_t number = 0;

	if (digits.len == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = digits.data[i];

		if (c < '0' || c > '9')
			return ERR_MALFORMED;
		/* number * 10 + digit <= max, without going over. */
		if (c - '0' + 0u > max || number > (max - (c - '0' + 0u)) / 10)
			return ERR_TOO_LARGE;
		number = number * 10 + (c - '0' + 0u);
	}
	if (number < min)
		return ERR_TOO_LARGE;
	*out = number;
	return ERR_OK;
}
