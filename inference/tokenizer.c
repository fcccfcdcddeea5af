/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/tokenizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/sort.h"

/* tokenizer.ggml.pre: which splitting rule a vocabulary was trained with, by
 * the names that llama.cpp's converter writes. */
static const struct {
	const char *name;
	enum split_rule split;
	enum tokenizer_setting whole_words;
	enum tokenizer_setting begins_with_bos; /* unless the file says */
} splits[] = {
	{ "gpt-2", SPLIT_GPT2, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "mpt", SPLIT_GPT2, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "olmo", SPLIT_GPT2, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "starcoder", SPLIT_DIGITS, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "refact", SPLIT_DIGITS, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "command-r", SPLIT_DIGITS, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "smollm", SPLIT_DIGITS, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "dbrx", SPLIT_LLAMA3, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "llama-bpe", SPLIT_LLAMA3, TOKENIZER_ON, TOKENIZER_ON },
	{ "llama3", SPLIT_LLAMA3, TOKENIZER_ON, TOKENIZER_ON },
	{ "llama-v3", SPLIT_LLAMA3, TOKENIZER_ON, TOKENIZER_ON },
	{ "qwen2", SPLIT_QWEN2, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "deepseek-r1-qwen", SPLIT_QWEN2, TOKENIZER_OFF, TOKENIZER_OFF },
	{ "tekken", SPLIT_TEKKEN, TOKENIZER_ON, TOKENIZER_ON },
};

/* Keeps *out, the default of the model, where the file is silent. */
static enum err read_setting(const struct gguf *gguf, const char *key,
			     enum tokenizer_setting *out)
{
	uint32_t value;

	if (gguf_find(gguf, key) == NULL)
		return ERR_OK;
	TRY(gguf_u32(gguf, key, &value));
	*out = value != 0 ? TOKENIZER_ON : TOKENIZER_OFF;
	return ERR_OK;
}

/* A special token that the file names, or none; one beyond the vocabulary
 * would be an index into the embedding. */
static enum err read_token(const struct gguf *gguf, const char *key,
			   const struct tokenizer *tokenizer, uint32_t *out)
{
	uint32_t token;

	*out = VOCABULARY_NONE;
	if (gguf_find(gguf, key) == NULL)
		return ERR_OK;
	TRY(gguf_u32(gguf, key, &token));
	if (token >= tokenizer->vocabulary.count)
		return ERR_MALFORMED;
	*out = token;
	return ERR_OK;
}

static enum err read_specials(const struct gguf *gguf,
			      struct tokenizer *tokenizer)
{
	TRY(read_token(gguf, "tokenizer.ggml.bos_token_id", tokenizer,
		       &tokenizer->bos));
	TRY(read_token(gguf, "tokenizer.ggml.eos_token_id", tokenizer,
		       &tokenizer->eos));
	TRY(read_token(gguf, "tokenizer.ggml.eot_token_id", tokenizer,
		       &tokenizer->eot));
	TRY(read_token(gguf, "tokenizer.ggml.unknown_token_id", tokenizer,
		       &tokenizer->unknown));
	/* Byte-level models name a control token, which no text becomes. */
	if (tokenizer->unknown != VOCABULARY_NONE &&
	    tokenizer->vocabulary.kinds[tokenizer->unknown] ==
		    VOCABULARY_CONTROL)
		tokenizer->unknown = VOCABULARY_NONE;
	TRY(read_setting(gguf, "tokenizer.ggml.add_bos_token",
			 &tokenizer->begins_with_bos));
	if (tokenizer->begins_with_bos == TOKENIZER_ON &&
	    tokenizer->bos == VOCABULARY_NONE)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* SentencePiece merges by score; ranks are the same order as integers, as
 * byte-level merges have it, so that one heap serves both. */
struct scored {
	float score;
	uint32_t token;
};

/* The best score first; finite, so the order is total but for ties. */
static int compare_scores(const void *a, const void *b)
{
	const struct scored *left = a;
	const struct scored *right = b;

	return (left->score < right->score) - (left->score > right->score);
}

/* Ranks from sorted scores; equal scores share a rank. */
static void assign_ranks(const struct scored *sorted, size_t count,
			 uint32_t *ranks)
{
	uint32_t rank = 0;

	for (size_t i = 0; i < count; i++) {
		if (i > 0 && sorted[i].score < sorted[i - 1].score)
			rank++;
		ranks[sorted[i].token] = rank;
	}
}

static enum err read_scores(struct bytes scores, struct scored *out,
			    size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		TRY(bytes_take_into(&scores, &out[i].score,
				    sizeof(out[i].score)));
		if (!isfinite(out[i].score))
			return ERR_MALFORMED;
		out[i].token = i;
	}
	return ERR_OK;
}

