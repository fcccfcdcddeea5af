/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/unigram.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "inference/reserve.h"
#include "inference/unicode.h"

#define UNKNOWN_PENALTY 10.0f	 /* below the worst piece */
#define USER_DEFINED_PENALTY 0.1 /* below the best one, times the length */
#define UNREACHED UINT32_MAX

/* The best way to each end of a character, found so far. */
struct lattice {
	struct unigram_piece *pieces; /* [len + 1]; .end is the start, yet */
	float *scores;		      /* [len + 1] */
	size_t len;
};

static enum err read_scores(struct bytes scores,
			    const struct vocabulary *vocabulary,
			    struct unigram *unigram)
{
	float worst = FLT_MAX, best = FLT_MIN;

	for (size_t i = 0; i < vocabulary->count; i++) {
		float score;

		TRY(bytes_take_into(&scores, &score, sizeof(score)));
		if (!isfinite(score))
			return ERR_MALFORMED;
		unigram->scores[i] = score;
		if (vocabulary->kinds[i] != VOCABULARY_NORMAL)
			continue;
		worst = fminf(worst, score);
		best = fmaxf(best, score);
	}
	unigram->best_score = best;
	unigram->unknown_score = worst - UNKNOWN_PENALTY;
	return ERR_OK;
}

/* The spellings of tokens of either kind, in texts [count]. */
static enum err select_texts(const struct gguf *gguf,
			     const struct vocabulary *vocabulary,
			     const enum vocabulary_kind kinds[2],
			     struct trie_text *texts, size_t *count)
{
	struct gguf_array tokens;
	size_t found = 0;

	TRY(gguf_array(gguf, "tokenizer.ggml.tokens", GGUF_STRING, &tokens));
	for (uint32_t i = 0; i < vocabulary->count; i++) {
		uint8_t kind = vocabulary->kinds[i];
		struct bytes text;

		TRY(gguf_take_string(&tokens.elements, &text));
		if (kind != kinds[0] && kind != kinds[1])
			continue;
		if (text.len > UNIGRAM_PIECE_MAX)
			return ERR_UNSUPPORTED;
		texts[found++] = (struct trie_text){ text, i };
	}
	*count = found;
	return ERR_OK;
}

static enum err index_pieces(const struct gguf *gguf,
			     const struct vocabulary *vocabulary,
			     struct trie_text *texts, struct unigram *unigram)
{
	static const enum vocabulary_kind pieces[] = {
		VOCABULARY_NORMAL, VOCABULARY_USER_DEFINED
	};
	static const enum vocabulary_kind whole[] = { VOCABULARY_USER_DEFINED,
						      VOCABULARY_USER_DEFINED };
	size_t count;

	TRY(select_texts(gguf, vocabulary, pieces, texts, &count));
	TRY(trie_open(texts, count, &unigram->pieces));
	TRY(select_texts(gguf, vocabulary, whole, texts, &count));
	return normalise_open(gguf, texts, count, &unigram->normalise);
}

static enum err open_parts(const struct gguf *gguf,
			   const struct vocabulary *vocabulary,
			   struct unigram *unigram)
{
	struct gguf_array scores;
	struct trie_text *texts;
	enum err err;

	TRY(gguf_array(gguf, "tokenizer.ggml.scores", GGUF_F32, &scores));
	if (scores.count != vocabulary->count)
		return ERR_MALFORMED;
	unigram->scores = calloc(scores.count, sizeof(*unigram->scores));
	if (unigram->scores == NULL)
		return ERR_UNAVAILABLE;
	TRY(read_scores(scores.elements, vocabulary, unigram));
	texts = calloc(vocabulary->count, sizeof(*texts));
	if (texts == NULL)
		return ERR_UNAVAILABLE;
	err = index_pieces(gguf, vocabulary, texts, unigram);
	free(texts);
	return err;
}

