/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evil_acts: what an attacker in a worker would try besides what a node tries
 * itself at every start (sandbox/selftest.h).
 */
#ifndef TESTS_SUPPORT_EVIL_ACTS_H
#define TESTS_SUPPORT_EVIL_ACTS_H

#include "sandbox/selftest.h"

/* All of them; selftest_commit() commits one. */
const struct selftest_act *evil_acts(size_t *count);

#endif
