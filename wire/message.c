/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message.h"

enum descriptor {
	WITHOUT,
	WITH
};

static const struct shape {
	uint32_t body_min;
	uint32_t body_max;
	uint8_t numbers;    /* 0 and a body_max of 0: a message of one byte */
	uint8_t descriptor; /* enum descriptor */
	bool known;
} shapes[] = {
	[MESSAGE_POLICY] = { 0, MESSAGE_BODY_MAX, 0, WITHOUT, true },
	[MESSAGE_MODEL] = { 0, 0, 0, WITH, true },
	[MESSAGE_DIGESTS] = { 32, 1024, 0, WITHOUT, true },
	[MESSAGE_LISTENER] = { 0, 0, 0, WITH, true },
	[MESSAGE_LISTEN_TLS] = { 1, 256, 0, WITHOUT, true },
	[MESSAGE_PEM] = { 0, 0, 1, WITH, true },
	[MESSAGE_PROVE] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_TPM] = { 0, 0, 0, WITH, true },
	[MESSAGE_REPORTS] = { 1, 256, 0, WITHOUT, true },
	[MESSAGE_RTMR] = { 0, 0, 0, WITH, true },
	[MESSAGE_EVENT_LOG] = { 1, MESSAGE_BODY_MAX, 1, WITHOUT, true },
	[MESSAGE_AK_CERTIFICATE] = { 1, 16 << 10, 0, WITHOUT, true },
	[MESSAGE_RELEASE] = { 33, 32 + (32 << 10), 0, WITHOUT, true },
	[MESSAGE_START] = { 0, 0, 0, WITHOUT, true },
	[MESSAGE_LINK] = { 0, 0, 1, WITH, true },
	[MESSAGE_DRAIN] = { 0, 0, 0, WITHOUT, true },
	[MESSAGE_PULSE] = { 0, 0, 0, WITHOUT, true },
	[MESSAGE_MEASURED] = { 64, 64, 0, WITHOUT, true },
	[MESSAGE_READY] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_DRAINED] = { 0, 0, 0, WITHOUT, true },
	[MESSAGE_UNLINKED] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_WORKER_READY] = { 0, 0, 2, WITH, true },
	[MESSAGE_WORKER_ENDED] = { 0, 0, 3, WITHOUT, true },
	[MESSAGE_WORKER_KEYS] = { 0, 0, 0, WITH, true },
	[MESSAGE_WORKER_TAKEN] = { 0, 0, 2, WITHOUT, true },
	[MESSAGE_WORKER_KILL] = { 0, 0, 2, WITHOUT, true },
	[MESSAGE_OPEN] = { 8, 128, 1, WITHOUT, true },
	[MESSAGE_KEYS] = { 1, 512, 0, WITHOUT, true },
	[MESSAGE_REFUSED] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_RECEIPT] = { 1, 1024, 0, WITHOUT, true },
	[MESSAGE_BUNDLE] = { 1, MESSAGE_BODY_MAX, 3, WITHOUT, true },
	[MESSAGE_NONCE] = { 32, 32, 1, WITHOUT, true },
	[MESSAGE_QUOTE] = { 64, 64, 1, WITHOUT, true },
	[MESSAGE_KEM] = { 32, 97, 0, WITHOUT, true },
	[MESSAGE_DH] = { 0, 97, 1, WITHOUT, true },
	[MESSAGE_EVIDENCE] = { 4, MESSAGE_BODY_MAX, 1, WITHOUT, true },
	[MESSAGE_UNPROVEN] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_BEGIN] = { 0, 0, 2, WITHOUT, true },
	[MESSAGE_DATA] = { 0, MESSAGE_BODY_MAX, 0, WITHOUT, true },
	[MESSAGE_END] = { 0, 0, 0, WITHOUT, true },
	[MESSAGE_PULL] = { 0, 0, 1, WITHOUT, true },
	[MESSAGE_FRAME] = { 1, MESSAGE_BODY_MAX, 0, WITHOUT, true },
	[MESSAGE_LAST] = { 0, MESSAGE_BODY_MAX, 0, WITHOUT, true },
	[MESSAGE_FAILED] = { 0, 0, 1, WITHOUT, true },
};

static const struct shape *shape_of(unsigned kind)
{
	if (kind >= sizeof(shapes) / sizeof(shapes[0]) || !shapes[kind].known)
		return NULL;
	return &shapes[kind];
}

bool message_carries_descriptor(enum message_kind kind)
{
	const struct shape *shape = shape_of(kind);

	return shape != NULL && shape->descriptor == WITH;
}

enum err message_put(const struct message *message, struct writer *out)
{
	const struct shape *shape = shape_of(message->kind);

	invariant(shape != NULL);
	invariant(message->body.len >= shape->body_min &&
		  message->body.len <= shape->body_max);
	if (1 + 8 * (size_t)shape->numbers + message->body.len >
	    out->max - out->len)
		return ERR_TOO_LARGE;

	TRY(bytes_put_u8(out, (uint8_t)message->kind));
	for (size_t i = 0; i < shape->numbers; i++)
		TRY(bytes_put_u64(out, message->number[i]));
	return bytes_put(out, message->body);
}

enum err message_parse(struct bytes packet, struct message *out)
{
	struct message message = { 0 };
	const struct shape *shape;
	uint8_t kind;

	TRY(bytes_take_u8(&packet, &kind));
	shape = shape_of(kind);
	if (shape == NULL)
		return ERR_MALFORMED;

	message.kind = (enum message_kind)kind;
	for (size_t i = 0; i < shape->numbers; i++)
		TRY(bytes_take_u64(&packet, &message.number[i]));
	if (packet.len < shape->body_min)
		return ERR_TRUNCATED;
	if (packet.len > shape->body_max)
		return ERR_TOO_LARGE;
	message.body = packet;
	*out = message;
	return ERR_OK;
}
