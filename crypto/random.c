/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/err.h"

void random_bytes(void *out, size_t len)
{
	uint8_t *next = out;

	while (len > 0) {
		ssize_t got = getrandom(next, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* A key without entropy is worse than no process. */
		invariant(got > 0);
		next += got;
		len -= (size_t)got;
	}
}
