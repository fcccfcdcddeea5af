/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proto.h"

#include <stdbool.h>

/* What the allocator of protobuf-c hands around. */
struct source {
	struct arena *arena;
	bool was_full;
};

static void *alloc_from_arena(void *context, size_t size)
{
	struct source *source = context;
	void *memory = arena_alloc(source->arena, 1, size);

	if (memory == NULL)
		source->was_full = true;
	return memory;
}

/* An arena takes nothing back; its owner wipes it whole. */
static void free_nothing(void *context, void *memory)
{
	(void)context;
	(void)memory;
}

enum err proto_decode(struct bytes in, const ProtobufCMessageDescriptor *type,
		      struct arena *arena, ProtobufCMessage **out)
{
	struct source source = { .arena = arena };
	ProtobufCAllocator allocator = {
		.alloc = alloc_from_arena,
		.free = free_nothing,
		.allocator_data = &source,
	};
	ProtobufCMessage *message =
		protobuf_c_message_unpack(type, &allocator, in.len, in.data);

	if (message == NULL)
		return source.was_full ? ERR_TOO_LARGE : ERR_MALFORMED;
	*out = message;
	return ERR_OK;
}

enum err proto_encode(const ProtobufCMessage *message, struct writer *out)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	if (size > out->max - out->len)
		return ERR_TOO_LARGE;
	if (size > 0)
		out->len +=
			protobuf_c_message_pack(message, out->data + out->len);
	return ERR_OK;
}

ProtobufCBinaryData proto_binary(struct bytes data)
{
	return (ProtobufCBinaryData){
		.len = data.len,
		.data = (uint8_t *)(uintptr_t)data.data,
	};
}

struct bytes proto_view(ProtobufCBinaryData data)
{
	return (struct bytes){ data.data, data.len };
}
