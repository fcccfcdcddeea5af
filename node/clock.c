/* SPDX-License-Identifier: Apache-2.0 */
#include "node/clock.h"

#include <errno.h>
#include <time.h>

#include "base/err.h"

#define SECOND_NS UINT64_C(1000000000)

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

uint64_t clock_now_ns(void)
{
	struct timespec time = now(CLOCK_MONOTONIC);

	return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

void clock_wait_until_ns(uint64_t moment)
{
	const struct timespec until = {
		.tv_sec = (time_t)(moment / SECOND_NS),
		.tv_nsec = (long)(moment % SECOND_NS),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
	       EINTR)
		;
}

uint64_t clock_now_s(void)
{
	return (uint64_t)now(CLOCK_REALTIME).tv_sec;
}
