/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unicode_table: the Unicode database, as far as tokenizers ask about it.
 * tools/make_unicode.py writes the tables; unicode.h answers from them.
 */
#ifndef INFERENCE_UNICODE_TABLE_H
#define INFERENCE_UNICODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Sorted, apart from each other. */
struct unicode_range {
	uint32_t first;
	uint32_t last;
};

/* Each step-th code point of the range has its small letter `difference`
 * further on. */
struct unicode_lower {
	uint32_t first;
	uint32_t last;
	uint32_t step;
	int32_t difference;
};

extern const struct unicode_range unicode_table_letters[]; /* \p{L} */
extern const size_t unicode_table_letters_count;
extern const struct unicode_range unicode_table_numbers[]; /* \p{N} */
extern const size_t unicode_table_numbers_count;
extern const struct unicode_lower unicode_table_lower[];
extern const size_t unicode_table_lower_count;

#endif
