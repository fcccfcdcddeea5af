/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_escape: writes any bytes as the text of a JSON string (RFC 8259, 7).
 *
 * Only what must be escaped is: the quote, the backslash and bytes below 0x20.
 * What is not UTF-8 becomes U+FFFD, one for each maximal part of a sequence
 * (Unicode, section 3.9, as browsers do), so the output is always UTF-8.
 */
#ifndef WIRE_JSON_ESCAPE_H
#define WIRE_JSON_ESCAPE_H

#include "base/bytes.h"

/* The whole string with its quotes. */
MUST_CHECK enum err json_escape_string(struct writer *out, struct bytes text);

/* A sequence that the last piece began and did not end. */
struct json_escape {
	uint8_t pending[4];
	size_t pending_len;
};

/*
 * A string in pieces, cut anywhere, without its quotes.  Begin with a zeroed
 * struct; end writes U+FFFD for a sequence that never ended.  On
 * ERR_TOO_LARGE nothing is written and nothing forgotten.
 */
MUST_CHECK enum err json_escape_put(struct json_escape *escape,
				    struct bytes piece, struct writer *out);
MUST_CHECK enum err json_escape_end(struct json_escape *escape,
				    struct writer *out);

/* Bytes of the escaped text, without quotes. */
size_t json_escape_size(struct bytes text);

/*
 * The longest front of text, cut between characters, that takes at most room
 * bytes when escaped.
 */
struct bytes json_escape_fit(struct bytes text, size_t room);

#endif
