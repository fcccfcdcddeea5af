/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx_extension: what Intel writes into the certificate of a PCK, written by
 * hand (attest/pck.h has its form).
 */
#ifndef TESTS_UNIT_TDX_EXTENSION_H
#define TESTS_UNIT_TDX_EXTENSION_H

#include "attest/pck.h"

/* In the pool of tests/vector.h. */
struct bytes tdx_extension(const struct pck *pck);

#endif
