/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unigram: of all ways to cut a text into pieces, the one of the best score.
 *
 * The score of a way is the sum of its pieces' scores (Viterbi, over the ends
 * of characters).  A character that is no piece is unknown, at a score that
 * any piece beats.  Sums are rounded as SentencePiece rounds them, so that the
 * same one of two nearly equal ways wins.
 *
 * Time is linear: at each character a search takes UNIGRAM_PIECE_MAX steps at
 * most.  So is memory.
 */
#ifndef INFERENCE_UNIGRAM_H
#define INFERENCE_UNIGRAM_H

#include "base/arena.h"
#include "inference/normalise.h"
#include "inference/vocabulary.h"

#define UNIGRAM_PIECE_MAX 256 /* bytes; real ones stay below 64 */

struct unigram {
	struct trie pieces; /* normal and user-defined, as the file spells */
	float *scores;	    /* [count] */
	float best_score;
	float unknown_score;
	struct normalise normalise;
};

/* One piece of a way, or an unknown character. */
struct unigram_piece {
	uint32_t token; /* or VOCABULARY_NONE: unknown */
	uint32_t end;	/* where it ends, and the next one starts */
};

/*
 * Read the scores and everything that normalise_open() does.  ERR_MALFORMED
 * where the file contradicts itself, ERR_UNSUPPORTED for pieces beyond
 * UNIGRAM_PIECE_MAX.  Close with unigram_close().
 */
MUST_CHECK enum err unigram_open(const struct gguf *gguf,
				 const struct vocabulary *vocabulary,
				 struct unigram *out);

void unigram_close(struct unigram *unigram);

/* Bytes of arena that unigram_cut() takes for a text of that many. */
size_t unigram_memory(size_t text_bytes);

/*
 * Cut a text that normalise_text() made.  The pieces, in the arena, are found
 * by where they start: (*out)[0], then (*out)[(*out)[0].end] and so on to the
 * end of the text.  `kinds` are the vocabulary's: a token that was reserved is
 * no piece.  ERR_TOO_LARGE when the arena is full.
 */
MUST_CHECK enum err unigram_cut(const struct unigram *unigram,
				const uint8_t *kinds, struct bytes text,
				struct arena *arena,
				struct unigram_piece **out);

#endif
