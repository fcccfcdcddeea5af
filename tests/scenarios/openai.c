/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/openai.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/system.h"

#define URL_BYTES 128
#define BODY_BYTES 16384
#define AGAIN_MS 20

static void copy_text(const json_t *value, char *out, size_t max)
{
	if (json_is_string(value))
		snprintf(out, max, "%s", json_string_value(value));
}

static void add_text(struct openai_answer *out, const json_t *value)
{
	size_t len = strlen(out->text);

	copy_text(value, out->text + len, sizeof(out->text) - len);
}

static void read_usage(const json_t *usage, struct openai_answer *out)
{
	if (!json_is_object(usage))
		return;
	out->has_usage = true;
	out->prompt_tokens = (unsigned)json_integer_value(
		json_object_get(usage, "prompt_tokens"));
	out->answer_tokens = (unsigned)json_integer_value(
		json_object_get(usage, "completion_tokens"));
}

static void read_error(const json_t *error, struct openai_answer *out)
{
	copy_text(json_object_get(error, "type"), out->error_type,
		  sizeof(out->error_type));
	copy_text(json_object_get(error, "code"), out->error_code,
		  sizeof(out->error_code));
	copy_text(json_object_get(error, "param"), out->error_param,
		  sizeof(out->error_param));
}

/* One document: a chunk, a whole answer or an error, of either endpoint. */
static void read_document(const json_t *document, struct openai_answer *out)
{
	const json_t *choice =
		json_array_get(json_object_get(document, "choices"), 0);
	const json_t *delta = json_object_get(choice, "delta");
	const json_t *message = json_object_get(choice, "message");

	add_text(out, json_object_get(choice, "text"));
	add_text(out, json_object_get(delta, "content"));
	add_text(out, json_object_get(message, "content"));
	copy_text(json_object_get(choice, "finish_reason"), out->finish,
		  sizeof(out->finish));
	read_usage(json_object_get(document, "usage"), out);
	read_error(json_object_get(document, "error"), out);
}

static void read_event(const char *data, size_t len, struct openai_answer *out)
{
	json_t *document;

	if (len == strlen("[DONE]") && memcmp(data, "[DONE]", len) == 0) {
		out->is_done = true;
		return;
	}
	document = json_loadb(data, len, 0, NULL);
	if (document == NULL)
		out->foreign += len;
	read_document(document, out);
	json_decref(document);
}

/* Lines of events; what is no data line of ours is foreign. */
static void read_stream(const char *body, struct openai_answer *out)
{
	static const char data[] = "data: ";
	size_t skip = strlen(data);

	while (*body != '\0') {
		size_t len = strcspn(body, "\n");

		if (strncmp(body, data, skip) == 0)
			read_event(body + skip, len - skip, out);
		else
			out->foreign += len;
		body += len;
		/* One line feed ends the line, one more the event. */
		for (int i = 0; i < 2 && *body == '\n'; i++)
			body++;
	}
}

static void read_whole(const struct fetch_response *response,
		       struct openai_answer *out)
{
	json_error_t error;
	json_t *document = json_loadb(response->body, response->len,
				      JSON_DISABLE_EOF_CHECK, &error);

	/* What stands before the document, and after where it ended. */
	out->foreign += strspn(response->body, " \t\r\n");
	out->foreign += document == NULL
				? response->len
				: response->len - (size_t)error.position;
	read_document(document, out);
	json_decref(document);
}

static void read_answer(const struct fetch_response *response,
			struct openai_answer *out)
{
	*out = (struct openai_answer){ .end = response->end,
				       .status = response->status,
				       .ms = response->us / 1000 };
	if (response->piece_count > 0) {
		out->first_us = response->pieces[0].us;
		out->last_us = response->pieces[response->piece_count - 1].us;
	}
	snprintf(out->retry_after, sizeof(out->retry_after), "%s",
		 response->retry_after);
	if (strcmp(response->type, "text/event-stream") == 0)
		read_stream(response->body, out);
	else if (response->len > 0)
		read_whole(response, out);
}

static void post(const struct fetch_request *request, struct openai_answer *out)
{
	static const char *const headers[] = { "Content-Type: application/json",
					       "Authorization: Bearer none",
					       NULL };
	struct fetch_request full = *request;
	struct fetch_response *response = fetch_response_new();

	full.headers = headers;
	fetch(&full, response);
	read_answer(response, out);
	free(response);
}

void openai_post(const char *url, const char *path, const char *body,
		 struct openai_answer *out)
{
	char full[URL_BYTES];

	snprintf(full, sizeof(full), "%s%s", url, path);
	post(&(struct fetch_request){ .url = full,
				      .body = bytes_of_string(body) },
	     out);
}

static void write_body(const struct openai_question *question,
		       char body[static BODY_BYTES])
{
	json_t *object = json_object();
	char *text;

	json_object_set_new(object, "model", json_string(SYSTEM_MODEL_NAME));
	json_object_set_new(object, "prompt", json_string(question->prompt));
	if (question->form == OPENAI_STREAMED) {
		json_object_set_new(object, "stream", json_true());
		json_object_set_new(object, "stream_options",
				    json_pack("{s:b}", "include_usage", 1));
	}
	if (question->max_tokens != 0)
		json_object_set_new(object, "max_tokens",
				    json_integer(question->max_tokens));
	if (question->seed != 0)
		json_object_set_new(object, "seed",
				    json_integer(question->seed));
	if (question->stop != NULL)
		json_object_set_new(object, "stop",
				    json_string(question->stop));
	if (question->is_greedy)
		json_object_set_new(object, "temperature", json_integer(0));
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	invariant(text != NULL && strlen(text) < BODY_BYTES / 2);
	text[strlen(text) - 1] = '\0'; /* the brace that closes it */
	snprintf(body, BODY_BYTES, "%s%s%s}", text,
		 question->extra != NULL ? "," : "",
		 question->extra != NULL ? question->extra : "");
	free(text);
}

void openai_complete(const char *url, const struct openai_question *question,
		     struct openai_answer *out)
{
	char full[URL_BYTES], body[BODY_BYTES];

	snprintf(full, sizeof(full), "%s/v1/completions", url);
	write_body(question, body);
	post(&(struct fetch_request){ .url = full,
				      .body = bytes_of_string(body),
				      .on_piece = question->on_piece,
				      .user = question->user },
	     out);
}

bool openai_is_whole(const struct openai_answer *answer)
{
	return answer->status == 200 && answer->end == FETCH_WHOLE &&
	       answer->finish[0] != '\0' && answer->error_type[0] == '\0';
}

int openai_await_answer(const char *url, unsigned timeout_ms)
{
	struct openai_question question = { .prompt = "Once upon a time",
					    .max_tokens = 2 };
	uint64_t began = system_now_ms();

	do {
		struct openai_answer answer;

		openai_complete(url, &question, &answer);
		if (openai_is_whole(&answer))
			return (int)(system_now_ms() - began);
		system_sleep_ms(AGAIN_MS);
	} while (system_now_ms() - began < timeout_ms);
	return -1;
}