enum err unigram_open(const struct gguf *gguf,
		      const struct vocabulary *vocabulary, struct unigram *out)
{
	struct unigram made = { 0 };
	enum err err = open_parts(gguf, vocabulary, &made);

	if (err != ERR_OK) {
		unigram_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void unigram_close(struct unigram *unigram)
{
	trie_close(&unigram->pieces);
	normalise_close(&unigram->normalise);
	free(unigram->scores);
	*unigram = (struct unigram){ 0 };
}

size_t unigram_memory(size_t text_bytes)
{
	return reserve_bytes(text_bytes + 1, sizeof(struct unigram_piece)) +
	       reserve_bytes(text_bytes + 1, sizeof(float));
}

static enum err lattice_init(struct lattice *lattice, size_t len,
			     struct arena *arena)
{
	struct lattice made = { .len = len };

	if (len >= UNREACHED)
		return ERR_TOO_LARGE;
	made.pieces = arena_alloc(arena, len + 1, sizeof(*made.pieces));
	made.scores = arena_alloc(arena, len + 1, sizeof(*made.scores));
	if (made.pieces == NULL || made.scores == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i <= len; i++)
		made.pieces[i].end = UNREACHED;
	*lattice = made;
	return ERR_OK;
}

/* A way to `end` whose last piece starts at `start`; of equals the first one,
 * that with the longest last piece, stays. */
static void offer(struct lattice *lattice, size_t start, size_t end,
		  uint32_t token, double score)
{
	struct unigram_piece *last = &lattice->pieces[end];

	if (last->end != UNREACHED && !(score > (double)lattice->scores[end]))
		return;
	lattice->scores[end] = (float)score;
	*last = (struct unigram_piece){ token, (uint32_t)start };
}

/* User-defined tokens are pieces that hardly cost anything. */
static double score_of(const struct unigram *unigram, const uint8_t *kinds,
		       uint32_t token, size_t len)
{
	if (kinds[token] == VOCABULARY_USER_DEFINED)
		return (double)((float)len * unigram->best_score) -
		       USER_DEFINED_PENALTY;
	return (double)unigram->scores[token];
}

/* All pieces that start at a character of `one` bytes, or it as unknown. */
static void offer_from(const struct unigram *unigram, const uint8_t *kinds,
		       struct bytes rest, size_t one, struct lattice *lattice)
{
	const size_t start = lattice->len - rest.len;
	const float before = lattice->scores[start];
	bool is_known = false;
	uint32_t node = TRIE_ROOT;

	for (size_t len = 1; len <= rest.len; len++) {
		uint32_t token;

		node = trie_step(&unigram->pieces, node, rest.data[len - 1]);
		if (node == TRIE_NONE)
			break;
		token = trie_value(&unigram->pieces, node);
		if (token == TRIE_NONE || kinds[token] == VOCABULARY_CONTROL)
			continue;
		offer(lattice, start, start + len, token,
		      score_of(unigram, kinds, token, len) + (double)before);
		if (len == one)
			is_known = true;
	}
	if (!is_known)
		offer(lattice, start, start + one, VOCABULARY_NONE,
		      (double)(unigram->unknown_score + before));
}

/* From "where the piece that ends here starts" to "where the one that starts
 * here ends", along the best way, from the end of the text to its start. */
static void reverse(struct lattice *lattice)
{
	size_t end = lattice->len;
	struct unigram_piece piece = lattice->pieces[end];

	while (end > 0) {
		size_t start = piece.end;
		struct unigram_piece before = lattice->pieces[start];

		lattice->pieces[start] =
			(struct unigram_piece){ piece.token, (uint32_t)end };
		piece = before;
		end = start;
	}
}

enum err unigram_cut(const struct unigram *unigram, const uint8_t *kinds,
		     struct bytes text, struct arena *arena,
		     struct unigram_piece **out)
{
	struct lattice lattice;

	TRY(lattice_init(&lattice, text.len, arena));
	while (text.len > 0) {
		struct bytes rest = text;

		(void)unicode_take_lossy(&rest);
		offer_from(unigram, kinds, text, text.len - rest.len, &lattice);
		text = rest;
	}
	reverse(&lattice);
	*out = lattice.pieces;
	return ERR_OK;
}
