/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chat.h"

#include "wire/json_fields.h"

/* A request while it is read: where from, where to, and why not. */
struct reading {
	struct json_fields fields;
	const struct chat_limits *limits;
	struct chat_request request;
	struct chat_refusal *refusal;
};

/*
 * Parameters that would change the answer in ways this node cannot, and the
 * one value of each that asks for nothing.
 */
enum neutral {
	NEUTRAL_ABSENT,
	NEUTRAL_EMPTY, /* "", [] or {} */
	NEUTRAL_FALSE,
	NEUTRAL_ZERO,
	NEUTRAL_ONE,
	NEUTRAL_NO_TOOL,   /* "none", or "auto" among no tools */
	NEUTRAL_TEXT,	   /* ["text"] */
	NEUTRAL_TEXT_TYPE, /* {"type": "text"} */
};

struct unsupported {
	const char *name;
	enum neutral neutral;
	enum chat_refusal_reason reason;
};

static const struct unsupported unsupported[] = {
	{ "tools", NEUTRAL_EMPTY, CHAT_REFUSAL_UNSUPPORTED },
	{ "tool_choice", NEUTRAL_NO_TOOL, CHAT_REFUSAL_UNSUPPORTED },
	{ "functions", NEUTRAL_EMPTY, CHAT_REFUSAL_UNSUPPORTED },
	{ "function_call", NEUTRAL_NO_TOOL, CHAT_REFUSAL_UNSUPPORTED },
	{ "response_format", NEUTRAL_TEXT_TYPE, CHAT_REFUSAL_UNSUPPORTED },
	{ "modalities", NEUTRAL_TEXT, CHAT_REFUSAL_UNSUPPORTED },
	{ "audio", NEUTRAL_ABSENT, CHAT_REFUSAL_UNSUPPORTED },
	{ "prediction", NEUTRAL_ABSENT, CHAT_REFUSAL_UNSUPPORTED },
	{ "web_search_options", NEUTRAL_ABSENT, CHAT_REFUSAL_UNSUPPORTED },
	{ "moderation", NEUTRAL_ABSENT, CHAT_REFUSAL_UNSUPPORTED },
	{ "logprobs", NEUTRAL_FALSE, CHAT_REFUSAL_UNSUPPORTED },
	{ "top_logprobs", NEUTRAL_ZERO, CHAT_REFUSAL_UNSUPPORTED },
	{ "logit_bias", NEUTRAL_EMPTY, CHAT_REFUSAL_UNSUPPORTED },
	{ "suffix", NEUTRAL_EMPTY, CHAT_REFUSAL_UNSUPPORTED },
	{ "echo", NEUTRAL_FALSE, CHAT_REFUSAL_UNSUPPORTED },
	{ "n", NEUTRAL_ONE, CHAT_REFUSAL_UNSUPPORTED_VALUE },
	{ "best_of", NEUTRAL_ONE, CHAT_REFUSAL_UNSUPPORTED_VALUE },
	{ "presence_penalty", NEUTRAL_ZERO, CHAT_REFUSAL_UNSUPPORTED_VALUE },
	{ "frequency_penalty", NEUTRAL_ZERO, CHAT_REFUSAL_UNSUPPORTED_VALUE },
};

#define UNSUPPORTED (sizeof(unsupported) / sizeof(unsupported[0]))

static enum err refuse(struct reading *reading, enum chat_refusal_reason reason,
		       const char *param)
{
	return chat_refusal_give(reading->refusal, reason, param);
}

/* Turn a failed read of a member into the refusal that names it. */
static enum err checked(struct reading *reading, enum err err)
{
	if (err == ERR_OK)
		return ERR_OK;
	return chat_refusal_give_fault(reading->refusal, reading->fields.fault,
				       reading->fields.wrong);
}

/* Whether a parameter that may be null was given, which is then noted. */
static bool note_given(struct reading *reading, const char *name,
		       enum chat_given bit)
{
	if (json_fields_given(&reading->fields, name) == NULL)
		return false;
	reading->request.given |= (uint32_t)bit;
	return true;
}

/* Without ==, which compilers rightly warn of for doubles. */
static bool is_number(const struct json *value, double wanted)
{
	double number;

	return json_as_number(value, &number) == ERR_OK && !(number < wanted) &&
	       !(number > wanted);
}

static bool is_false(const struct json *value)
{
	bool truth;

	return json_as_boolean(value, &truth) == ERR_OK && !truth;
}

static bool is_text_type(const struct json *value)
{
	const struct json *type = json_member(value, "type");

	return type != NULL && json_equals_text(type, "text");
}

