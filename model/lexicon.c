/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lexicon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/vocabulary.h"

#define WORD_BYTES 16
#define SPACE "\xe2\x96\x81" /* U+2581 stands for a space */

static const char consonants[] = "tnsrhldcmfpgwybvkjzx";
static const char vowels[] = "eaoiuy";
#define VOWELS ((size_t)6)
#define SYLLABLES (20 * VOWELS)

static const struct special {
	const char *text;
	enum vocabulary_kind kind;
} specials[] = {
	{ "<unk>", VOCABULARY_UNKNOWN },
	{ "<s>", VOCABULARY_CONTROL },
	{ "</s>", VOCABULARY_CONTROL },
};

static const struct special turns[] = {
	{ "<|im_start|>", VOCABULARY_CONTROL },
	{ "<|im_end|>", VOCABULARY_CONTROL },
};

static const char template[] =
	"{% for message in messages %}"
	"<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
	"{% endfor %}"
	"{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/* The columns of the vocabulary, as they are filled. */
struct lexicon {
	char (*words)[WORD_BYTES];
	struct bytes *texts;
	float *scores;
	int32_t *kinds;
	size_t count;
	size_t max;
};

static void add(struct lexicon *lexicon, enum vocabulary_kind kind,
		const char *text)
{
	size_t i = lexicon->count;
	size_t len = strlen(text);

	if (i == lexicon->max)
		return;
	invariant(len < WORD_BYTES);
	memcpy(lexicon->words[i], text, len + 1);
	lexicon->texts[i] = bytes_of_string(lexicon->words[i]);
	lexicon->kinds[i] = (int32_t)kind;
	/* Words that come earlier merge earlier. */
	lexicon->scores[i] = kind == VOCABULARY_NORMAL ? -(float)i : 0;
	lexicon->count++;
}

static void add_specials(struct lexicon *lexicon)
{
	char text[WORD_BYTES];

	for (size_t i = 0; i < 3; i++)
		add(lexicon, specials[i].kind, specials[i].text);
	for (unsigned i = 0; i < 256; i++) {
		(void)snprintf(text, sizeof(text), "<0x%02X>", i);
		add(lexicon, VOCABULARY_BYTE, text);
	}
	for (size_t i = 0; i < 2; i++)
		add(lexicon, turns[i].kind, turns[i].text);
}

/* All words of that many syllables, or those of the most that are wanted. */
static void add_words(struct lexicon *lexicon, const char *before,
		      size_t syllables)
{
	size_t count = 1;

	for (size_t i = 0; i < syllables; i++)
		count *= SYLLABLES;
	for (size_t i = 0; i < count && lexicon->count < lexicon->max; i++) {
		char text[WORD_BYTES];
		size_t len = strlen(before);

		memcpy(text, before, len);
		for (size_t left = count; left > 1; left /= SYLLABLES) {
			size_t number = i % left / (left / SYLLABLES);

			text[len++] = consonants[number / VOWELS];
			text[len++] = vowels[number % VOWELS];
		}
		text[len] = '\0';
		add(lexicon, VOCABULARY_NORMAL, text);
	}
}

/* From letters to words of three syllables, with and without a space. */
static void add_normal(struct lexicon *lexicon)
{
	char letter[2] = "";

	add(lexicon, VOCABULARY_NORMAL, SPACE);
	for (int c = '!'; c <= '~'; c++) {
		letter[0] = (char)c;
		add(lexicon, VOCABULARY_NORMAL, letter);
	}
	add_words(lexicon, "", 1);
	add_words(lexicon, SPACE, 1);
	add_words(lexicon, "", 2);
	add_words(lexicon, SPACE, 2);
	add_words(lexicon, "", 3);
}

static void write(const struct lexicon *lexicon, struct gguf_write *out)
{
	size_t count = lexicon->count;

	gguf_write_string(out, "tokenizer.ggml.model", BYTES_LITERAL("llama"));
	gguf_write_string(out, "tokenizer.ggml.pre", BYTES_LITERAL("default"));
	gguf_write_strings(out, "tokenizer.ggml.tokens", lexicon->texts, count);
	gguf_write_array(out, "tokenizer.ggml.scores", GGUF_F32,
			 lexicon->scores, count);
	gguf_write_array(out, "tokenizer.ggml.token_type", GGUF_I32,
			 lexicon->kinds, count);
	gguf_write_u32(out, "tokenizer.ggml.unknown_token_id", 0);
	gguf_write_u32(out, "tokenizer.ggml.bos_token_id", 1);
	gguf_write_u32(out, "tokenizer.ggml.eos_token_id", 2);
	gguf_write_bool(out, "tokenizer.ggml.add_bos_token", 1);
	gguf_write_bool(out, "tokenizer.ggml.add_eos_token", 0);
	gguf_write_string(out, "tokenizer.chat_template",
			  bytes_of_string(template));
}

enum err lexicon_write(size_t count, struct gguf_write *out)
{
	struct lexicon lexicon = {
		.words = calloc(count, sizeof(*lexicon.words)),
		.texts = calloc(count, sizeof(*lexicon.texts)),
		.scores = calloc(count, sizeof(*lexicon.scores)),
		.kinds = calloc(count, sizeof(*lexicon.kinds)),
		.max = count,
	};
	enum err err = ERR_UNAVAILABLE;

	invariant(count >= LEXICON_LEAST);
	if (lexicon.words != NULL && lexicon.texts != NULL &&
	    lexicon.scores != NULL && lexicon.kinds != NULL) {
		add_specials(&lexicon);
		add_normal(&lexicon);
		write(&lexicon, out);
		err = ERR_OK;
	}
	free(lexicon.words);
	free(lexicon.texts);
	free(lexicon.scores);
	free(lexicon.kinds);
	return err;
}
