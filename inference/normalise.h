/* SPDX-License-Identifier: Apache-2.0 */
/*
 * normalise: a text as a SentencePiece unigram model sees it.
 *
 * User-defined tokens are left as they are; other characters are rewritten as
 * the model's charsmap says; a space becomes U+2581; bytes that are no text
 * become U+FFFD.  As the file says, a space comes in front, and spaces at the
 * ends and beside other spaces go away.
 */
#ifndef INFERENCE_NORMALISE_H
#define INFERENCE_NORMALISE_H

#include "inference/charsmap.h"
#include "inference/gguf.h"
#include "inference/trie.h"

enum normalise_front {
	NORMALISE_NO_PREFIX,
	NORMALISE_SPACE_PREFIX,
};

enum normalise_spaces {
	NORMALISE_KEEP_SPACES,
	NORMALISE_REMOVE_EXTRA,
};

struct normalise {
	struct charsmap charsmap;
	struct trie user_defined; /* tokens by their spelling in the file */
	enum normalise_front front;
	enum normalise_spaces spaces;
	size_t growth; /* bytes that one byte becomes, at most */
};

/*
 * Read tokenizer.ggml.add_space_prefix, .remove_extra_whitespaces and
 * .precompiled_charsmap, of which the last may be absent; the user-defined
 * tokens are sorted on the way.  ERR_MALFORMED where the file is wrong,
 * ERR_UNSUPPORTED where a text would grow beyond all use.  Close with
 * normalise_close().
 */
MUST_CHECK enum err normalise_open(const struct gguf *gguf,
				   struct trie_text *user_defined, size_t count,
				   struct normalise *out);

void normalise_close(struct normalise *normalise);

/* Bytes that a text of that many becomes at most. */
size_t normalise_max(const struct normalise *normalise, size_t text_bytes);

/*
 * Append what a text becomes, always UTF-8; `kinds` are the vocabulary's, which
 * say whether a token still is user-defined.  ERR_TOO_LARGE when the writer has
 * less than normalise_max() left.
 */
MUST_CHECK enum err normalise_text(const struct normalise *normalise,
				   const uint8_t *kinds, struct bytes text,
				   struct writer *out);

#endif
