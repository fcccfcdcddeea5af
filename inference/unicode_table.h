/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unicode_table: the Unicode database, as far as tokenizers ask about it.
 * tools/make_unicode.mjs writes the tables; unicode.h answers from them.
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

/* Each step-th code point of the range; sorted, and ranges are apart. */
struct unicode_stride {
	uint32_t first;
	uint32_t last;
	uint32_t step;
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
extern const struct unicode_range unicode_table_marks[]; /* \p{M} */
extern const size_t unicode_table_marks_count;
extern const struct unicode_stride unicode_table_capitals[]; /* \p{Lu}\p{Lt} */
extern const size_t unicode_table_capitals_count;
extern const struct unicode_stride unicode_table_smalls[]; /* \p{Ll} */
extern const size_t unicode_table_smalls_count;
extern const struct unicode_lower unicode_table_lower[];
extern const size_t unicode_table_lower_count;

#endif
