/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charsmap: the rewriting of characters that a SentencePiece model carries
 * (tokenizer.ggml.precompiled_charsmap), such as NFKC.
 *
 *     u32 bytes of units, units (u32 each), texts that end with a zero byte
 *
 * All little-endian.  The units are a double-array trie: from the unit of a
 * prefix, its offset combined with the next byte by exclusive or is the place
 * of the next unit, which must carry that byte as its label.
 *
 *     bit 0-7 label   8 a text ends here   9 the offset is 256-fold
 *     bit 10-30 offset                     31 a value, in the other bits:
 *                                          where its text starts
 *
 * Whatever the file says is proven when it is opened: every way through the
 * trie ends, inside it, at a text that is UTF-8.
 */
#ifndef INFERENCE_CHARSMAP_H
#define INFERENCE_CHARSMAP_H

#include "base/bytes.h"

/* Bytes of the longest text that is rewritten; those in use stay below 20. */
#define CHARSMAP_KEY_MAX 32
/* Bytes of what one becomes; NFKC's longest has 33.  Many may become the same,
 * and each is looked at. */
#define CHARSMAP_TEXT_MAX 256

struct charsmap {
	uint32_t *units; /* [count]; none where nothing is rewritten */
	size_t count;
	struct bytes texts; /* its own copy */
};

struct charsmap_match {
	size_t len; /* bytes of text that are rewritten; 0 for none */
	struct bytes replacement;
};

/*
 * Copy and check a map; an empty one rewrites nothing.  ERR_MALFORMED where it
 * is none, ERR_UNSUPPORTED beyond CHARSMAP_KEY_MAX or CHARSMAP_TEXT_MAX.  Close
 * with charsmap_close().
 */
MUST_CHECK enum err charsmap_open(struct bytes file, struct charsmap *out);

void charsmap_close(struct charsmap *map);

/* The longest text that is rewritten, of those that `text` starts with. */
struct charsmap_match charsmap_find(const struct charsmap *map,
				    struct bytes text);

/*
 * Call `see` for every text that is rewritten, until it returns an error, which
 * is then the result.  `len` is that of the text.
 */
MUST_CHECK enum err charsmap_each(const struct charsmap *map,
				  enum err (*see)(void *context, size_t len,
						  struct bytes replacement),
				  void *context);

#endif
