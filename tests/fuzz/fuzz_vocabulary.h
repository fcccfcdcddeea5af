/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vocabulary: small model files without weights, for fuzzers that need a
 * tokenizer: bytes, a few merges, and the special tokens of every chat form.
 */
#ifndef TESTS_FUZZ_VOCABULARY_H
#define TESTS_FUZZ_VOCABULARY_H

#include <stdio.h>
#include <string.h>

#include "inference/tokenizer.h"

#define FUZZ_VOCABULARY_BYTES 32768

struct fuzz_vocabulary {
	uint8_t file[FUZZ_VOCABULARY_BYTES] __attribute__((aligned(64)));
	struct writer out;
	struct gguf gguf;
	struct tokenizer tokenizer;
};

static inline void fuzz_put(struct writer *out, const void *data, size_t len)
{
	enum err err = bytes_put(out, (struct bytes){ data, len });

	invariant(err == ERR_OK);
}

static inline void fuzz_put_number(struct writer *out, uint64_t value,
				   size_t len)
{
	fuzz_put(out, &value, len);
}

static inline void fuzz_put_string(struct writer *out, const char *text)
{
	fuzz_put_number(out, strlen(text), 8);
	fuzz_put(out, text, strlen(text));
}

static inline void fuzz_put_text(struct writer *out, const char *key,
				 const char *text)
{
	fuzz_put_string(out, key);
	fuzz_put_number(out, GGUF_STRING, 4);
	fuzz_put_string(out, text);
}

static inline void fuzz_put_u32(struct writer *out, const char *key,
				uint32_t value)
{
	fuzz_put_string(out, key);
	fuzz_put_number(out, GGUF_U32, 4);
	fuzz_put_number(out, value, 4);
}

static inline void fuzz_put_array(struct writer *out, const char *key,
				  enum gguf_type type, size_t count)
{
	fuzz_put_string(out, key);
	fuzz_put_number(out, GGUF_ARRAY, 4);
	fuzz_put_number(out, type, 4);
	fuzz_put_number(out, count, 8);
}

#define FUZZ_WORDS 19
#define FUZZ_BYTES 256

static const char *const fuzz_words[FUZZ_WORDS] = {
	"<unk>",
	"<s>",
	"</s>",
	"<call>",
	"<|im_start|>",
	"<|im_end|>",
	"<|eot_id|>",
	"<|start_header_id|>",
	"<|end_header_id|>",
	"{\"name\":\"",
	"  ",
	"\n\n",
	"th",
	"the",
	"in",
	"ing",
	"an",
	"and",
	"ll",
};

static const uint8_t fuzz_kinds[FUZZ_WORDS] = { 2, 3, 3, 3, 3, 3, 3, 3, 3, 4,
						4, 4, 1, 1, 1, 1, 1, 1, 1 };

/* GPT-2's spelling of a byte; see inference/vocabulary.c. */
static inline void fuzz_spell(uint32_t byte, char out[8])
{
	uint32_t code = byte, hidden = 0x100;

	for (uint32_t b = 0; b < 0x100; b++) {
		if ((b >= '!' && b <= '~') || (b >= 0xa1 && b != 0xad))
			continue;
		if (b == byte)
			code = hidden;
		hidden++;
	}
	if (code < 0x80)
		(void)snprintf(out, 8, "%c", (int)code);
	else
		(void)snprintf(out, 8, "%c%c", (int)(0xc0 | code >> 6),
			       (int)(0x80 | (code & 0x3f)));
}

static inline void fuzz_put_tokens(struct writer *out,
				   enum tokenizer_model model)
{
	size_t count = FUZZ_WORDS + FUZZ_BYTES;
	char spelt[8];

	fuzz_put_array(out, "tokenizer.ggml.tokens", GGUF_STRING, count);
	for (size_t i = 0; i < FUZZ_WORDS; i++)
		fuzz_put_string(out, fuzz_words[i]);
	for (uint32_t i = 0; i < FUZZ_BYTES; i++) {
		if (model != TOKENIZER_BYTE_LEVEL)
			(void)snprintf(spelt, sizeof(spelt), "<0x%02X>", i);
		else
			fuzz_spell(i, spelt);
		fuzz_put_string(out, spelt);
	}
	fuzz_put_array(out, "tokenizer.ggml.token_type", GGUF_I32, count);
	for (size_t i = 0; i < FUZZ_WORDS; i++)
		fuzz_put_number(out, fuzz_kinds[i], 4);
	for (size_t i = 0; i < FUZZ_BYTES; i++)
		fuzz_put_number(out, model == TOKENIZER_BYTE_LEVEL ? 1 : 6, 4);
	fuzz_put_array(out, "tokenizer.ggml.scores", GGUF_F32, count);
	for (size_t i = 0; i < count; i++) {
		float score = -(float)i;

		fuzz_put(out, &score, sizeof(score));
	}
}

static inline void fuzz_put_bool(struct writer *out, const char *key,
				 uint8_t value)
{
	fuzz_put_string(out, key);
	fuzz_put_number(out, GGUF_BOOL, 4);
	fuzz_put_number(out, value, 1);
}

/* Make and open it; `template` is the chat template, or NULL. */
static inline void fuzz_open(struct fuzz_vocabulary *v,
			     enum tokenizer_model model, const char *split,
			     const char *template)
{
	static const char *const merges[] = { "t h", "th e", "i n", "in g",
					      "a n", "an d", "l l" };
	static const char *const models[] = { "llama", "t5", "gpt2" };
	static const struct gguf_limits limits = { 64, 64, 4096, 4096 };
	static const struct tokenizer_limits tokens = { 4096, 4096 };
	enum err err;

	v->out = (struct writer)WRITER_OVER(v->file);
	fuzz_put(&v->out, "GGUF", 4);
	fuzz_put_number(&v->out, 3, 4);
	fuzz_put_number(&v->out, 0, 8);
	fuzz_put_number(&v->out, template == NULL ? 10 : 11, 8);
	fuzz_put_text(&v->out, "tokenizer.ggml.model", models[model]);
	fuzz_put_text(&v->out, "tokenizer.ggml.pre", split);
	fuzz_put_tokens(&v->out, model);
	fuzz_put_u32(&v->out, "tokenizer.ggml.bos_token_id", 1);
	fuzz_put_u32(&v->out, "tokenizer.ggml.eos_token_id", 2);
	fuzz_put_array(&v->out, "tokenizer.ggml.merges", GGUF_STRING, 7);
	for (size_t i = 0; i < 7; i++)
		fuzz_put_string(&v->out, merges[i]);
	fuzz_put_bool(&v->out, "tokenizer.ggml.add_space_prefix", 1);
	fuzz_put_bool(&v->out, "tokenizer.ggml.remove_extra_whitespaces", 0);
	if (template != NULL)
		fuzz_put_text(&v->out, "tokenizer.chat_template", template);
	err = gguf_open(bytes_written(&v->out), &limits, &v->gguf);
	invariant(err == ERR_OK);
	err = tokenizer_open(&v->gguf, &tokens, &v->tokenizer);
	invariant(err == ERR_OK);
}

#endif
