/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: the two times the node's processes go by.  Not for a worker, whose
 * jail may lack both.
 */
#ifndef NODE_CLOCK_H
#define NODE_CLOCK_H

#include <stdint.h>

/* Milliseconds that only go forward: for waiting and for ages. */
uint64_t clock_now_ms(void);

/* The same clock for what is due at a moment: nanoseconds, and a wait. */
uint64_t clock_now_ns(void);
void clock_wait_until_ns(uint64_t moment);

/* Unix seconds, as far as this machine knows: for what others are told. */
uint64_t clock_now_s(void);

#endif
