/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever messages say, the special tokens of a prompt are those that the
 * form puts between them: their number depends on the roles alone, and no
 * text becomes one when it is encoded.
 *
 * Input: a byte that chooses the form, then messages, each a byte for its role
 * and text up to the next zero byte.
 */
#include "inference/encode.h"
#include "inference/template.h"
#include "tests/fuzz/fuzz_vocabulary.h"

#define TEXT_MAX 4096
#define MESSAGES_MAX 16
#define FORMS 4
#define HOME_TEXT \
	"{{ bos_token }}{{ messages[-1]['content'] | trim | lower }}<call>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct fuzz_vocabulary vocabularies[FORMS];
static struct template templates[FORMS];
static uint8_t memory[1u << 20] __attribute__((aligned(64)));

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const texts[FORMS] = {
		HOME_TEXT,
		"<|im_start|> <|im_end|> You are a helpful assistant.",
		"bos_token [INST] <<SYS>>",
		"bos_token <|start_header_id|> <|eot_id|>",
	};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < FORMS; i++) {
		fuzz_open(&vocabularies[i],
			  i % 2 == 0 ? TOKENIZER_SENTENCEPIECE
				     : TOKENIZER_BYTE_LEVEL,
			  "qwen2", texts[i]);
		templates[i] = template_find(&vocabularies[i].gguf,
					     &vocabularies[i].tokenizer);
		invariant(templates[i].form == (enum template_form)(i + 1));
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
static size_t specials(enum template_form form,
		       const struct generate_message *messages, size_t count)
{
	size_t first = messages[0].role == GENERATE_SYSTEM;

	switch (form) {
	case TEMPLATE_HOME:
		return 2;
	case TEMPLATE_CHATML: /* two a turn; it may add a system's turn */
		return 2 * (count + (first == 0)) + 1;
	case TEMPLATE_LLAMA2: /* one a turn, but for the system's */
		return count - first;
	case TEMPLATE_LLAMA3:
		return 1 + 3 * count + 2;
	case TEMPLATE_NONE:
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
		invariant(chat.count == 0 ||
			  templates[form].form == TEMPLATE_LLAMA2);
		return 0;
	}
	invariant(control_tokens(&vocabularies[form].tokenizer, &prompt,
				 &arena) ==
		  specials(templates[form].form, messages, chat.count));
	return 0;
}