static enum err rank_scores(struct bytes scores, size_t count, uint32_t *ranks)
{
	struct scored *sorted = calloc(count, sizeof(*sorted));
	enum err err;

	if (sorted == NULL)
		return ERR_UNAVAILABLE;
	err = read_scores(scores, sorted, count);
	if (err == ERR_OK) {
		sort_by(sorted, count, sizeof(*sorted), compare_scores);
		assign_ranks(sorted, count, ranks);
	}
	free(sorted);
	return err;
}

/* A model that rewrites texts before it merges would get other tokens. */
static enum err check_identity(const struct gguf *gguf)
{
	enum tokenizer_setting removes = TOKENIZER_OFF;
	const struct gguf_value *map =
		gguf_find(gguf, "tokenizer.ggml.precompiled_charsmap");

	TRY(read_setting(gguf, "tokenizer.ggml.remove_extra_whitespaces",
			 &removes));
	if (removes == TOKENIZER_ON || (map != NULL && map->array.count > 0))
		return ERR_UNSUPPORTED;
	return ERR_OK;
}

static enum err open_sentencepiece(const struct gguf *gguf,
				   struct tokenizer *tokenizer)
{
	struct gguf_array scores;

	TRY(check_identity(gguf));
	tokenizer->begins_with_bos = TOKENIZER_ON;
	tokenizer->begins_with_space = TOKENIZER_ON;
	TRY(read_setting(gguf, "tokenizer.ggml.add_space_prefix",
			 &tokenizer->begins_with_space));
	TRY(gguf_array(gguf, "tokenizer.ggml.scores", GGUF_F32, &scores));
	if (scores.count != tokenizer->vocabulary.count)
		return ERR_MALFORMED;
	tokenizer->ranks = calloc(scores.count, sizeof(*tokenizer->ranks));
	if (tokenizer->ranks == NULL)
		return ERR_UNAVAILABLE;
	return rank_scores(scores.elements, scores.count, tokenizer->ranks);
}

/* The unknown token stands for what is no piece, unless all bytes are pieces:
 * some of them would be a fallback that gives up halfway. */
static enum err check_fallback(const struct tokenizer *tokenizer)
{
	const uint32_t *bytes = tokenizer->vocabulary.byte_tokens;
	size_t count = 0;

	for (size_t i = 0; i < 256; i++)
		count += bytes[i] != VOCABULARY_NONE;
	if (count == 256 ||
	    (count == 0 && tokenizer->unknown != VOCABULARY_NONE))
		return ERR_OK;
	return ERR_MALFORMED;
}

/* What the file may leave out: the token of that kind. */
static void find_unknown(struct tokenizer *tokenizer)
{
	const struct vocabulary *vocabulary = &tokenizer->vocabulary;

	for (uint32_t i = 0; i < vocabulary->count; i++) {
		if (tokenizer->unknown != VOCABULARY_NONE)
			return;
		if (vocabulary->kinds[i] == VOCABULARY_UNKNOWN)
			tokenizer->unknown = i;
	}
}

/* A rule that is nearly right would give other tokens for some texts only,
 * and nobody would notice: what is not known here is refused. */
