/* SPDX-License-Identifier: Apache-2.0 */
/* decimal: numbers that an operator writes. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdint.h>

#include "base/bytes.h"

/*
 * Digits alone, at least one: ERR_MALFORMED for a sign, a blank or anything
 * else.  ERR_TOO_LARGE outside min..max.
 */
MUST_CHECK enum err decimal_parse(struct bytes digits, uint64_t min,
				  uint64_t max, uint64_t *out);

#endif
