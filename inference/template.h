/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: how a model wants a conversation told.
 *
 * Files carry chat templates as programs in Jinja.  One is parsed when its
 * model is opened, and rendered for every chat, within bounds, in the memory
 * of the request; jinja_*.h say what of the language is served.  A template
 * that needs more is refused, and its model continues texts only.
 *
 *     rendered  <|im_start|>user\n | <|im_end|> | <|im_end|>\n
 *     whose     the template's     | a user's   | the template's
 *     parts     TOKEN "user\n<|im_end|>" TOKEN "\n"
 *
 * A prompt is a list of parts, special tokens and texts.  Special tokens are
 * made of the template's own characters alone, and a message is always text;
 * so no message can end its own turn or begin another, whatever it spells.
 */
#ifndef INFERENCE_TEMPLATE_H
#define INFERENCE_TEMPLATE_H

#include "base/arena.h"
#include "inference/generate.h"
#include "inference/jinja_render.h"
#include "inference/specials.h"

enum template_form {
	TEMPLATE_NONE, /* the file has none, or one that is not served */
	TEMPLATE_JINJA,
};

struct template
{
	enum template_form form;
	const char *name; /* NULL for TEMPLATE_NONE */
	struct jinja_program program;
	struct specials specials;
	uint32_t bos; /* VOCABULARY_NONE where the model has none */
	uint32_t eos;
	uint32_t unknown;
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
	struct jinja_render_message *messages;
	size_t messages_max;
	struct jinja_out out; /* what the parts' texts are in */
	struct writer memory; /* of the rendering */
};

/*
 * Read tokenizer.chat_template and try it on a few conversations: it must tell
 * what a user says.  The tokens that it then uses become control tokens of the
 * tokenizer, whatever the file had them be.  A template that is not served is
 * TEMPLATE_NONE, not an error; ERR_UNAVAILABLE without memory.  Borrows from
 * the tokenizer.  Close with template_close().
 */
MUST_CHECK enum err template_open(const struct gguf *gguf,
				  struct tokenizer *tokenizer,
				  struct template *out);

void template_close(struct template *template);

/* Arena for prompts of that many messages and bytes of text, all told. */
size_t template_memory(size_t messages, size_t text_bytes);

MUST_CHECK enum err template_prompt_init(struct template_prompt *prompt,
					 size_t messages, size_t text_bytes,
					 struct arena *arena);

/*
 * Tell a conversation, ending where the model is to answer.  ERR_UNSUPPORTED
 * for TEMPLATE_NONE and for what this chat needs of the language and is not
 * served; ERR_MALFORMED for no message and for a conversation that the
 * template refuses; ERR_TOO_LARGE when the prompt has no room.
 */
MUST_CHECK enum err template_render(const struct template *template,
				    const struct generate_chat *chat,
				    struct template_prompt *prompt);

#endif
