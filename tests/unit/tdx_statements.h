/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_statements: TCB info and QE identity as Intel words them, for a platform
 * of a test's own.
 */
#ifndef TESTS_UNIT_TDX_STATEMENTS_H
#define TESTS_UNIT_TDX_STATEMENTS_H

#include "tests/unit/tdx_platform.h"

/* Signed; in the pool of tests/vector.h. */
struct bytes tdx_statements_info(const struct tdx_platform *platform);
struct bytes tdx_statements_identity(const struct tdx_platform *platform);

#endif