static enum err choose_split(const struct gguf *gguf,
			     struct tokenizer *tokenizer)
{
	struct bytes name;

	/* Files from before there were names do not say which rule is theirs. */
	if (gguf_find(gguf, "tokenizer.ggml.pre") == NULL)
		return ERR_UNSUPPORTED;
	TRY(gguf_string(gguf, "tokenizer.ggml.pre", &name));
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		if (!bytes_equal(name, bytes_of_string(splits[i].name)))
			continue;
		tokenizer->split = splits[i].split;
		tokenizer->whole_words = splits[i].whole_words;
		tokenizer->begins_with_bos = splits[i].begins_with_bos;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

static enum err open_byte_level(const struct gguf *gguf,
				const struct tokenizer_limits *limits,
				struct tokenizer *tokenizer)
{
	TRY(choose_split(gguf, tokenizer));
	return pairs_open(gguf, &tokenizer->vocabulary, limits->merges,
			  &tokenizer->pairs);
}

/* The vocabulary first: everything else is said in its numbers. */
static enum err open_model(const struct gguf *gguf,
			   const struct tokenizer_limits *limits,
			   struct tokenizer *tokenizer)
{
	enum vocabulary_spelling spelling =
		tokenizer->model == TOKENIZER_BYTE_LEVEL
			? VOCABULARY_BYTE_LEVEL
			: VOCABULARY_SENTENCEPIECE;

	TRY(vocabulary_open(gguf, spelling, limits->tokens,
			    &tokenizer->vocabulary));
	switch (tokenizer->model) {
	case TOKENIZER_SENTENCEPIECE:
		TRY(open_sentencepiece(gguf, tokenizer));
		return read_specials(gguf, tokenizer);
	case TOKENIZER_UNIGRAM:
		TRY(unigram_open(gguf, &tokenizer->vocabulary,
				 &tokenizer->unigram));
		TRY(read_specials(gguf, tokenizer));
		find_unknown(tokenizer);
		return check_fallback(tokenizer);
	case TOKENIZER_BYTE_LEVEL:
		TRY(open_byte_level(gguf, limits, tokenizer));
		return read_specials(gguf, tokenizer);
	}
	return ERR_UNSUPPORTED;
}

static enum err read_model(const struct gguf *gguf, enum tokenizer_model *out)
{
	static const struct {
		const char *name;
		enum tokenizer_model model;
	} models[] = {
		{ "llama", TOKENIZER_SENTENCEPIECE },
		{ "t5", TOKENIZER_UNIGRAM },
		{ "gpt2", TOKENIZER_BYTE_LEVEL },
	};
	struct bytes name;

	TRY(gguf_string(gguf, "tokenizer.ggml.model", &name));
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!bytes_equal(name, bytes_of_string(models[i].name)))
			continue;
		*out = models[i].model;
		return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}

enum err tokenizer_open(const struct gguf *gguf,
			const struct tokenizer_limits *limits,
			struct tokenizer *out)
{
	struct tokenizer made = { 0 };
	enum err err;

	TRY(read_model(gguf, &made.model));
	err = open_model(gguf, limits, &made);
	if (err != ERR_OK) {
		tokenizer_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
	vocabulary_close(&tokenizer->vocabulary);
	free(tokenizer->ranks);
	unigram_close(&tokenizer->unigram);
	pairs_close(&tokenizer->pairs);
	*tokenizer = (struct tokenizer){ 0 };
}

/* Control tokens are for the model: a client must not see them as text. */
struct bytes tokenizer_text(const struct tokenizer *tokenizer, uint32_t token)
{
	const struct vocabulary *vocabulary = &tokenizer->vocabulary;

	invariant(token < vocabulary->count);
	if (vocabulary->kinds[token] == VOCABULARY_CONTROL)
		return (struct bytes){ 0 };
	if (vocabulary->kinds[token] == VOCABULARY_UNKNOWN)
		return BYTES_LITERAL("\xef\xbf\xbd"); /* U+FFFD */
	return vocabulary->texts[token];
}