static bool is_text_alone(const struct json *value)
{
	return json_kind_of(value) == JSON_KIND_ARRAY &&
	       json_count(value) == 1 &&
	       json_equals_text(json_element(value, 0), "text");
}

static bool is_neutral(const struct json *value, enum neutral neutral)
{
	switch (neutral) {
	case NEUTRAL_EMPTY:
		return json_is_empty(value);
	case NEUTRAL_FALSE:
		return is_false(value);
	case NEUTRAL_ZERO:
		return is_number(value, 0);
	case NEUTRAL_ONE:
		return is_number(value, 1);
	case NEUTRAL_NO_TOOL:
		return json_equals_text(value, "none") ||
		       json_equals_text(value, "auto");
	case NEUTRAL_TEXT:
		return is_text_alone(value);
	case NEUTRAL_TEXT_TYPE:
		return is_text_type(value);
	case NEUTRAL_ABSENT:
	default:
		return false;
	}
}

static enum err refuse_unsupported(struct reading *reading)
{
	for (size_t i = 0; i < UNSUPPORTED; i++) {
		const struct json *value = json_fields_given(
			&reading->fields, unsupported[i].name);

		if (value != NULL && !is_neutral(value, unsupported[i].neutral))
			return refuse(reading, unsupported[i].reason,
				      unsupported[i].name);
	}
	return ERR_OK;
}

/* A client that names no model takes the node's. */
static enum err read_model(struct reading *reading)
{
	note_given(reading, "model", CHAT_GIVEN_MODEL);
	return checked(reading, json_fields_string(&reading->fields, "model",
						   JSON_FIELDS_OPTIONAL,
						   &reading->request.model));
}

static enum err read_messages(struct reading *reading)
{
	const struct json *array = NULL;
	struct chat_message *messages;
	size_t count;

	TRY(checked(reading, json_fields_value(&reading->fields, "messages",
					       JSON_FIELDS_REQUIRED,
					       JSON_KIND_ARRAY, &array)));
	count = json_count(array);
	if (count == 0)
		return refuse(reading, CHAT_REFUSAL_OUT_OF_RANGE, "messages");
	if (count > reading->limits->messages)
		return refuse(reading, CHAT_REFUSAL_TOO_LARGE, "messages");
	messages = json_take(count, sizeof(*messages));
	if (messages == NULL)
		return refuse(reading, CHAT_REFUSAL_TOO_LARGE, "messages");

	for (size_t i = 0; i < count; i++)
		TRY(chat_message_read(json_element(array, i), &messages[i],
				      reading->refusal));
	reading->request.messages = messages;
	reading->request.message_count = count;
	return ERR_OK;
}

static enum err read_prompt(struct reading *reading)
{
	const struct json *prompt =
		json_fields_given(&reading->fields, "prompt");

	/* Several prompts, or tokens: the API has them, this node does not. */
	if (prompt != NULL && json_kind_of(prompt) == JSON_KIND_ARRAY)
		return refuse(reading, CHAT_REFUSAL_UNSUPPORTED_VALUE,
			      "prompt");
	return checked(reading, json_fields_string(&reading->fields, "prompt",
						   JSON_FIELDS_REQUIRED,
						   &reading->request.prompt));
}

/* As in the API, options of a stream without a stream are a mistake. */
static enum err read_stream(struct reading *reading)
{
	struct json_fields options = { .object = NULL };

	note_given(reading, "stream", CHAT_GIVEN_STREAM);
	TRY(checked(reading, json_fields_boolean(&reading->fields, "stream",
						 JSON_FIELDS_OPTIONAL,
						 &reading->request.stream)));
	TRY(checked(reading,
		    json_fields_value(&reading->fields, "stream_options",
				      JSON_FIELDS_OPTIONAL, JSON_KIND_OBJECT,
				      &options.object)));
	if (options.object == NULL)
		return ERR_OK;
	if (!reading->request.stream)
		return refuse(reading, CHAT_REFUSAL_CONFLICT, "stream_options");
	if (json_fields_given(&options, "include_usage") != NULL)
		reading->request.given |= CHAT_GIVEN_USAGE;
	if (json_fields_boolean(&options, "include_usage", JSON_FIELDS_OPTIONAL,
				&reading->request.include_usage) != ERR_OK)
		return refuse(reading, CHAT_REFUSAL_WRONG_TYPE,
			      "stream_options.include_usage");
	return ERR_OK;
}

/* The same limit by its old and its new name. */
static enum err read_max_tokens(struct reading *reading)
{
	static const struct json_fields_integers range = { 1, INT64_MAX };
	int64_t old = 0;
	int64_t new = 0;
	int64_t most = reading->limits->output_tokens;

