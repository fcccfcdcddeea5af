/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/hex.h"

static const char digits_lower[] = "0123456789abcdef";

#define NO_DIGIT 16

static unsigned value_of(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 0u;
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10u;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10u : NO_DIGIT;
}

enum err hex_put(struct writer *out, struct bytes data)
{
	if (data.len > (out->max - out->len) / 2)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < data.len; i++) {
		uint8_t byte = data.data[i];

		out->data[out->len++] = (uint8_t)digits_lower[byte >> 4];
		out->data[out->len++] = (uint8_t)digits_lower[byte & 15];
	}
	return ERR_OK;
}

enum err hex_decode(struct bytes digits, uint8_t *out, size_t len)
{
	if (digits.len % 2 != 0 || digits.len / 2 != len)
		return ERR_MALFORMED;
	for (size_t i = 0; i < digits.len; i++)
		if (value_of(digits.data[i]) == NO_DIGIT)
			return ERR_MALFORMED;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(value_of(digits.data[2 * i]) << 4 |
				   value_of(digits.data[2 * i + 1]));
	return ERR_OK;
}
