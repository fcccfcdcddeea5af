/* SPDX-License-Identifier: Apache-2.0 */
#include "node/respond.h"

#include <string.h>

#include "crypto/hash.h"
#include "node/request.h"
#include "policy/limits.h"
#include "wire/completion.h"
#include "wire/sse.h"

/* Text that waits for room on the wire is joined into one event, up to this. */
#define EVENT_TEXT_MAX 2048

static const struct chat_limits chat_limits = {
	.json_depth = LIMIT_JSON_DEPTH,
	.messages = LIMIT_CHAT_MESSAGES,
	.stops = LIMIT_STOPS,
	.stop_bytes = LIMIT_STOP_BYTES,
	.output_tokens = LIMIT_OUTPUT_TOKENS,
};

/* One request while it is answered.  Memory is the arena's. */
struct conversation {
	const struct respond *respond;
	struct chat_request request;
	struct completion completion;
	struct generation *generation;
	struct writer text;  /* whole: all of it; streamed: not yet sent */
	struct writer piece; /* one event, or the whole answer */
};

static enum err refuse(const struct respond *respond,
		       const struct chat_refusal *refusal)
{
	uint8_t body[1024]; /* holds texts of ours alone */
	struct writer out = WRITER_OVER(body);

	TRY(completion_put_error(&out, refusal));
	answer_begin(respond->answer, refusal->status, ANSWER_JSON);
	answer_add(respond->answer, bytes_written(&out));
	answer_end(respond->answer);
	return ERR_OK;
}

static enum err refuse_for(const struct respond *respond,
			   enum chat_refusal_reason reason, const char *param)
{
	struct chat_refusal refusal = chat_refusal_for(reason, param);

	return refuse(respond, &refusal);
}

enum err respond_refuse(const struct respond *respond,
			enum chat_refusal_reason reason)
{
	return refuse_for(respond, reason, NULL);
}

static struct bytes model_name(const struct respond *respond)
{
	return bytes_of_string(respond->policy->model_name);
}

static enum err respond_models(const struct respond *respond,
			       const struct request *request)
{
	struct completion_model model = { .id = model_name(respond),
					  .owned_by = BYTES_LITERAL("operator"),
					  .created = respond->now_s };
	uint8_t body[1024];
	struct writer out = WRITER_OVER(body);

	if (request->model.len == 0)
		TRY(completion_put_model_list(&out, &model, 1));
	else if (bytes_equal(request->model, model.id))
		TRY(completion_put_model(&out, &model));
	else
		return refuse_for(respond, CHAT_REFUSAL_MODEL_NOT_FOUND, NULL);
	answer_begin(respond->answer, 200, ANSWER_JSON);
	answer_add(respond->answer, bytes_written(&out));
	answer_end(respond->answer);
	return ERR_OK;
}

/* A request that names a seed is answered alike each time; others never. */
static void choose_seed(const struct conversation *talk,
			uint8_t seed[static 32])
{
	uint8_t number[8];
	struct writer out = WRITER_OVER(number);

	if ((talk->request.given & CHAT_GIVEN_SEED) == 0) {
		memcpy(seed, talk->respond->seed, 32);
		return;
	}
	invariant(bytes_put_u64(&out, (uint64_t)talk->request.seed) == ERR_OK);
	hash_sha256(bytes_written(&out), seed);
}

static struct generate_options options_for(const struct conversation *talk)
{
	const struct chat_request *request = &talk->request;
	const struct policy *policy = talk->respond->policy;
	struct generate_options options = {
		.temperature = (float)request->temperature,
		.top_p = (float)request->top_p,
		.top_k = request->top_k,
		.tokens_max = request->max_tokens,
		.context_max = policy->context_tokens,
		.stops = request->stops,
		.stop_count = request->stop_count,
		.team = talk->respond->team,
		.numerics = plan_room(policy).numerics,
	};

	if (options.top_p <= 0.0F) {
		/* No mass at all can only mean the most probable token. */
		options.top_p = 1.0F;
		options.temperature = 0.0F;
	}
	if (options.tokens_max > policy->output_tokens_max)
		options.tokens_max = policy->output_tokens_max;
	choose_seed(talk, options.seed);
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

static enum err start(struct conversation *talk)
{
	const struct respond *respond = talk->respond;
	struct generate_options options = options_for(talk);
	struct generate_message *messages;

