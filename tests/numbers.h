/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numbers: numbers that look random, and are the same in every run.
 */
#ifndef TESTS_NUMBERS_H
#define TESTS_NUMBERS_H

#include <stdint.h>

/* Begin with any state. */
struct numbers {
	uint64_t state;
};

/* Of 31 bits. */
uint32_t numbers_next(struct numbers *numbers);

/* Of all sizes below 128, and both signs. */
float numbers_float(struct numbers *numbers);

#endif
