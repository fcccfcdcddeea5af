/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body: a secret that grows: a prompt as it comes in, or a whole answer.
 *
 * The memory it leaves behind when it grows is wiped, like all of it at last.
 */
#ifndef CLIENT_BODY_H
#define CLIENT_BODY_H

#include "base/bytes.h"

/* Begin with all zero.  Invariant: len <= size. */
struct body {
	uint8_t *data; /* owned; from malloc */
	size_t len;
	size_t size;
};

void body_wipe(struct body *body);

/* Append; ERR_TOO_LARGE beyond `max` bytes in all, ERR_UNAVAILABLE: memory. */
MUST_CHECK enum err body_put(struct body *body, struct bytes piece, size_t max);

/* Take the white space that JSON allows (RFC 8259, 2) off both ends. */
void body_trim(struct body *body);

struct bytes body_bytes(const struct body *body);

#endif
