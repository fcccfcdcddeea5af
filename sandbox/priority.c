/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/priority.h"

#include <sched.h>

/* The least of its kind: above everything usual, below the kernel's own. */
#define LEAST 1

void priority_rise(void)
{
	const struct sched_param priority = { .sched_priority = LEAST };

	/* Libraries make threads of their own, some of them at any time. */
	(void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK,
				 &priority);
}

bool priority_is_risen(void)
{
	return sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK);
}
