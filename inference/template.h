/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: how a model wants a conversation told.
 *
 * Files carry chat templates as programs.  None is ever run: a file's template
 * is recognised as one of those below, by text that only it has, and the form
 * is written out in C.  What is not recognised is not guessed at.
 *
 *   home    <bos> content of the last message, trimmed, small letters <call>
 *   chatml  <|im_start|> role \n content <|im_end|> \n ...
 *   llama2  <bos> [INST] content [/INST] answer <eos> ...
 *   llama3  <bos> <|start_header_id|> role <|end_header_id|> \n\n content
 *           <|eot_id|> ...
 *
 * A prompt is a list of parts, special tokens and texts.  Only this module
 * adds special tokens, and a message is always text; so no message can end its
 * own turn or begin another, whatever it spells.
 */
#ifndef INFERENCE_TEMPLATE_H
#define INFERENCE_TEMPLATE_H

#include "base/arena.h"
#include "inference/generate.h"
#include "inference/tokenizer.h"

#define TEMPLATE_TOKENS_MAX 3

enum template_form {
	TEMPLATE_NONE, /* the file has none, or one not known here */
	TEMPLATE_HOME,
	TEMPLATE_CHATML,
	TEMPLATE_LLAMA2,
	TEMPLATE_LLAMA3,
};

struct template
{
	enum template_form form;
	const char *name;	    /* NULL for TEMPLATE_NONE */
	const char *system;	    /* said where no message says it; or NULL */
	enum tokenizer_setting bos; /* whether a prompt starts with it */
	uint32_t bos_token;
	uint32_t eos_token;
	uint32_t tokens[TEMPLATE_TOKENS_MAX]; /* in the form's order */
	uint32_t end; /* of the model's turn, or VOCABULARY_NONE */
};

/* A special token, or a text where token is VOCABULARY_NONE. */
struct template_part {
	uint32_t token;
	struct bytes text;
};

struct template_prompt {
	struct template_part *parts;
	size_t count;
	size_t max;
	struct writer text; /* what the parts' texts are in */
};

/*
 * Recognise tokenizer.chat_template.  The form's tokens become control tokens
 * of the tokenizer, whatever the file had them be.
 */
struct template template_find(const struct gguf *gguf,
			      struct tokenizer *tokenizer);

/* Arena for prompts of that many messages and bytes of text, all told. */
size_t template_memory(size_t messages, size_t text_bytes);

MUST_CHECK enum err template_prompt_init(struct template_prompt *prompt,
					 size_t messages, size_t text_bytes,
					 struct arena *arena);

/*
 * Tell a conversation, ending where the model is to answer.  ERR_UNSUPPORTED
 * for TEMPLATE_NONE, ERR_MALFORMED for no message or an order of roles that
 * the form forbids, ERR_TOO_LARGE when the prompt has no room.
 */
MUST_CHECK enum err template_render(const struct template *template,
				    const struct generate_chat *chat,
				    struct template_prompt *prompt);

#endif