	TRY(checked(reading, json_fields_integer(&reading->fields, "max_tokens",
						 range, &old)));
	TRY(checked(reading,
		    json_fields_integer(&reading->fields,
					"max_completion_tokens", range, &new)));
	if (old != 0 && new != 0 && old != new)
		return refuse(reading, CHAT_REFUSAL_CONFLICT, "max_tokens");
	if (new == 0)
		new = old;
	if (new != 0)
		reading->request.given |= CHAT_GIVEN_MAX_TOKENS;
	reading->request.max_tokens =
		(uint32_t)(new == 0 || new > most ? most : new);
	return ERR_OK;
}

/* Zero is a value like any other here, so what was given is noted apart. */
static enum err read_sampling(struct reading *reading)
{
	static const struct json_fields_integers any = { INT64_MIN, INT64_MAX };
	struct json_fields *fields = &reading->fields;
	struct chat_request *request = &reading->request;
	int64_t top_k = 0;

	note_given(reading, "temperature", CHAT_GIVEN_TEMPERATURE);
	TRY(checked(reading,
		    json_fields_number(fields, "temperature",
				       (struct json_fields_numbers){ 0, 2 },
				       &request->temperature)));
	note_given(reading, "top_p", CHAT_GIVEN_TOP_P);
	TRY(checked(reading,
		    json_fields_number(fields, "top_p",
				       (struct json_fields_numbers){ 0, 1 },
				       &request->top_p)));
	note_given(reading, "top_k", CHAT_GIVEN_TOP_K);
	TRY(checked(reading, json_fields_integer(fields, "top_k",
						 (struct json_fields_integers){
							 0, UINT32_MAX },
						 &top_k)));
	request->top_k = (uint32_t)top_k;
	note_given(reading, "seed", CHAT_GIVEN_SEED);
	return checked(reading, json_fields_integer(fields, "seed", any,
						    &request->seed));
}

/* An empty stop string would stop every answer before its first word. */
static enum err add_stop(struct reading *reading, const struct json *value)
{
	struct chat_request *request = &reading->request;
	struct bytes stop;

	if (json_as_string(value, &stop) != ERR_OK)
		return refuse(reading, CHAT_REFUSAL_WRONG_TYPE, "stop");
	if (stop.len == 0 || stop.len > reading->limits->stop_bytes ||
	    request->stop_count == reading->limits->stops)
		return refuse(reading, CHAT_REFUSAL_OUT_OF_RANGE, "stop");
	request->stops[request->stop_count++] = stop;
	return ERR_OK;
}

static enum err read_stop(struct reading *reading)
{
	const struct json *stop = json_fields_given(&reading->fields, "stop");

	if (!note_given(reading, "stop", CHAT_GIVEN_STOP))
		return ERR_OK;
	if (json_kind_of(stop) != JSON_KIND_ARRAY)
		return add_stop(reading, stop);
	for (size_t i = 0; i < json_count(stop); i++)
		TRY(add_stop(reading, json_element(stop, i)));
	return ERR_OK;
}

static enum err read_document(struct reading *reading, struct bytes body)
{
	enum err err = json_parse(body, reading->limits->json_depth,
				  &reading->fields.object);

	if (err == ERR_TOO_LARGE)
		return refuse(reading, CHAT_REFUSAL_TOO_LARGE, NULL);
	if (err != ERR_OK ||
	    json_kind_of(reading->fields.object) != JSON_KIND_OBJECT)
		return refuse(reading, CHAT_REFUSAL_NOT_JSON, NULL);
	return ERR_OK;
}

enum err chat_request_parse(struct bytes body, enum chat_endpoint endpoint,
			    const struct chat_limits *limits,
			    struct chat_request *out,
			    struct chat_refusal *refusal)
{
	struct reading reading = {
		.limits = limits,
		.request = { .endpoint = endpoint,
			     .temperature = 1,
			     .top_p = 1 },
		.refusal = refusal,
	};

	invariant(limits->stops <= CHAT_STOPS_MAX);
	TRY(read_document(&reading, body));
	TRY(refuse_unsupported(&reading));
	TRY(read_model(&reading));
	TRY(endpoint == CHAT_ENDPOINT_CHAT ? read_messages(&reading)
					   : read_prompt(&reading));
	TRY(read_stream(&reading));
	TRY(read_max_tokens(&reading));
	TRY(read_sampling(&reading));
	TRY(read_stop(&reading));
	*out = reading.request;
	return ERR_OK;
}
