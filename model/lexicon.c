/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lexicon.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inference/vocabulary.h"

#define WORD_BYTES 16
#define SPACE "\xe2\x96\x81" /* U+2581 stands for a space */

static const char consonants[] = "tnsrhldcmfpgwybvkjzx";
static const char vowels[] = "eaoiuy";
#define SYLLABLES (20 * 6)
#define PAIRS (SYLLABLES * SYLLABLES)

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

__attribute__((format(printf, 3, 4))) static void
add(struct lexicon *lexicon, enum vocabulary_kind kind, const char *format, ...)
{
	size_t i = lexicon->count;
	va_list list;
	int len;

	if (i == lexicon->max)
		return;
	va_start(list, format);
	len = vsnprintf(lexicon->words[i], WORD_BYTES, format, list);
	va_end(list);
	invariant(len > 0 && len < WORD_BYTES);
	lexicon->texts[i] = bytes_of_string(lexicon->words[i]);
	lexicon->kinds[i] = kind;
	/* Words that come earlier merge earlier. */
	lexicon->scores[i] = kind == VOCABULARY_NORMAL ? -(float)i : 0;
	lexicon->count++;
}

static void add_specials(struct lexicon *lexicon)
{
	for (size_t i = 0; i < 3; i++)
		add(lexicon, specials[i].kind, "%s", specials[i].text);
	for (unsigned i = 0; i < 256; i++)
		add(lexicon, VOCABULARY_BYTE, "<0x%02X>", i);
	for (size_t i = 0; i < 2; i++)
		add(lexicon, turns[i].kind, "%s", turns[i].text);
}

struct syllable {
	char text[3];
};

static struct syllable syllable(size_t i)
{
	return (struct syllable){ { consonants[i / 6 % 20], vowels[i % 6] } };
}

/* From letters to words of three syllables, with and without a space. */
static void add_words(struct lexicon *lexicon)
{
	add(lexicon, VOCABULARY_NORMAL, SPACE);
	for (char c = '!'; c <= '~'; c++)
		add(lexicon, VOCABULARY_NORMAL, "%c", c);
	for (size_t i = 0; i < SYLLABLES; i++)
		add(lexicon, VOCABULARY_NORMAL, "%s", syllable(i).text);
	for (size_t i = 0; i < SYLLABLES; i++)
		add(lexicon, VOCABULARY_NORMAL, SPACE "%s", syllable(i).text);
	for (size_t i = 0; i < PAIRS; i++)
		add(lexicon, VOCABULARY_NORMAL, "%s%s",
		    syllable(i / SYLLABLES).text, syllable(i).text);
	for (size_t i = 0; i < PAIRS; i++)
		add(lexicon, VOCABULARY_NORMAL, SPACE "%s%s",
		    syllable(i / SYLLABLES).text, syllable(i).text);
	for (size_t i = 0; lexicon->count < lexicon->max; i++)
		add(lexicon, VOCABULARY_NORMAL, "%s%s%s",
		    syllable(i / PAIRS).text, syllable(i / SYLLABLES).text,
		    syllable(i).text);
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
		add_words(&lexicon);
		write(&lexicon, out);
		err = ERR_OK;
	}
	free(lexicon.words);
	free(lexicon.texts);
	free(lexicon.scores);
	free(lexicon.kinds);
	return err;
}
