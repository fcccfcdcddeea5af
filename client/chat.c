/* SPDX-License-Identifier: Apache-2.0 */
#include "client/chat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/body.h"
#include "client/scratch.h"
#include "client/stream.h"
#include "policy/limits.h"
#include "wire/completion_read.h"
#include "wire/json.h"
#include "wire/json_escape.h"
#include "wire/sse.h"

#define REFUSAL_MAX (64u << 10)

struct chat {
	const struct options *options;
	struct session *session;
	struct body messages; /* JSON objects with commas between them */
};

static enum err put_text(struct body *body, const char *text)
{
	return body_put(body, bytes_of_string(text), LIMIT_REQUEST_BYTES);
}

/* Escaped in memory of its own, which is a copy of the prompt: wiped. */
static enum err put_string(struct body *body, struct bytes text)
{
	size_t max = json_escape_size(text) + 2;
	struct writer out = { malloc(max), 0, max };
	enum err err = ERR_UNAVAILABLE;

	if (out.data != NULL)
		err = json_escape_string(&out, text);
	if (err == ERR_OK)
		err = body_put(body, bytes_written(&out), LIMIT_REQUEST_BYTES);
	if (out.data != NULL)
		secret_wipe(out.data, max);
	free(out.data);
	return err;
}

static enum err add_message(struct chat *chat, const char *role,
			    struct bytes content)
{
	if (chat->messages.len > 0)
		TRY(put_text(&chat->messages, ","));
	TRY(put_text(&chat->messages, "{\"role\":\""));
	TRY(put_text(&chat->messages, role));
	TRY(put_text(&chat->messages, "\",\"content\":"));
	TRY(put_string(&chat->messages, content));
	return put_text(&chat->messages, "}");
}

/* The conversation so far goes along: nodes keep nothing between requests. */
static enum err write_request(struct chat *chat, struct body *out)
{
	char model[STATEMENT_NAME_MAX + 1];
	char tokens[48] = "";

	session_model(chat->session, model);
	if (chat->options->tokens_max != 0) {
		(void)snprintf(tokens, sizeof(tokens),
			       ",\"max_tokens\":%" PRIu32,
			       chat->options->tokens_max);
	}
	TRY(put_text(out, "{\"model\":"));
	TRY(put_string(out, bytes_of_string(model)));
	TRY(put_text(out, ",\"stream\":true"));
	TRY(put_text(out, tokens));
	TRY(put_text(out, ",\"messages\":["));
	TRY(body_put(out, body_bytes(&chat->messages), LIMIT_REQUEST_BYTES));
	return put_text(out, "]}");
}

/*
 * A node's words may hold what moves a terminal's cursor or worse; only text,
 * tabs and line feeds are shown.  C2 80..9F are control characters in UTF-8.
 */
static void show(struct bytes text, FILE *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];
		bool control = byte < 0x20 || byte == 0x7f;

		if (byte == 0xc2 && i + 1 < text.len &&
		    text.data[i + 1] < 0xa0) {
			i++;
			continue;
		}
		if (!control || byte == '\n' || byte == '\t')
			fputc(byte, out);
	}
	(void)fflush(out);
}

/* Events that hold no text, such as the role, say nothing here. */
static enum trouble on_event(struct bytes event, struct body *answer)
{
	struct completion_read said;
	enum err err;

	if (sse_is_done(event))
		return TROUBLE_NONE;
	scratch_prepare();
	err = completion_read(event, LIMIT_JSON_DEPTH, &said);
	if (err == ERR_OK) {
		show(said.text, stdout);
		err = body_put(answer, said.text, LIMIT_REQUEST_BYTES);
	}
	json_wipe();
	return err == ERR_OK ? TROUBLE_NONE : TROUBLE_NODE_FAILED;
}

/* The answer stands on the screen: what is wrong with it has to stand below. */
static enum trouble on_receipt(enum proof_verdict verdict)
{
	if (verdict == PROOF_DOES_NOT_FIT)
		return TROUBLE_RECEIPT;
	if (verdict == PROOF_ABSENT)
		fprintf(stderr, "\npcc-client: %s", proof_text(verdict));
	return TROUBLE_NONE;
}

/* Print as it comes; only an authentic end makes it an answer to keep. */
static enum trouble read_answer(struct exchange *exchange, struct body *answer)
{
	struct stream *stream = stream_open(exchange);
	enum stream_kind kind = STREAM_EVENT;
	enum trouble trouble = TROUBLE_NONE;

	if (stream == NULL)
		return TROUBLE_INTERNAL;
	while (trouble == TROUBLE_NONE && kind == STREAM_EVENT) {
		struct bytes event;

		kind = stream_next(stream, &event, &trouble);
		if (kind == STREAM_EVENT)
			trouble = on_event(event, answer);
	}
	if (kind == STREAM_END)
		trouble = on_receipt(stream_receipt(stream));
	stream_close(stream);
	printf("\n");
	return trouble;
}

