/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes, in seven kinds of vocabulary, become tokens whose texts are
 * those bytes again: the property of the fuzzer, which ends the program where
 * it does not hold, with the numbers of this run.
 */
#include <criterion/criterion.h>

#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"

#include "tests/fuzz/fuzz_tokenizer.c"

#define STRINGS 100000
#define LENGTH_MAX 96

/* Bytes of all values, of letters alone, or of what vocabularies merge. */
static size_t draw(struct numbers *numbers, uint8_t *out)
{
	static const char often[] = "the cat \n\t 12'\xc3\xa9\xe2\x96\x81<|im>";
	size_t len = 1 + numbers_next(numbers) % LENGTH_MAX;
	uint32_t kind = numbers_next(numbers) % 3;

	out[0] = (uint8_t)numbers_next(numbers);
	for (size_t i = 1; i < len; i++) {
		uint32_t number = numbers_next(numbers) >> 8;

		if (kind == 0)
			out[i] = (uint8_t)number;
		else if (kind == 1)
			out[i] = (uint8_t)('a' + number % 26);
		else
			out[i] = (uint8_t)often[number % (sizeof(often) - 1)];
	}
	return len;
}

Test(tokenizer_bytes, random_bytes_come_back_as_they_were, .timeout = 0)
{
	struct effort effort = effort_of(STRINGS);
	struct numbers numbers = { effort_seed() };
	uint8_t text[LENGTH_MAX];

	cr_assert_eq(LLVMFuzzerInitialize(NULL, NULL), 0);
	while (effort_more(&effort)) {
		size_t len = draw(&numbers, text);

		cr_assert_eq(LLVMFuzzerTestOneInput(text, len), 0);
	}
	figure_all("D4", "random byte strings that came back", effort.done,
		   effort.done);
}
