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
#define KINDS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct fuzz_vocabulary vocabularies[KINDS];
static uint8_t memory[1u << 19] __attribute__((aligned(64)));

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const splits[KINDS] = { "none", "gpt-2", "smollm",
						   "llama3", "qwen2" };

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < KINDS; i++)
		fuzz_open(&vocabularies[i],
			  i == 0 ? TOKENIZER_SENTENCEPIECE
				 : TOKENIZER_BYTE_LEVEL,
			  splits[i], NULL);
	return 0;
}

/* What SentencePiece makes of a text before it looks at it. */
static struct bytes expected(const struct tokenizer *tokenizer,
			     struct bytes text, struct writer *out)
{
	enum err err = ERR_OK;

	if (tokenizer->model != TOKENIZER_SENTENCEPIECE)
		return text;
	if (text.len > 0)
		err = bytes_put_u8(out, ' ');
	while (text.len > 0 && err == ERR_OK) {
		struct bytes one = text;
		uint32_t code = unicode_take_lossy(&text);

		one.len -= text.len;
		err = bytes_put(out, code == 0x2581 ? BYTES_LITERAL(" ") : one);
	}
	invariant(err == ERR_OK);
	return bytes_written(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t tokens[TEXT_MAX + 1];
	static uint8_t wanted[TEXT_MAX + 1];
	struct encode_list list = { tokens, 0, TEXT_MAX + 1 };
	struct arena arena = { memory, sizeof(memory), 0 };
	struct writer room = WRITER_OVER(wanted);
	const struct tokenizer *tokenizer;
	struct bytes text, rest;
	enum err err;

	if (size == 0 || size > TEXT_MAX)
		return -1;
	tokenizer = &vocabularies[data[0] % KINDS].tokenizer;
	text = (struct bytes){ data + 1, size - 1 };
	err = encode_text(tokenizer, text, &arena, &list);
	invariant(err == ERR_OK);
	invariant(arena.used == 0);
	rest = expected(tokenizer, text, &room);
	for (size_t i = 0; i < list.count; i++) {
		struct bytes piece = tokenizer_text(tokenizer, tokens[i]);
		struct bytes front;

		invariant(tokenizer->vocabulary.kinds[tokens[i]] !=
			  VOCABULARY_CONTROL);
		invariant(piece.len > 0);
		err = bytes_take(&rest, piece.len, &front);
		invariant(err == ERR_OK && bytes_equal(front, piece));
	}
	invariant(rest.len == 0);
	return 0;
}
