/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenizer: text to tokens and back, as the model's makers did it.
 *
 * Three kinds, all from the metadata of a GGUF file (tokenizer.ggml.*):
 *   "llama"  SentencePiece BPE: the best score merges first; characters that
 *            are no tokens become byte tokens
 *   "t5"     SentencePiece unigram: of all ways to cut the text, rewritten
 *            (normalise.h), the one whose scores add up best (unigram.h)
 *   "gpt2"   byte-level BPE: the text is split into words (split.h), and
 *            merges happen in the order of the file's list
 *
 * This is what is read once; encode.h makes tokens of text with it.
 */
#ifndef INFERENCE_TOKENIZER_H
#define INFERENCE_TOKENIZER_H

#include "inference/pairs.h"
#include "inference/split.h"
#include "inference/unigram.h"
#include "inference/vocabulary.h"

enum tokenizer_model {
	TOKENIZER_SENTENCEPIECE,
	TOKENIZER_UNIGRAM,
	TOKENIZER_BYTE_LEVEL,
};

enum tokenizer_setting {
	TOKENIZER_OFF,
	TOKENIZER_ON,
};

struct tokenizer {
	struct vocabulary vocabulary;
	enum tokenizer_model model;
	enum tokenizer_setting begins_with_bos;
	/* SentencePiece BPE only. */
	enum tokenizer_setting begins_with_space;
	uint32_t *ranks; /* [count]: of each token, the best score's is 0 */
	/* SentencePiece unigram only. */
	struct unigram unigram;
	/* Byte-level only. */
	enum split_rule split;
	enum tokenizer_setting whole_words; /* a word that is a token is it */
	struct pairs pairs;
	/* VOCABULARY_NONE where the model has none. */
	uint32_t bos;
	uint32_t eos;
	uint32_t eot; /* end of turn */
	uint32_t unknown;
};

struct tokenizer_limits {
	size_t tokens;
	size_t merges;
};

/*
 * Read the metadata.  ERR_UNSUPPORTED for other models and splitting rules,
 * ERR_MALFORMED where the file contradicts itself.  Close with
 * tokenizer_close().
 */
MUST_CHECK enum err tokenizer_open(const struct gguf *gguf,
				   const struct tokenizer_limits *limits,
				   struct tokenizer *out);

void tokenizer_close(struct tokenizer *tokenizer);

/*
 * The bytes that a token adds to the answer, possibly part of a character;
 * none for control tokens.  Borrowed from the tokenizer.
 */
struct bytes tokenizer_text(const struct tokenizer *tokenizer, uint32_t token);

#endif
