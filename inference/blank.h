/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blank: what Python calls whitespace, at the ends of a text.
 *
 * Chat templates were written for Python's strip(): White_Space, and the four
 * separators U+001C to U+001F.
 */
#ifndef INFERENCE_BLANK_H
#define INFERENCE_BLANK_H

#include <stdbool.h>

#include "base/bytes.h"

bool blank_is(uint32_t code);

/* The text without the blanks that it begins or ends with. */
struct bytes blank_skip(struct bytes text);
struct bytes blank_cut(struct bytes text);

#endif
