/* SPDX-License-Identifier: Apache-2.0 */
#include "node/respond.h"

#include <string.h>

#include "api/conversation.h"
#include "base/secret.h"
#include "wire/base64.h"
#include "wire/completion.h"
#include "wire/sse.h"

/* Text that waits for room on the wire is joined into one event, up to this. */
#define EVENT_TEXT_MAX 2048

/* One request while it is answered.  Memory is the arena's. */
struct reply {
	const struct respond *respond;
	struct conversation talk;
	struct completion completion;
	struct hash_stream said; /* the commitment to the body, under way */
	struct writer text;	 /* whole: all of it; streamed: not yet sent */
	struct writer piece;	 /* one event, or the whole answer */
};

static enum err refuse(const struct respond *respond,
		       const struct chat_refusal *refusal)
{
	uint8_t body[1024]; /* holds texts of ours alone */
	struct writer out = WRITER_OVER(body);

	TRY(completion_put_error(&out, refusal));
	answer_give(respond->answer, refusal->status, ANSWER_JSON,
		    bytes_written(&out));
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
	answer_give(respond->answer, 200, ANSWER_JSON, bytes_written(&out));
	return ERR_OK;
}

/* A piece of the body, which the receipt commits to. */
static void say(struct reply *reply, struct bytes piece)
{
	hash_stream_add(&reply->said, piece);
	answer_add(reply->respond->answer, piece);
}

static enum err add_event(struct reply *reply)
{
	struct writer *event = &reply->piece;

	TRY(sse_put_data_end(event));
	say(reply, bytes_written(event));
	event->len = 0;
	return ERR_OK;
}

/* One event with the text that has gathered, if any has. */
static enum err send_text(struct reply *reply)
{
	if (reply->text.len == 0)
		return ERR_OK;
	TRY(sse_put_data_begin(&reply->piece));
	TRY(completion_put_text(&reply->piece, &reply->completion,
				bytes_written(&reply->text)));
	reply->text.len = 0;
	return add_event(reply);
}

static enum err send_role(struct reply *reply)
{
	if (reply->completion.kind != COMPLETION_KIND_CHAT)
		return ERR_OK;
	TRY(sse_put_data_begin(&reply->piece));
	TRY(completion_put_role(&reply->piece, &reply->completion));
	return add_event(reply);
}

static struct completion_usage usage_of(const struct reply *reply)
{
	struct generate_usage usage = generate_usage(reply->talk.generation);

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

static enum err send_end(struct reply *reply, enum generate_state state)
{
	TRY(send_text(reply));
	TRY(sse_put_data_begin(&reply->piece));
	TRY(completion_put_finish(&reply->piece, &reply->completion,
				  finish_for(state)));
	TRY(add_event(reply));
	if (reply->talk.request.include_usage) {
		struct completion_usage usage = usage_of(reply);

		TRY(sse_put_data_begin(&reply->piece));
		TRY(completion_put_usage(&reply->piece, &reply->completion,
					 &usage));
		TRY(add_event(reply));
	}
	TRY(sse_put_done(&reply->piece));
	say(reply, bytes_written(&reply->piece));
	return ERR_OK;
}

/*
 * A fast model would fill frames with the JSON around single tokens; so text
 * gathers here while the wire still has a frame's worth to carry.
 */
static bool wire_is_behind(const struct reply *reply)
{
	/* The unchunked form leaves as one piece, when all has been said. */
	if (reply->respond->form == OHTTP_UNCHUNKED)
		return true;
	return answer_backlog(reply->respond->answer) >=
	       reply->respond->policy->frame_bytes;
}

static enum err stream(struct reply *reply, enum generate_state *end)
{
	enum generate_state state = GENERATE_RUNNING;

	answer_begin(reply->respond->answer, 200, ANSWER_EVENTS);
	TRY(send_role(reply));
	while (state == GENERATE_RUNNING) {
		struct bytes text;

		TRY(generate_step(reply->talk.generation, &text, &state));
		if (reply->text.max - reply->text.len < text.len ||
		    reply->text.len > EVENT_TEXT_MAX)
			TRY(send_text(reply));
		TRY(bytes_put(&reply->text, text));
		if (!wire_is_behind(reply))
			TRY(send_text(reply));
	}
	*end = state;
	return send_end(reply, state);
}

static enum err collect(struct reply *reply, enum generate_state *end)
{
	enum generate_state state = GENERATE_RUNNING;
	struct completion_answer answer;

