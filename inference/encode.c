/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text takes four steps, each on what the one before left whole:
 *   user-defined tokens are cut out        put_text
 *   byte-level: what lies between, in words  put_stretch, split.h
 *   characters (or bytes) become symbols   put_sentencepiece, put_word
 *   symbols merge, and become tokens       put_merged, merge.h
 * but for unigram models, which are given the whole: put_unigram, unigram.h.
 * At no step is a control token looked for, which is what keeps a user's text
 * from being taken for the template's.
 */
#include "inference/encode.h"

#include <string.h>

#include "base/secret.h"
#include "inference/merge.h"
#include "inference/reserve.h"
#include "inference/unicode.h"

#define SENTENCEPIECE_SPACE 0x2581

/* One text on its way to tokens. */
struct encoder {
	const struct tokenizer *tokenizer;
	struct merge merge;
	struct encode_list *list;
	size_t unknown_end; /* of the list, if its last token is unknown */
};

enum err encode_token(struct encode_list *list, uint32_t token)
{
	if (list->count == list->max)
		return ERR_TOO_LARGE;
	list->tokens[list->count++] = token;
	return ERR_OK;
}

/* Two neighbours of SentencePiece merge where their text is a token. */
static bool find_by_text(const void *context, struct bytes text,
			 const struct merge_symbol *left,
			 const struct merge_symbol *right,
			 struct merge_candidate *out)
{
	const struct tokenizer *tokenizer = context;
	struct bytes both = { text.data + left->start,
			      (size_t)left->len + right->len };

	out->token = vocabulary_find(&tokenizer->vocabulary, both,
				     VOCABULARY_NORMAL);
	if (out->token == VOCABULARY_NONE)
		return false;
	out->rank = tokenizer->ranks[out->token];
	return true;
}

/* Two neighbours of byte-level BPE merge where the list says so. */
static bool find_by_pair(const void *context, struct bytes text,
			 const struct merge_symbol *left,
			 const struct merge_symbol *right,
			 struct merge_candidate *out)
{
	const struct tokenizer *tokenizer = context;
	struct pairs_result found;

	(void)text;
	found = pairs_find(&tokenizer->pairs, left->token, right->token);
	/* The merge is older than a template's claim on what it makes. */
	if (found.token == VOCABULARY_NONE ||
	    tokenizer->vocabulary.kinds[found.token] != VOCABULARY_NORMAL)
		return false;
	out->rank = found.rank;
	out->token = found.token;
	return true;
}

/* A run of what is unknown is one token. */
static enum err put_unknown(struct encoder *encoder)
{
	if (encoder->tokenizer->unknown == VOCABULARY_NONE)
		return ERR_UNSUPPORTED;
	if (encoder->list->count > 0 &&
	    encoder->list->count == encoder->unknown_end)
		return ERR_OK;
	TRY(encode_token(encoder->list, encoder->tokenizer->unknown));
	encoder->unknown_end = encoder->list->count;
	return ERR_OK;
}

/* Text that is no token: a byte at a time, or else as unknown. */
static enum err put_bytes(struct encoder *encoder, struct bytes text)
{
	const uint32_t *byte_tokens =
		encoder->tokenizer->vocabulary.byte_tokens;

	for (size_t i = 0; i < text.len; i++) {
		uint32_t token = byte_tokens[text.data[i]];

		if (token == VOCABULARY_NONE)
			TRY(put_unknown(encoder));
		else
			TRY(encode_token(encoder->list, token));
	}
	return ERR_OK;
}

static enum err put_symbol(struct encoder *encoder, struct bytes text,
			   const struct merge_symbol *symbol)
{
	if (symbol->token != VOCABULARY_NONE)
		return encode_token(encoder->list, symbol->token);
	return put_bytes(encoder, (struct bytes){ text.data + symbol->start,
						  symbol->len });
}

/* Merge the symbols that were added, and append what became of them. */
static enum err put_merged(struct encoder *encoder, struct bytes text)
{
	const struct merge_rules rules = {
		.find = encoder->tokenizer->model == TOKENIZER_SENTENCEPIECE
				? find_by_text
				: find_by_pair,
		.context = encoder->tokenizer,
	};
	struct merge *merge = &encoder->merge;
	const struct merge_symbol *symbol;

	if (merge->count == 0)
		return ERR_OK;
	merge_run(merge, text, &rules);
	for (uint32_t i = 0; i != MERGE_END; i = symbol->next) {
		symbol = &merge->symbols[i];
		TRY(put_symbol(encoder, text, symbol));
	}
	return ERR_OK;
}

/* One symbol a character; one that is no token may yet merge into one. */
static enum err put_sentencepiece(struct encoder *encoder, struct bytes text)
{
	struct bytes rest = text;

	encoder->merge.count = 0;
	while (rest.len > 0) {
		struct bytes one = rest;

		(void)unicode_take_lossy(&rest);
		one.len -= rest.len;
		merge_add(&encoder->merge, (uint32_t)one.len,
			  vocabulary_find(&encoder->tokenizer->vocabulary, one,
					  VOCABULARY_NORMAL));
	}
	return put_merged(encoder, text);
}

/* One symbol a byte, of a word that no merge may leave.  A byte without a token
 * is left out, as by the engines that such vocabularies were trained with. */
static enum err put_word(struct encoder *encoder, struct bytes word)
{
	const struct tokenizer *tokenizer = encoder->tokenizer;
	uint32_t token;

