/* SPDX-License-Identifier: Apache-2.0 */
#include "node/clock.h"

#include <time.h>

#include "base/err.h"

static struct timespec now(clockid_t clock)
{
	struct timespec time;

	invariant(clock_gettime(clock, &time) == 0);
	return time;
}

uint64_t clock_now_ms(void)
{
	struct timespec time = now(CLOCK_MONOTONIC);

	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

uint64_t clock_now_s(void)
{
	return (uint64_t)now(CLOCK_REALTIME).tv_sec;
}
