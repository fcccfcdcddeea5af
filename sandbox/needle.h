/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needle: something secret, in every form in which it may have been left.
 *
 * What is looked for is held inverted, bit by bit, and compared like that, so
 * that the one who looks has no copy to be found.  Bytes are looked for in these encodings:
 *
 *     raw | hex, both cases | base64 and base64url at all three alignments |
 *     UTF-16, both orders
 *
 * and a model's token numbers as integers of 16, 32 and 64 bits.
 */
#ifndef SANDBOX_NEEDLE_H
#define SANDBOX_NEEDLE_H

#include "base/bytes.h"

#define NEEDLE_SECRET_MAX ((size_t)64) /* bytes of what is looked for */
#define NEEDLE_PIECE ((size_t)16)      /* the least that is no accident */
#define NEEDLE_TOKENS ((size_t)8)      /* numbers that are no accident */
#define NEEDLE_MAX (2 * NEEDLE_SECRET_MAX)
#define NEEDLES_MAX 320 /* for a text in pieces, with its tokens */

struct needle {
	const char *encoding;
	uint8_t inverted[NEEDLE_MAX];
	uint16_t len;
	uint16_t next; /* one more than the next of the same start; 0: none */
};

/* Begin with zeros. */
struct needles {
	struct needle list[NEEDLES_MAX];
	size_t count;
	uint16_t starts[1 << 16]; /* one more than the first; 0: none */
};

/* Look for these bytes, NEEDLE_PIECE to NEEDLE_SECRET_MAX, as a whole. */
void needle_add(struct needles *needles, struct bytes secret);

/*
 * Look for each piece of NEEDLE_PIECE bytes, so that a part of it is found as
 * well: of any 31 bytes in a row.
 */
void needle_add_pieces(struct needles *needles, struct bytes secret);

/* Look for any NEEDLE_TOKENS of these numbers in a row, at most 72 of them. */
void needle_add_tokens(struct needles *needles, const uint32_t *tokens,
		       size_t count);

/* Count them in memory.  *encoding is that of the last one found, or as it was. */
size_t needle_count(const struct needles *needles, struct bytes memory,
		    const char **encoding);

/*
 * Write one of them out, as somebody would have it who was to be found; for
 * controls.  The text's length; the caller wipes it.
 */
size_t needle_reveal(const struct needles *needles, size_t index,
		     uint8_t out[static NEEDLE_MAX]);

#endif
