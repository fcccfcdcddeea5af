/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipts: a receipt whose every field differs from every other, for tests.
 */
#ifndef TESTS_SUPPORT_RECEIPTS_H
#define TESTS_SUPPORT_RECEIPTS_H

#include "wire/receipt.h"

struct receipt receipts_sample(void);

#endif
