/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode: text to tokens.
 *
 * Text is a user's and never becomes a control token, whatever it spells.
 * User-defined tokens are text: they are matched whole, the longest first,
 * before anything merges.  Byte-level models see a text as it is: where their
 * makers bring it into Unicode's form NFC first, that is left to the client.
 * Time is O(n log n) and memory linear in the text.
 */
#ifndef INFERENCE_ENCODE_H
#define INFERENCE_ENCODE_H

#include "base/arena.h"
#include "inference/tokenizer.h"

/* Tokens, appended to memory of the caller.  Invariant: count <= max. */
struct encode_list {
	uint32_t *tokens;
	size_t count;
	size_t max;
};

/* The arena that encode_text() needs for any text of that many bytes. */
size_t encode_memory(const struct tokenizer *tokenizer, size_t text_bytes);

/*
 * Append the tokens of a text.  What no token stands for
 *   becomes tokens for its bytes, UTF-8 or not, in SentencePiece models that
 *   have those (unigram models see U+FFFD for a byte that is not UTF-8);
 *   becomes one unknown token a run, in those that have not;
 *   is left out, in byte-level models that lack the byte.
 * The arena is scratch: what is used of it is wiped and given back.
 * ERR_TOO_LARGE when the arena or the list is full (some tokens may have been
 * appended), ERR_UNSUPPORTED for bytes that the vocabulary cannot express.
 */
MUST_CHECK enum err encode_text(const struct tokenizer *tokenizer,
				struct bytes text, struct arena *scratch,
				struct encode_list *list);

/* Append one token; ERR_TOO_LARGE when the list is full. */
MUST_CHECK enum err encode_token(struct encode_list *list, uint32_t token);

#endif
