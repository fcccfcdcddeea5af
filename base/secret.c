/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <string.h>

void secret_wipe_32(struct secret32 *secret)
{
	secret_wipe(secret, sizeof(*secret));
}

void secret_wipe(void *memory, size_t len)
{
	explicit_bzero(memory, len);
}

/* A call of its own, so that its array lies where theirs did. */
__attribute__((noinline)) void secret_wipe_stack(void)
{
	uint8_t below[SECRET_STACK_BYTES];

	secret_wipe(below, sizeof(below));
}

__attribute__((noinline)) int secret_tell(int verdict)
{
	return verdict;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

bool secret_is_zero(const void *memory, size_t len)
{
	const uint8_t *bytes = memory;
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}