/* The message of {"error":{"message":...}}, on standard error. */
static void show_error(struct bytes body)
{
	const struct json *document;
	const struct json *text = NULL;
	struct bytes words;

	scratch_prepare();
	if (json_parse(body, LIMIT_JSON_DEPTH, &document) == ERR_OK)
		text = json_member(document, "error");
	if (text != NULL)
		text = json_member(text, "message");
	if (text != NULL && json_as_string(text, &words) == ERR_OK) {
		fprintf(stderr, "pcc-client: the node says: ");
		show(words, stderr);
		fprintf(stderr, "\n");
	}
	json_wipe();
}

/* An answer that is no stream is a refusal, of the node's own making. */
static enum trouble read_refusal(struct exchange *exchange)
{
	SCOPED_WIPE(body_wipe) struct body body = { 0 };
	struct exchange_event event = { .kind = EXCHANGE_CONTENT };
	enum trouble trouble = TROUBLE_NODE_REFUSED;

	while (event.kind == EXCHANGE_CONTENT) {
		exchange_next(exchange, &event);
		if (event.kind == EXCHANGE_CONTENT &&
		    body_put(&body, event.content, REFUSAL_MAX) != ERR_OK)
			break;
	}
	if (event.kind == EXCHANGE_END)
		show_error(body_bytes(&body));
	else if (event.kind == EXCHANGE_FAILED)
		trouble = event.trouble;
	exchange_close(exchange);
	return trouble;
}

static enum trouble send_request(struct chat *chat, struct bytes content,
				 struct body *answer)
{
	struct exchange_request request = {
		.method = "POST",
		.path = "/v1/chat/completions",
		.content = content,
		.client = -1,
	};
	struct exchange *exchange;
	struct exchange_event head;
	enum trouble trouble =
		session_request(chat->session, &request, &exchange, &head);

	if (trouble != TROUBLE_NONE)
		return trouble;
	if (head.status == 200 &&
	    strcmp(head.media_type, "text/event-stream") == 0)
		return read_answer(exchange, answer);
	return read_refusal(exchange);
}

/* Ask one thing.  A question that got no answer is not kept. */
static enum trouble ask(struct chat *chat, struct bytes question)
{
	SCOPED_WIPE(body_wipe) struct body request = { 0 };
	SCOPED_WIPE(body_wipe) struct body answer = { 0 };
	size_t before = chat->messages.len;
	enum trouble trouble = TROUBLE_TOO_LARGE;

	if (add_message(chat, "user", question) == ERR_OK &&
	    write_request(chat, &request) == ERR_OK)
		trouble = send_request(chat, body_bytes(&request), &answer);
	if (trouble == TROUBLE_NONE &&
	    add_message(chat, "assistant", body_bytes(&answer)) != ERR_OK)
		trouble = TROUBLE_TOO_LARGE;
	if (trouble != TROUBLE_NONE)
		chat->messages.len = before;
	return trouble;
}

static void tell(enum trouble trouble)
{
	fprintf(stderr, "pcc-client: %s\n", trouble_text(trouble));
}

/* Ask line by line.  A trouble is told, and the next line may do better. */
static enum trouble talk(struct chat *chat)
{
	char *line = NULL;
	size_t size = 0;
	enum trouble trouble = TROUBLE_NONE;

	for (;;) {
		if (isatty(STDIN_FILENO))
			fprintf(stderr, "> ");

		ssize_t len = getline(&line, &size, stdin);

		if (len < 0)
			break;
		while (len > 0 && line[len - 1] == '\n')
			len--;
		if (len == 0)
			continue;
		trouble = ask(chat, (struct bytes){ (const uint8_t *)line,
						    (size_t)len });
		if (trouble != TROUBLE_NONE)
			tell(trouble);
	}
	if (line != NULL)
		secret_wipe(line, size);
	free(line);
	return trouble;
}

int chat_run(const struct options *options, struct session *session)
{
	struct chat chat = { .options = options, .session = session };
	enum trouble trouble = session_ready(session);

	if (trouble != TROUBLE_NONE) {
		tell(trouble);
		return trouble_exit_code(trouble);
	}
	fprintf(stderr, "pcc-client: %s\n", session_summary(session));
	if (options->system_text != NULL &&
	    add_message(&chat, "system",
			bytes_of_string(options->system_text)) != ERR_OK)
		trouble = TROUBLE_TOO_LARGE;
	else if (options->once == NULL)
		trouble = talk(&chat);
	else
		trouble = ask(&chat, bytes_of_string(options->once));
	if (options->once != NULL && trouble != TROUBLE_NONE)
		tell(trouble);
	body_wipe(&chat.messages);
	return trouble_exit_code(trouble);
}