	if (talk->request.endpoint == CHAT_ENDPOINT_COMPLETION) {
		return generate_start_text(respond->model, respond->arena,
					   talk->request.prompt, &options,
					   &talk->generation);
	}

	messages = arena_alloc(respond->arena, talk->request.message_count,
			       sizeof(*messages));
	if (messages == NULL)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < talk->request.message_count; i++) {
		messages[i] = (struct generate_message){
			.role = role_for(talk->request.messages[i].role),
			.content = talk->request.messages[i].content,
		};
	}
	return generate_start_chat(
		respond->model, respond->arena,
		&(struct generate_chat){ messages,
					 talk->request.message_count },
		&options, &talk->generation);
}

static enum err add_event(struct conversation *talk)
{
	struct writer *event = &talk->piece;

	TRY(sse_put_data_end(event));
	answer_add(talk->respond->answer, bytes_written(event));
	event->len = 0;
	return ERR_OK;
}

/* One event with the text that has gathered, if any has. */
static enum err send_text(struct conversation *talk)
{
	if (talk->text.len == 0)
		return ERR_OK;
	TRY(sse_put_data_begin(&talk->piece));
	TRY(completion_put_text(&talk->piece, &talk->completion,
				bytes_written(&talk->text)));
	talk->text.len = 0;
	return add_event(talk);
}

static enum err send_role(struct conversation *talk)
{
	if (talk->completion.kind != COMPLETION_KIND_CHAT)
		return ERR_OK;
	TRY(sse_put_data_begin(&talk->piece));
	TRY(completion_put_role(&talk->piece, &talk->completion));
	return add_event(talk);
}

static struct completion_usage usage_of(const struct conversation *talk)
{
	struct generate_usage usage = generate_usage(talk->generation);

	return (struct completion_usage){
		.prompt_tokens = usage.prompt_tokens,
		.completion_tokens = usage.answer_tokens,
	};
}

static enum completion_finish finish_for(enum generate_state state)
{
	return state == GENERATE_STOP ? COMPLETION_FINISH_STOP
				      : COMPLETION_FINISH_LENGTH;
}

static enum err send_end(struct conversation *talk, enum generate_state state)
{
	TRY(send_text(talk));
	TRY(sse_put_data_begin(&talk->piece));
	TRY(completion_put_finish(&talk->piece, &talk->completion,
				  finish_for(state)));
	TRY(add_event(talk));
	if (talk->request.include_usage) {
		struct completion_usage usage = usage_of(talk);

		TRY(sse_put_data_begin(&talk->piece));
		TRY(completion_put_usage(&talk->piece, &talk->completion,
					 &usage));
		TRY(add_event(talk));
	}
	TRY(sse_put_done(&talk->piece));
	answer_add(talk->respond->answer, bytes_written(&talk->piece));
	return ERR_OK;
}

/*
 * A fast model would fill frames with the JSON around single tokens; so text
 * gathers here while the wire still has a frame's worth to carry.
 */
static bool wire_is_behind(const struct conversation *talk)
{
	/* The unchunked form leaves as one piece, when all has been said. */
	if (talk->respond->form == OHTTP_UNCHUNKED)
		return true;
	return answer_backlog(talk->respond->answer) >=
	       talk->respond->policy->frame_bytes;
}

static enum err stream(struct conversation *talk)
{
	enum generate_state state = GENERATE_RUNNING;

	answer_begin(talk->respond->answer, 200, ANSWER_EVENTS);
	TRY(send_role(talk));
	while (state == GENERATE_RUNNING) {
		struct bytes text;

		TRY(generate_step(talk->generation, &text, &state));
		if (talk->text.max - talk->text.len < text.len ||
		    talk->text.len > EVENT_TEXT_MAX)
			TRY(send_text(talk));
		TRY(bytes_put(&talk->text, text));
		if (!wire_is_behind(talk))
			TRY(send_text(talk));
	}
	return send_end(talk, state);
}