	if (tokenizer->whole_words == TOKENIZER_ON) {
		token = vocabulary_find(&tokenizer->vocabulary, word,
					VOCABULARY_NORMAL);
		if (token != VOCABULARY_NONE)
			return encode_token(encoder->list, token);
	}
	encoder->merge.count = 0;
	for (size_t i = 0; i < word.len; i++) {
		token = tokenizer->vocabulary.byte_tokens[word.data[i]];
		if (token != VOCABULARY_NONE)
			merge_add(&encoder->merge, 1, token);
	}
	return put_merged(encoder, word);
}

/* A stretch of text in which no user-defined token stands. */
static enum err put_stretch(struct encoder *encoder, struct bytes text)
{
	if (text.len == 0)
		return ERR_OK;
	if (encoder->tokenizer->model == TOKENIZER_SENTENCEPIECE)
		return put_sentencepiece(encoder, text);
	while (text.len > 0)
		TRY(put_word(encoder,
			     split_take(encoder->tokenizer->split, &text)));
	return ERR_OK;
}

/* Cut the text at user-defined tokens; `stretch` is what lies before one. */
static enum err put_text(struct encoder *encoder, struct bytes text)
{
	const struct vocabulary *vocabulary = &encoder->tokenizer->vocabulary;
	struct bytes stretch = { text.data, 0 };

	while (stretch.len < text.len) {
		struct bytes rest = { text.data + stretch.len,
				      text.len - stretch.len };
		uint32_t token = vocabulary_match(vocabulary, rest);
		size_t taken;

		if (token == VOCABULARY_NONE) {
			stretch.len++;
			continue;
		}
		TRY(put_stretch(encoder, stretch));
		TRY(encode_token(encoder->list, token));
		taken = stretch.len + vocabulary->texts[token].len;
		text.data += taken;
		text.len -= taken;
		stretch = (struct bytes){ text.data, 0 };
	}
	return put_stretch(encoder, stretch);
}

/*
 * SentencePiece's own view of a text: with a space in front, and its spelling
 * of a space, should a user have typed that, made one.
 */
static struct bytes normalise(const struct tokenizer *tokenizer,
			      struct bytes text, uint8_t *memory)
{
	size_t len = 0;

	if (tokenizer->begins_with_space == TOKENIZER_ON)
		memory[len++] = ' ';
	while (text.len > 0) {
		struct bytes one = text;

		if (unicode_take_lossy(&text) == SENTENCEPIECE_SPACE) {
			memory[len++] = ' ';
			continue;
		}
		one.len -= text.len;
		memcpy(memory + len, one.data, one.len);
		len += one.len;
	}
	return (struct bytes){ memory, len };
}

/* The best way to cut all of a text. */
static enum err put_unigram(struct encoder *encoder, struct bytes text,
			    struct arena *scratch)
{
	const struct unigram *unigram = &encoder->tokenizer->unigram;
	const uint8_t *kinds = encoder->tokenizer->vocabulary.kinds;
	size_t most = normalise_max(&unigram->normalise, text.len);
	struct unigram_piece *pieces;
	struct writer seen;

	TRY(arena_writer(scratch, most, &seen));
	TRY(normalise_text(&unigram->normalise, kinds, text, &seen));
	TRY(unigram_cut(unigram, kinds, bytes_written(&seen), scratch,
			&pieces));
	for (size_t at = 0; at < seen.len; at = pieces[at].end) {
		struct bytes one = { seen.data + at, pieces[at].end - at };

		if (pieces[at].token != VOCABULARY_NONE)
			TRY(encode_token(encoder->list, pieces[at].token));
		else
			TRY(put_bytes(encoder, one));
	}
	return ERR_OK;
}

size_t encode_memory(const struct tokenizer *tokenizer, size_t text_bytes)
{
	size_t most;

	/* SentencePiece sees a text with a space in front. */
	if (tokenizer->model != TOKENIZER_UNIGRAM)
		return reserve_bytes(text_bytes + 1, 1) +
		       merge_memory(text_bytes + 1);
	most = normalise_max(&tokenizer->unigram.normalise, text_bytes);
	return reserve_bytes(most, 1) + unigram_memory(most);
}

static enum err encode_in(struct arena *scratch, struct encoder *encoder,
			  struct bytes text)
{
	uint8_t *memory;

	if (encoder->tokenizer->model == TOKENIZER_UNIGRAM)
		return put_unigram(encoder, text, scratch);
	memory = arena_alloc(scratch, text.len + 1, 1);
	if (memory == NULL)
		return ERR_TOO_LARGE;
	TRY(merge_init(&encoder->merge, scratch, text.len + 1));
	if (encoder->tokenizer->model == TOKENIZER_SENTENCEPIECE)
		text = normalise(encoder->tokenizer, text, memory);
	return put_text(encoder, text);
}

enum err encode_text(const struct tokenizer *tokenizer, struct bytes text,
		     struct arena *scratch, struct encode_list *list)
{
	struct encoder encoder = { .tokenizer = tokenizer, .list = list };
	const size_t before = scratch->used;
	enum err err;

	if (text.len == 0)
		return ERR_OK;
	err = encode_in(scratch, &encoder, text);
	secret_wipe(scratch->base + before, scratch->used - before);
	scratch->used = before;
	return err;
}
