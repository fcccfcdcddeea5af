/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An accepted request is within every limit and all its texts are UTF-8 in the
 * given memory; a refused one says why in our words; both leave nothing.
 */
#include <string.h>

#include "base/secret.h"
#include "wire/chat.h"
#include "wire/json.h"
#include "wire/json_memory.h"
#include "wire/utf8.h"

static _Alignas(JSON_ALIGNMENT) uint8_t memory[1 << 18];

static const struct chat_limits limits = {
	.json_depth = 8,
	.messages = 4,
	.stops = 4,
	.stop_bytes = 16,
	.output_tokens = 100,
};

static void check_text(struct bytes text)
{
	invariant(text.len == 0 ||
		  (text.data >= memory &&
		   text.data + text.len <= memory + sizeof(memory)));
	invariant(utf8_is_valid(text));
}

static void check_request(const struct chat_request *request)
{
	bool is_chat = request->endpoint == CHAT_ENDPOINT_CHAT;

	invariant(is_chat == (request->message_count > 0));
	invariant(request->message_count <= limits.messages);
	for (size_t i = 0; i < request->message_count; i++) {
		invariant(request->messages[i].role <= CHAT_ROLE_TOOL);
		check_text(request->messages[i].content);
		check_text(request->messages[i].name);
		check_text(request->messages[i].tool_call_id);
	}
	check_text(request->model);
	check_text(request->prompt);
	invariant(request->stop_count <= limits.stops);
	for (size_t i = 0; i < request->stop_count; i++) {
		check_text(request->stops[i]);
		invariant(request->stops[i].len > 0 &&
			  request->stops[i].len <= limits.stop_bytes);
	}
	invariant(request->max_tokens >= 1 &&
		  request->max_tokens <= limits.output_tokens);
	invariant(request->temperature >= 0 && request->temperature <= 2);
	invariant(request->top_p >= 0 && request->top_p <= 1);
	invariant(request->stream || !request->include_usage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct chat_request request;
	struct chat_refusal refusal = { .status = 0 };
	struct bytes body;
	size_t used;

	if (len < 1 || len > 4096)
		return 0;
	json_warm(memory, sizeof(memory), 7);
	body = (struct bytes){ data + 1, len - 1 };
	if (chat_request_parse(body,
			       (data[0] & 1) != 0 ? CHAT_ENDPOINT_COMPLETION
						  : CHAT_ENDPOINT_CHAT,
			       &limits, &request, &refusal) == ERR_OK) {
		check_request(&request);
		invariant(refusal.status == 0);
	} else {
		invariant(refusal.status >= 400 && refusal.status < 500);
		invariant(refusal.type != NULL && refusal.message != NULL);
	}
	used = json_memory_used();
	json_wipe();
	invariant(secret_is_zero(memory, used));
	return 0;
}
