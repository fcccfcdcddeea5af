/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters that stand for bytes: each text that is taken is the one that those
 * bytes are written as, and any bytes come back from the text they become.
 */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "wire/base64.h"
#include "wire/hex.h"

#define INPUT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum err put_letters(struct writer *out, struct bytes data);
typedef enum err take_letters(struct bytes letters, struct writer *out);

static void check_base64(struct bytes in, put_letters *put, take_letters *take)
{
	uint8_t memory[2 * INPUT_MAX], back[2 * INPUT_MAX];
	struct writer out = WRITER_OVER(memory);
	struct writer again = WRITER_OVER(back);

	if (take(in, &out) == ERR_OK) {
		invariant(put(&again, bytes_written(&out)) == ERR_OK);
		invariant(bytes_equal(bytes_written(&again), in));
	}
	out.len = again.len = 0;
	invariant(put(&out, in) == ERR_OK);
	invariant(take(bytes_written(&out), &again) == ERR_OK);
	invariant(bytes_equal(bytes_written(&again), in));
}

static void check_hex(struct bytes in)
{
	uint8_t bytes[INPUT_MAX], memory[2 * INPUT_MAX];
	struct writer out = WRITER_OVER(memory);

	if (hex_decode(in, bytes, in.len / 2) == ERR_OK) {
		struct bytes read = { bytes, in.len / 2 };

		invariant(in.len % 2 == 0);
		invariant(hex_put(&out, read) == ERR_OK);
		for (size_t i = 0; i < in.len; i++)
			invariant(memory[i] == (in.data[i] | 0x20));
	}
	out.len = 0;
	invariant(hex_put(&out, in) == ERR_OK);
	invariant(hex_decode(bytes_written(&out), bytes, in.len) == ERR_OK);
	invariant(in.len == 0 || memcmp(bytes, in.data, in.len) == 0);
}

/* A number is what its digits say, whatever noughts stand before them. */
static void check_decimal(struct bytes in)
{
	uint64_t value;
	char digits[24];

	if (decimal_parse(in, 0, UINT64_MAX, &value) != ERR_OK)
		return;
	while (in.len > 1 && in.data[0] == '0') {
		in.data++;
		in.len--;
	}
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	invariant(bytes_equal(in, bytes_of_string(digits)));
	invariant(value == 0 ||
		  decimal_parse(in, 0, value - 1, &value) == ERR_TOO_LARGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };

	if (size > INPUT_MAX)
		return 0;
	check_base64(in, base64_put, base64_decode);
	check_base64(in, base64_put_standard, base64_decode_standard);
	check_hex(in);
	check_decimal(in);
	return 0;
}
