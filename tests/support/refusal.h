/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: a kernel that refuses one call, to see what depends on it.
 */
#ifndef TESTS_SUPPORT_REFUSAL_H
#define TESTS_SUPPORT_REFUSAL_H

#include <stdint.h>

/*
 * From here on this process and its children get EPERM for a call: whatever its
 * arguments where `argument_count` is 0, else where the first is this one.  Not
 * 0: it could not be arranged.  Only root may.
 */
int refusal_begin(int call, unsigned argument_count, uint64_t first_argument);

#endif
