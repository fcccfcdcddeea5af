/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtmr: TDX's register for what runs in a machine, by the kernel's file
 * measurements/rtmr3:sha384 (Linux 6.16): it reads as the register's 48 bytes,
 * and writing 48 bytes extends it.
 */
#ifndef NODE_RTMR_H
#define NODE_RTMR_H

#include "attest/identity.h"

/*
 * Extend it by those events of the statement that are not in it yet, and read
 * back.  ERR_DENIED where it holds something else.
 */
MUST_CHECK enum err rtmr_measure(int file, const struct statement *statement);

#endif
