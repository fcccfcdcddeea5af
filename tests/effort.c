/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/effort.h"

#include <stdlib.h>

#include "tests/system.h"

static uint64_t number_named(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

bool effort_is_long(void)
{
	return number_named("EFFORT_S", 0) != 0;
}

struct effort effort_of(uint64_t usual)
{
	struct effort effort = { .usual = usual };

	if (effort_is_long())
		effort.until_ms =
			system_now_ms() + 1000 * number_named("EFFORT_S", 0);
	return effort;
}

bool effort_more(struct effort *effort)
{
	bool more =
		effort->done < effort->usual ||
		(effort->until_ms != 0 && system_now_ms() < effort->until_ms);

	if (more)
		effort->done++;
	return more;
}

uint64_t effort_seed(void)
{
	return number_named("SEED", 1);
}
