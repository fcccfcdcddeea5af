/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chat_message: the conversation in a chat request.
 *
 *     {"role": ROLE, "content": "..." or [{"type": "text", "text": "..."},
 * ...]}
 */
#ifndef WIRE_CHAT_MESSAGE_H
#define WIRE_CHAT_MESSAGE_H

#include "base/bytes.h"
#include "wire/chat_refusal.h"
#include "wire/json.h"

enum chat_role {
	CHAT_ROLE_SYSTEM,
	CHAT_ROLE_DEVELOPER,
	CHAT_ROLE_USER,
	CHAT_ROLE_ASSISTANT,
	CHAT_ROLE_TOOL,
};

struct chat_message {
	enum chat_role role;
	struct bytes content;	   /* text parts, joined by a line feed */
	struct bytes name;	   /* empty when not given */
	struct bytes tool_call_id; /* of CHAT_ROLE_TOOL, else empty */
};

/*
 * Read one element of `messages`.  On an error *refusal says why.  Views live
 * in the memory of wire/json.h.
 */
MUST_CHECK enum err chat_message_read(const struct json *value,
				      struct chat_message *out,
				      struct chat_refusal *refusal);

#endif
