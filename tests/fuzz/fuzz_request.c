/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An opened request as a worker reads it, from Binary HTTP to what is asked of
 * the model: all of it lies in the message or in the request's own memory, and
 * what is refused is refused in fixed words.
 *
 *     u8 how | message; with how > 0 the rest is the content of a sound one
 */
#include <string.h>

#include "api/conversation.h"
#include "base/secret.h"
#include "policy/limits.h"
#include "wire/bhttp_write.h"
#include "wire/json.h"
#include "wire/json_memory.h"

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(JSON_ALIGNMENT) uint8_t json_bytes[1 << 18];
static _Alignas(64) uint8_t arena_bytes[1 << 16];

static bool lies_in(struct bytes part, const uint8_t *memory, size_t size)
{
	return part.len == 0 ||
	       (part.data >= memory && part.data + part.len <= memory + size);
}

static void check_asked(const struct request *request)
{
	struct conversation conversation;
	struct chat_refusal refusal = { .status = 0 };
	enum err err = conversation_read(request, &conversation, &refusal);

	invariant((err == ERR_OK) == (refusal.status == 0));
	invariant(err != ERR_OK || lies_in(conversation.request.model,
					   json_bytes, sizeof(json_bytes)));
}

static struct bytes message_of(uint8_t how, struct bytes in, struct writer *out)
{
	static const char *const paths[] = { "/v1/chat/completions",
					     "/v1/completions", "/v1/models" };
	struct bhttp_control control = {
		.method = bytes_of_string(how % 4 == 3 ? "GET" : "POST"),
		.scheme = BYTES_LITERAL("https"),
		.path = bytes_of_string(paths[how % 4 % 3]),
	};
	struct bytes first = in;

	if (how == 0)
		return in;
	if (how < 0x80) {
		invariant(bhttp_write_request(
				  out, &control,
				  (struct bhttp_write_fields){ NULL, 0 },
				  in) == ERR_OK);
		return bytes_written(out);
	}
	first.len = in.len * (how & 7u) / 8;
	in.data += first.len;
	in.len -= first.len;
	invariant(bhttp_write_request_head(
			  out, &control,
			  (struct bhttp_write_fields){ NULL, 0 }) == ERR_OK &&
		  bhttp_write_content(out, first) == ERR_OK &&
		  bhttp_write_content(out, in) == ERR_OK &&
		  bhttp_write_end(out) == ERR_OK);
	return bytes_written(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[2 * INPUT_MAX];
	struct writer out = WRITER_OVER(memory);
	struct arena arena = { arena_bytes, sizeof(arena_bytes), 0 };
	struct bytes message = { data, size };
	struct request request;
	uint8_t how;

	if (size > INPUT_MAX || bytes_take_u8(&message, &how) != ERR_OK)
		return 0;
	message = message_of(how, message, &out);
	if (request_parse(message, &arena, &request) != ERR_OK)
		return 0;
	invariant(lies_in(request.content, message.data, message.len) ||
		  lies_in(request.content, arena_bytes, sizeof(arena_bytes)));
	invariant(lies_in(request.model, message.data, message.len) ||
		  lies_in(request.model, arena_bytes, sizeof(arena_bytes)));
	if (request.route == REQUEST_MODELS)
		return 0;
	json_warm(json_bytes, sizeof(json_bytes), 7);
	check_asked(&request);
	json_wipe();
	return 0;
}
