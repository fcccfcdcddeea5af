/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/numbers.h"

uint32_t numbers_next(struct numbers *numbers)
{
	numbers->state = numbers->state * 6364136223846793005u + 1;
	return (uint32_t)(numbers->state >> 33);
}

float numbers_float(struct numbers *numbers)
{
	float value = (float)numbers_next(numbers) / (float)(1u << 30) - 1.0f;

	return value * (float)(1u << numbers_next(numbers) % 8);
}
