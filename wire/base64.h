/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64: bytes as text, in the URL-safe alphabet without padding (RFC 4648
 * section 5), and in the standard one with it (section 4).
 *
 * One text for one run of bytes: other padding, spaces, letters of the other
 * alphabet and set bits after the last byte are refused.  Where bytes are put
 * and how many letters there are is all that time and memory depend on, and
 * whether letters are a text: keys may be kept so.
 */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include "base/bytes.h"

/* Letters that `len` bytes become, and the most bytes that letters become. */
#define BASE64_LETTERS(len) (((len)*4 + 2) / 3)
#define BASE64_BYTES(letters) ((letters) / 4 * 3 + (letters) % 4)

/* Append the letters of `data`; ERR_TOO_LARGE without room for all. */
MUST_CHECK enum err base64_put(struct writer *out, struct bytes data);

/* Append the bytes that the letters stand for; ERR_MALFORMED or as above. */
MUST_CHECK enum err base64_decode(struct bytes letters, struct writer *out);

/* The same with '+', '/' and '=': four letters for every three bytes begun. */
#define BASE64_STANDARD_LETTERS(len) (((len) + 2) / 3 * 4)

MUST_CHECK enum err base64_put_standard(struct writer *out, struct bytes data);
MUST_CHECK enum err base64_decode_standard(struct bytes letters,
					   struct writer *out);

#endif
