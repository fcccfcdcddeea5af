/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_base64: the common alphabet with padding (RFC 4648, section 4), as sets
 * of vectors have it.  The project itself speaks the other one (wire/base64.h).
 */
#ifndef TESTS_SUPPORT_PLAIN_BASE64_H
#define TESTS_SUPPORT_PLAIN_BASE64_H

#include "base/bytes.h"

/* Decode into the pool of tests/vector.h; fails the test on odd letters. */
struct bytes plain_base64_decode(struct bytes text);

#endif
