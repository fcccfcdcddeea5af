/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/err.h"

#define PROBE_BYTES 16

static void fill(void *out, size_t len)
{
	uint8_t *next = out;

	while (len > 0) {
		ssize_t got = getrandom(next, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* A key without entropy is worse than no process. */
		if (got <= 0)
			die("the kernel gives no random bytes");
		next += got;
		len -= (size_t)got;
	}
}

/*
 * A generator that says the same twice is stuck.  What is compared is asked for
 * that alone and forgotten, so that no key is kept for it.
 */
static void expect_news(void)
{
	uint8_t first[PROBE_BYTES];
	uint8_t second[PROBE_BYTES];

	fill(first, sizeof(first));
	fill(second, sizeof(second));
	errno = 0;
	if (memcmp(first, second, sizeof(first)) == 0)
		die("the kernel's random bytes repeat themselves");
}

void random_bytes(void *out, size_t len)
{
	expect_news();
	fill(out, len);
}
