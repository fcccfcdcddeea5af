/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vocabulary: the tokens of a model, by number and by text.
 *
 * Texts are kept as the bytes that they stand for: the spellings that files
 * use for spaces (SentencePiece) and bytes (byte-level BPE) end here.
 */
#ifndef INFERENCE_VOCABULARY_H
#define INFERENCE_VOCABULARY_H

#include "inference/gguf.h"

#define VOCABULARY_NONE UINT32_MAX

/*
 * Bytes of a token that is looked for at every place of a text: user-defined
 * ones, those that templates spell, and all normal ones of SentencePiece, which
 * merges by text.  Real ones stay below 100; the time that a search takes grows
 * with the square of this.  Byte-level merging never looks at texts, and there
 * are vocabularies with runs of 512 spaces.
 */
#define VOCABULARY_WHOLE_MAX 256

/* The numbers are GGUF's. */
enum vocabulary_kind {
	VOCABULARY_NORMAL = 1,
	VOCABULARY_UNKNOWN = 2,
	VOCABULARY_CONTROL = 3,	     /* never made from text */
	VOCABULARY_USER_DEFINED = 4, /* matched whole, before all else */
	VOCABULARY_UNUSED = 5,
	VOCABULARY_BYTE = 6, /* one byte, where no other token fits */
};

/* How the file spells the texts of normal tokens. */
enum vocabulary_spelling {
	VOCABULARY_SENTENCEPIECE, /* U+2581 is a space; <0x41> is a byte */
	VOCABULARY_BYTE_LEVEL,	  /* GPT-2: one printable character a byte */
};

struct vocabulary {
	size_t count;
	struct bytes *texts; /* [count] */
	uint8_t *kinds;	     /* [count], enum vocabulary_kind */
	uint8_t *pool;	     /* the texts */
	uint32_t *slots;     /* [slot_mask + 1], hashed by text; NONE is free */
	size_t slot_mask;
	size_t longest; /* bytes of the longest text */
	/* The longest user-defined token that starts with each byte. */
	size_t longest_user_defined[256];
	uint32_t byte_tokens[256]; /* NONE where there is none */
};

/*
 * Read tokenizer.ggml.tokens and .token_type.  ERR_MALFORMED where they
 * disagree, ERR_TOO_LARGE beyond count_max, ERR_UNSUPPORTED for tokens beyond
 * VOCABULARY_WHOLE_MAX where that counts.  Close with vocabulary_close().
 */
MUST_CHECK enum err vocabulary_open(const struct gguf *gguf,
				    enum vocabulary_spelling spelling,
				    size_t count_max, struct vocabulary *out);

void vocabulary_close(struct vocabulary *vocabulary);

/* The lowest token of that kind and text, or VOCABULARY_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct bytes text,
			 enum vocabulary_kind kind);

/* The longest user-defined token at the start of text, or VOCABULARY_NONE. */
uint32_t vocabulary_match(const struct vocabulary *vocabulary,
			  struct bytes text);

/*
 * The token of that text, whatever its kind: from now on it is a control
 * token, which text never becomes.  VOCABULARY_NONE where there is none.
 */
uint32_t vocabulary_reserve(struct vocabulary *vocabulary, struct bytes text);

/*
 * Append the bytes that a byte-level spelling stands for.  ERR_MALFORMED where
 * it is none, ERR_TOO_LARGE when the writer is full.
 */
MUST_CHECK enum err vocabulary_respell(struct bytes spelt, struct writer *out);

/*
 * How many slots a table by hash has for this many keys: a power of two, and at
 * least half of them stay free, so that most searches end at once.
 */
size_t vocabulary_slots(size_t count);

/*
 * How far from its own slot a key of such a table may lie, and so how many
 * slots any search looks at.  A file that needs more was built to be slow: half
 * of the slots are free, and real vocabularies stay below 50.
 */
#define VOCABULARY_PROBES_MAX 512

#endif
