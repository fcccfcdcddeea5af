/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[ERR_OK] = "ok",
	[ERR_MALFORMED] = "malformed",
	[ERR_TRUNCATED] = "truncated",
	[ERR_UNAUTHENTIC] = "unauthentic",
	[ERR_DENIED] = "denied",
	[ERR_UNSUPPORTED] = "unsupported",
	[ERR_TOO_LARGE] = "too large",
	[ERR_EXPIRED] = "expired",
	[ERR_UNAVAILABLE] = "unavailable",
};

const char *err_name(enum err err)
{
	if ((size_t)err >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[err];
}

void err_invariant_failed(const char *claim, const char *file, int line)
{
	fprintf(stderr, "%s:%d: invariant does not hold: %s\n", file, line,
		claim);
	abort();
}

void err_die(const char *what)
{
	if (errno != 0) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name,
			what, strerror(errno));
	} else {
		fprintf(stderr, "%s: %s\n", program_invocation_short_name,
			what);
	}
	exit(EXIT_FAILURE);
}
