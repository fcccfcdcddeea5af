/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text, in any vocabulary, becomes tokens whose texts are that text again,
 * none of them a control token; and the scratch memory is left as it was.
 * The first byte chooses the vocabulary.
 */
#include "inference/encode.h"
#include "inference/unicode.h"
#include "tests/fuzz/fuzz_vocabulary.h"

#define TEXT_MAX 4096
#define KINDS 7
#define GROWTH 3 /* of a byte that is no text, in a unigram model */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct fuzz_vocabulary vocabularies[KINDS];
static uint8_t memory[1u << 19] __attribute__((aligned(64)));

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const splits[KINDS] = { "none",   "gpt-2", "smollm",
						   "llama3", "qwen2", "tekken",
						   "none" };
	static const enum tokenizer_model models[KINDS] = {
		TOKENIZER_SENTENCEPIECE, TOKENIZER_BYTE_LEVEL,
		TOKENIZER_BYTE_LEVEL,	 TOKENIZER_BYTE_LEVEL,
		TOKENIZER_BYTE_LEVEL,	 TOKENIZER_BYTE_LEVEL,
		TOKENIZER_UNIGRAM,
	};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < KINDS; i++)
		fuzz_open(&vocabularies[i], models[i], splits[i], NULL);
	return 0;
}

/* A text with SentencePiece's spelling of a space as one; unigram models see
 * U+FFFD for bytes that are no text. */
static struct bytes seen(const struct tokenizer *tokenizer, struct bytes text,
			 struct writer *out)
{
	enum err err = ERR_OK;

	while (text.len > 0 && err == ERR_OK) {
		struct bytes one = text;
		uint32_t code = unicode_take_lossy(&text);

		one.len -= text.len;
		if (code == 0x2581)
			one = BYTES_LITERAL(" ");
		else if (code == UNICODE_REPLACEMENT &&
			 tokenizer->model == TOKENIZER_UNIGRAM)
			one = BYTES_LITERAL("\xef\xbf\xbd");
		err = bytes_put(out, one);
	}
	invariant(err == ERR_OK);
	return bytes_written(out);
}

/* What a model makes of a text before it looks at it. */
static struct bytes expected(const struct tokenizer *tokenizer,
			     struct bytes text, struct writer *out)
{
	enum err err = ERR_OK;

	if (tokenizer->model == TOKENIZER_BYTE_LEVEL)
		return text;
	if (text.len > 0)
		err = bytes_put_u8(out, ' ');
	invariant(err == ERR_OK);
	return seen(tokenizer, text, out);
}

/* The texts of tokens; a space that is no token is spelt U+2581, in bytes. */
static struct bytes decoded(const struct tokenizer *tokenizer,
			    const struct encode_list *list, struct writer *out)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < list->count && err == ERR_OK; i++) {
		uint32_t token = list->tokens[i];
		struct bytes piece = tokenizer_text(tokenizer, token);

		invariant(tokenizer->vocabulary.kinds[token] !=
			  VOCABULARY_CONTROL);
		invariant(piece.len > 0);
		err = bytes_put(out, piece);
	}
	invariant(err == ERR_OK);
	return bytes_written(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t tokens[GROWTH * TEXT_MAX + 3];
	static uint8_t wanted[GROWTH * TEXT_MAX + 3];
	static uint8_t got[GROWTH * TEXT_MAX + 3];
	static uint8_t respelt[GROWTH * TEXT_MAX + 3];
	struct encode_list list = { tokens, 0, GROWTH * TEXT_MAX + 3 };
	struct arena arena = { memory, sizeof(memory), 0 };
	struct writer wanted_out = WRITER_OVER(wanted);
	struct writer got_out = WRITER_OVER(got);
	struct writer respelt_out = WRITER_OVER(respelt);
	const struct tokenizer *tokenizer;
	struct bytes text, back;
	enum err err;

	if (size == 0 || size > TEXT_MAX)
		return -1;
	tokenizer = &vocabularies[data[0] % KINDS].tokenizer;
	text = (struct bytes){ data + 1, size - 1 };
	err = encode_text(tokenizer, text, &arena, &list);
	invariant(err == ERR_OK);
	invariant(arena.used == 0);
	back = decoded(tokenizer, &list, &got_out);
	if (tokenizer->model == TOKENIZER_UNIGRAM)
		back = seen(tokenizer, back, &respelt_out);
	invariant(bytes_equal(back, expected(tokenizer, text, &wanted_out)));
	return 0;
}
