/* SPDX-License-Identifier: Apache-2.0 */
#include "api/conversation.h"

#include <string.h>

#include "crypto/hash.h"
#include "policy/limits.h"

static const struct chat_limits chat_limits = {
	.json_depth = LIMIT_JSON_DEPTH,
	.messages = LIMIT_CHAT_MESSAGES,
	.stops = LIMIT_STOPS,
	.stop_bytes = LIMIT_STOP_BYTES,
	.output_tokens = LIMIT_OUTPUT_TOKENS,
};

enum err conversation_read(const struct request *request,
			   struct conversation *out,
			   struct chat_refusal *refusal)
{
	*out = (struct conversation){ 0 };
	return chat_request_parse(request->content,
				  request->route == REQUEST_CHAT
					  ? CHAT_ENDPOINT_CHAT
					  : CHAT_ENDPOINT_COMPLETION,
				  &chat_limits, &out->request, refusal);
}

/* A request that names a seed is answered alike each time; others never. */
static void choose_seed(const struct chat_request *request,
			const struct conversation_setup *setup,
			uint8_t seed[static 32])
{
	uint8_t number[8];
	struct writer out = WRITER_OVER(number);

	if ((request->given & CHAT_GIVEN_SEED) == 0) {
		memcpy(seed, setup->seed, 32);
		return;
	}
	invariant(bytes_put_u64(&out, (uint64_t)request->seed) == ERR_OK);
	hash_sha256(bytes_written(&out), seed);
}

static struct generate_options
options_for(const struct chat_request *request,
	    const struct conversation_setup *setup)
{
	struct generate_options options = {
		/* Minus zero is zero, and is told as that. */
		.temperature = (float)request->temperature + 0.0F,
		.top_p = (float)request->top_p,
		.top_k = request->top_k,
		.tokens_max = request->max_tokens,
		.context_max = setup->context_max,
		.stops = request->stops,
		.stop_count = request->stop_count,
		.team = setup->team,
		.numerics = setup->numerics,
	};

	if (options.top_p <= 0.0F) {
		/* No mass at all can only mean the most probable token. */
		options.top_p = 1.0F;
		options.temperature = 0.0F;
	}
	if (options.tokens_max > setup->tokens_max)
		options.tokens_max = setup->tokens_max;
	choose_seed(request, setup, options.seed);
	return options;
}

static enum generate_role role_for(enum chat_role role)
{
	switch (role) {
	case CHAT_ROLE_SYSTEM:
	case CHAT_ROLE_DEVELOPER:
		return GENERATE_SYSTEM;
	case CHAT_ROLE_ASSISTANT:
		return GENERATE_ASSISTANT;
	/* What a tool said reaches the model as what its user says. */
	case CHAT_ROLE_TOOL:
	case CHAT_ROLE_USER:
		break;
	}
	return GENERATE_USER;
}

enum err conversation_start(struct conversation *talk,
			    const struct conversation_setup *setup)
{
	const struct chat_request *request = &talk->request;
	struct generate_message *messages;

	talk->options = options_for(request, setup);
	if (request->endpoint == CHAT_ENDPOINT_COMPLETION) {
		return generate_start_text(setup->model, setup->arena,
					   request->prompt, &talk->options,
					   &talk->generation);
	}

	messages = arena_alloc(setup->arena, request->message_count,
			       sizeof(*messages));
	if (messages == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < request->message_count; i++) {
		messages[i] = (struct generate_message){
			.role = role_for(request->messages[i].role),
			.content = request->messages[i].content,
		};
	}
	return generate_start_chat(
		setup->model, setup->arena,
		&(struct generate_chat){ messages, request->message_count },
		&talk->options, &talk->generation);
}
