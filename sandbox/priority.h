/* SPDX-License-Identifier: Apache-2.0 */
/*
 * priority: a thread that runs when it is due, whatever else there is to run.
 *
 * The kernel permits it to whoever has CAP_SYS_NICE or a limit for it
 * (RLIMIT_RTPRIO).  A role has neither: it is executed with the priority, which
 * stays, and its profile takes the limit.
 *
 * Such a thread could keep a machine from doing anything else.  RLIMIT_RTTIME of
 * its profile ends a process of which one does not sleep, and the kernel leaves
 * the rest a part of each second (sched_rt_runtime_us).
 */
#ifndef SANDBOX_PRIORITY_H
#define SANDBOX_PRIORITY_H

#include <stdbool.h>

/*
 * The calling thread runs before all others of usual priority, if it may; those
 * that it makes have the usual one.  Makes one system call, takes no lock.
 */
void priority_rise(void);

/* Whether it does. */
bool priority_is_risen(void);

#endif
