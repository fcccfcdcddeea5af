/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever messages say, the special tokens of a prompt are those that the
 * template puts between them: their number depends on the roles alone, and no
 * text becomes one when it is encoded.
 *
 * Input: a byte that chooses the template, then messages, each a byte for its role
 * and text up to the next zero byte.
 */
#include "inference/encode.h"
#include "inference/template.h"
#include "tests/fuzz/fuzz_vocabulary.h"

#define TEXT_MAX 4096
#define MESSAGES_MAX 16
enum form {
	HOME,
	CHATML,
	LLAMA2,
	LLAMA3,
	FORMS,
};

#define HOME_TEXT \
	"{{ bos_token }}{{ messages[-1]['content'] | trim | lower }}<call>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct fuzz_vocabulary vocabularies[FORMS];
static struct template templates[FORMS];
static uint8_t memory[1u << 20] __attribute__((aligned(64)));

static const char *const texts[FORMS] = {
	HOME_TEXT,
	"{% if messages[0].role != 'system' %}<|im_start|>system\n"
	"You are a helpful assistant.<|im_end|>\n{% endif %}"
	"{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + "
	"m.content + '<|im_end|>\n' }}{% endfor %}<|im_start|>assistant\n",
	"{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}"
	"{% set system = messages[0].content %}"
	"{% else %}{% set rest = messages %}{% endif %}"
	"{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0)"
	" or m.role == 'system' %}{{ raise_exception('turns') }}{% endif %}"
	"{% if m.role == 'user' %}{{ bos_token + '[INST] ' + "
	"(system ~ '' if loop.first) ~ m.content.strip() + ' [/INST]' }}"
	"{% else %}{{ ' ' ~ m.content.split('\n') | join(' ') ~ eos_token }}"
	"{% endif %}{% endfor %}",
	"{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + "
	"m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}"
	"{% endfor %}<|start_header_id|>assistant<|end_header_id|>\n\n",
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < FORMS; i++) {
		enum err err;

		fuzz_open(&vocabularies[i],
			  i % 2 == 0 ? TOKENIZER_SENTENCEPIECE
				     : TOKENIZER_BYTE_LEVEL,
			  "qwen2", texts[i]);
		err = template_open(&vocabularies[i].gguf,
				    &vocabularies[i].tokenizer, &templates[i]);
		invariant(err == ERR_OK);
		invariant(templates[i].form == TEMPLATE_JINJA);
	}
	return 0;
}

static size_t read_messages(struct bytes in,
			    struct generate_message out[MESSAGES_MAX])
{
	size_t count = 0;

	for (; in.len > 0 && count < MESSAGES_MAX; count++) {
		const uint8_t *end = memchr(in.data, 0, in.len);
		size_t len = end == NULL ? in.len : (size_t)(end - in.data);

		out[count].role = (enum generate_role)(in.data[0] % 3);
		out[count].content =
			(struct bytes){ in.data + 1, len == 0 ? 0 : len - 1 };
		if (end != NULL)
			len++;
		in.data += len;
		in.len -= len;
	}
	return count;
}

/* Special tokens that a conversation of these roles has. */
static size_t specials(enum form form, const struct generate_message *messages,
		       size_t count)
{
	size_t first = messages[0].role == GENERATE_SYSTEM;

	switch (form) {
	case HOME:
		return 2;
	case CHATML: /* two a turn; it may add a system's turn */
		return 2 * (count + (first == 0)) + 1;
	case LLAMA2: /* one a turn, but for the system's */
		return count - first;
	case LLAMA3:
		return 1 + 3 * count + 2;
	case FORMS:
		break;
	}
	return 0;
}

static size_t control_tokens(const struct tokenizer *tokenizer,
			     const struct template_prompt *prompt,
			     struct arena *arena)
{
	static uint32_t tokens[4 * TEXT_MAX];
	struct encode_list list = { tokens, 0, 4 * TEXT_MAX };
	size_t control = 0;
	enum err err = ERR_OK;

	for (size_t i = 0; i < prompt->count && err == ERR_OK; i++)
		err = prompt->parts[i].token != VOCABULARY_NONE
			      ? encode_token(&list, prompt->parts[i].token)
			      : encode_text(tokenizer, prompt->parts[i].text,
					    arena, &list);
	invariant(err == ERR_OK);
	for (size_t i = 0; i < list.count; i++)
		control += tokenizer->vocabulary.kinds[tokens[i]] ==
			   VOCABULARY_CONTROL;
	return control;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { memory, sizeof(memory), 0 };
	struct generate_message messages[MESSAGES_MAX];
	struct generate_chat chat = { messages, 0 };
	struct template_prompt prompt;
	size_t form;
	enum err err;

	if (size == 0 || size > TEXT_MAX)
		return -1;
	form = data[0] % FORMS;
	chat.count =
		read_messages((struct bytes){ data + 1, size - 1 }, messages);
	err = template_prompt_init(&prompt, MESSAGES_MAX, 3 * TEXT_MAX, &arena);
	invariant(err == ERR_OK);
	err = template_render(&templates[form], &chat, &prompt);
	if (err != ERR_OK) {
		/* The only reason that text cannot give. */
		invariant(err == ERR_MALFORMED);
		invariant(chat.count == 0 || form == LLAMA2);
		return 0;
	}
	invariant(control_tokens(&vocabularies[form].tokenizer, &prompt,
				 &arena) ==
		  specials((enum form)form, messages, chat.count));
	return 0;
}
