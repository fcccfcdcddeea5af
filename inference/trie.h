/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trie: which of many texts a text starts with, a byte at a time.
 *
 *     node = 0 is the root;  trie_step(node, byte) is one byte further on;
 *     trie_value(node) is what the text that ends there stands for
 *
 * A search takes a step a byte and ends where no text goes on, so it is never
 * longer than the longest text.
 */
#ifndef INFERENCE_TRIE_H
#define INFERENCE_TRIE_H

#include "base/bytes.h"

#define TRIE_ROOT 0u
#define TRIE_NONE UINT32_MAX /* no such node; no such value */

struct trie_node; /* one prefix */

struct trie {
	struct trie_node *nodes; /* the children of each side by side */
	size_t count;
};

/* A text and what it stands for, anything but TRIE_NONE. */
struct trie_text {
	struct bytes text;
	uint32_t value;
};

/*
 * Build a trie of texts, which are sorted on the way and not needed after.
 * ERR_MALFORMED where one is empty or there twice, ERR_TOO_LARGE where they are
 * too many to number.  Close with trie_close().
 */
MUST_CHECK enum err trie_open(struct trie_text *texts, size_t count,
			      struct trie *out);

void trie_close(struct trie *trie);

/* The node of the prefix and this byte, or TRIE_NONE. */
uint32_t trie_step(const struct trie *trie, uint32_t node, uint8_t byte);

/* What stands for the prefix itself, or TRIE_NONE where it is only a prefix. */
uint32_t trie_value(const struct trie *trie, uint32_t node);

#endif