	answer_begin(reply->respond->answer, 200, ANSWER_JSON);
	while (state == GENERATE_RUNNING) {
		struct bytes text;

		TRY(generate_step(reply->talk.generation, &text, &state));
		if (bytes_put(&reply->text, text) != ERR_OK)
			state = GENERATE_LENGTH;
	}
	answer =
		(struct completion_answer){ .text = bytes_written(&reply->text),
					    .finish = finish_for(state),
					    .usage = usage_of(reply) };
	*end = state;
	TRY(completion_put_whole(&reply->piece, &reply->completion, &answer));
	say(reply, bytes_written(&reply->piece));
	return ERR_OK;
}

static void describe(struct reply *reply, enum request_route route)
{
	const struct respond *respond = reply->respond;
	uint8_t digest[HASH_SHA256_BYTES];

	reply->completion = (struct completion){
		.kind = route == REQUEST_CHAT ? COMPLETION_KIND_CHAT
					      : COMPLETION_KIND_TEXT,
		.created = respond->now_s,
		.model = model_name(respond),
		.include_usage = reply->talk.request.include_usage,
	};
	/* An id that says nothing of the seed it shares its origin with. */
	hash_sha256((struct bytes){ respond->seed, 32 }, digest);
	memcpy(reply->completion.random, digest, COMPLETION_RANDOM_BYTES);
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

static void reply_wipe(struct reply *reply)
{
	hash_stream_wipe(&reply->said);
}

_Static_assert((int)RECEIPT_INTEGERS == (int)GENERATE_INTEGERS &&
		       (int)RECEIPT_BF16_PROMPTS == (int)GENERATE_BF16_PROMPTS,
	       "a receipt names the engine's own choice");

/* The worker's part of the receipt.  The body is complete. */
static void attest_to(struct reply *reply, enum generate_state state,
		      struct receipt_answer *out)
{
	const struct respond_receipt *receipt = &reply->respond->receipt;
	const struct generate_options *options = &reply->talk.options;
	struct generate_usage usage = generate_usage(reply->talk.generation);

	*out = (struct receipt_answer){
		.sampling = { .temperature = options->temperature,
			      .top_p = options->top_p,
			      .top_k = options->top_k,
			      .tokens_max = options->tokens_max,
			      .context_max = options->context_max,
			      .numerics = (enum receipt_numerics)
						  options->numerics },
		.prompt_tokens = usage.prompt_tokens,
		.answer_tokens = usage.answer_tokens,
		.finish = state == GENERATE_STOP ? RECEIPT_FINISH_STOP
						 : RECEIPT_FINISH_LENGTH,
		.arena = receipt->arena,
	};
	memcpy(out->request, receipt->request, sizeof(out->request));
	memcpy(out->seed, options->seed, sizeof(out->seed));
	hash_stream_end(&reply->said, out->response);
}

/* The text of the trailer.  No receipt is no fault of the answer's. */
static struct bytes receipt_of(struct reply *reply, enum generate_state state)
{
	uint8_t memory[RECEIPT_SIGNED_MAX];
	struct writer sealed = WRITER_OVER(memory);
	struct receipt_answer answer;
	struct writer text;

	attest_to(reply, state, &answer);
	if (arena_writer(reply->respond->arena, RECEIPT_FIELD_VALUE_MAX,
			 &text) != ERR_OK ||
	    reply->respond->receipt.sign(&answer, &sealed) != ERR_OK ||
	    base64_put(&text, bytes_written(&sealed)) != ERR_OK)
		return (struct bytes){ NULL, 0 };
	return bytes_written(&text);
}

static enum err prepare(struct reply *reply, enum request_route route)
{
	const struct respond *respond = reply->respond;

	TRY(arena_writer(respond->arena, respond->plan->text_bytes,
			 &reply->text));
	TRY(arena_writer(respond->arena, respond->plan->answer_bytes,
			 &reply->piece));
	describe(reply, route);
	commitment_begin(COMMITMENT_RESPONSE, &respond->receipt.salt,
			 &reply->said);
	return ERR_OK;
}

static enum err start(struct reply *reply)
{
	const struct respond *respond = reply->respond;
	const struct conversation_setup setup = {
		.model = respond->model,
		.arena = respond->arena,
		.team = respond->team,
		.context_max = respond->policy->context_tokens,
		.tokens_max = respond->policy->output_tokens_max,
		.numerics = plan_room(respond->policy).numerics,
		.seed = respond->seed,
	};

	return conversation_start(&reply->talk, &setup);
}

static enum err respond_generate(const struct respond *respond,
				 const struct request *request)
{
	SCOPED_WIPE(reply_wipe) struct reply reply = { .respond = respond };
	struct chat_refusal refusal;
	enum generate_state state;
	enum err err;

	if (conversation_read(request, &reply.talk, &refusal) != ERR_OK)
		return refuse(respond, &refusal);
	if ((reply.talk.request.given & CHAT_GIVEN_MODEL) == 0)
		return refuse_for(respond, CHAT_REFUSAL_MISSING, "model");
	if (!bytes_equal(reply.talk.request.model, model_name(respond)))
		return refuse_for(respond, CHAT_REFUSAL_MODEL_NOT_FOUND,
				  "model");

	TRY(prepare(&reply, request->route));
	err = start(&reply);
	if (err != ERR_OK)
		return refuse_start(respond, err);
	TRY(reply.talk.request.stream ? stream(&reply, &state)
				      : collect(&reply, &state));
	answer_end(respond->answer, receipt_of(&reply, state));
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
