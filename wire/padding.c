/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/padding.h"

/* The place of the highest bit that is set; value is not zero. */
static unsigned int log2_floor(size_t value)
{
	return 63u - (unsigned int)__builtin_clzll(value);
}

enum err padding_size_class(size_t len, size_t *out)
{
	size_t step;

	if (len > PADDING_SIZE_MAX)
		return ERR_TOO_LARGE;
	if (len < PADDING_SIZE_MIN)
		len = PADDING_SIZE_MIN;

	/* Of the exponent's bits, all but so many as count it are rounded. */
	step = (size_t)1 << (log2_floor(len) - log2_floor(log2_floor(len)) - 1);
	*out = (len + step - 1) & ~(step - 1);
	return ERR_OK;
}