static enum err collect(struct conversation *talk)
{
	enum generate_state state = GENERATE_RUNNING;
	struct completion_answer answer;

	answer_begin(talk->respond->answer, 200, ANSWER_JSON);
	while (state == GENERATE_RUNNING) {
		struct bytes text;

		TRY(generate_step(talk->generation, &text, &state));
		if (bytes_put(&talk->text, text) != ERR_OK)
			state = GENERATE_LENGTH;
	}
	answer = (struct completion_answer){ .text = bytes_written(&talk->text),
					     .finish = finish_for(state),
					     .usage = usage_of(talk) };
	TRY(completion_put_whole(&talk->piece, &talk->completion, &answer));
	answer_add(talk->respond->answer, bytes_written(&talk->piece));
	return ERR_OK;
}

static void describe(struct conversation *talk, enum request_route route)
{
	const struct respond *respond = talk->respond;
	uint8_t digest[HASH_SHA256_BYTES];

	talk->completion = (struct completion){
		.kind = route == REQUEST_CHAT ? COMPLETION_KIND_CHAT
					      : COMPLETION_KIND_TEXT,
		.created = respond->now_s,
		.model = model_name(respond),
		.include_usage = talk->request.include_usage,
	};
	/* An id that says nothing of the seed it shares its origin with. */
	hash_sha256((struct bytes){ respond->seed, 32 }, digest);
	memcpy(talk->completion.random, digest, COMPLETION_RANDOM_BYTES);
}

static enum err refuse_start(const struct respond *respond, enum err err)
{
	if (err == ERR_TOO_LARGE)
		return refuse_for(respond, CHAT_REFUSAL_CONTEXT_LENGTH,
				  "messages");
	if (err == ERR_UNSUPPORTED)
		return refuse_for(respond, CHAT_REFUSAL_UNSUPPORTED,
				  "messages");
	if (err == ERR_MALFORMED)
		return refuse_for(respond, CHAT_REFUSAL_OUT_OF_RANGE,
				  "messages");
	return refuse_for(respond, CHAT_REFUSAL_SERVER_ERROR, NULL);
}

static enum err respond_generate(const struct respond *respond,
				 const struct request *request)
{
	struct conversation talk = { .respond = respond };
	struct chat_refusal refusal;
	enum err err;

	err = chat_request_parse(request->content,
				 request->route == REQUEST_CHAT
					 ? CHAT_ENDPOINT_CHAT
					 : CHAT_ENDPOINT_COMPLETION,
				 &chat_limits, &talk.request, &refusal);
	if (err != ERR_OK)
		return refuse(respond, &refusal);
	if ((talk.request.given & CHAT_GIVEN_MODEL) == 0)
		return refuse_for(respond, CHAT_REFUSAL_MISSING, "model");
	if (!bytes_equal(talk.request.model, model_name(respond)))
		return refuse_for(respond, CHAT_REFUSAL_MODEL_NOT_FOUND,
				  "model");

	TRY(arena_writer(respond->arena, respond->plan->text_bytes,
			 &talk.text));
	TRY(arena_writer(respond->arena, respond->plan->answer_bytes,
			 &talk.piece));
	describe(&talk, request->route);
	err = start(&talk);
	if (err != ERR_OK)
		return refuse_start(respond, err);
	TRY(talk.request.stream ? stream(&talk) : collect(&talk));
	answer_end(respond->answer);
	return ERR_OK;
}

enum err respond_to(const struct respond *respond, struct bytes message)
{
	struct request request;

	enum err err = request_parse(message, respond->arena, &request);

	if (err == ERR_UNSUPPORTED)
		return refuse_for(respond, CHAT_REFUSAL_NOT_FOUND, NULL);
	if (err == ERR_DENIED)
		return refuse_for(respond, CHAT_REFUSAL_METHOD, NULL);
	if (err == ERR_TOO_LARGE)
		return refuse_for(respond, CHAT_REFUSAL_TOO_LARGE, NULL);
	if (err != ERR_OK)
		return refuse_for(respond, CHAT_REFUSAL_BAD_HTTP, NULL);
	if (request.route == REQUEST_MODELS)
		return respond_models(respond, &request);
	return respond_generate(respond, &request);
}
